"""The verb ``audit``: a network of PyTorch, layer by layer."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from equinorm.checks import check_choice, check_whole
from equinorm.files import replacing_file
from equinorm.networks.apart import audit_apart
from equinorm.networks.findings import Audit
from equinorm.networks.given import Images, given_images
from equinorm.networks.inspection import Inspection, Setting, random_state_kept
from equinorm.networks.loading import check_modules, checked_name, load_model, load_state, load_torch, said, uncompiled
from equinorm.progress import Listener
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import refuse

ACTIONS = {
    "both": (ActionKind.SHIFT, ActionKind.TRANSLATION),
    "shift": (ActionKind.SHIFT,),
    "translation": (ActionKind.TRANSLATION,),
}


def audit(
    model: Any,
    *,
    weights: str | Path | None = None,
    images: Any = (),
    size: int = 224,
    batch: int = 4,
    action: str = "both",
    nyquist: str = "symmetric",
    seed: int = 0,
    device: str = "cpu",
    timeout: float = 60.0,
    csv: str | Path | None = None,
    html: str | Path | None = None,
    progress: Listener | None = None,
) -> Audit:
    """Measure every layer of a PyTorch network where it stands, and name the first that is not equivariant.

    Args:
        model: ``module:factory``, or a ``torch.nn.Module``, of which a copy is looked at, in this process.
        weights: a state dict (.pth, .pt, .safetensors, .npz), read without running code; None: as they are.
        images: pictures and folders of pictures; none: photographs that scikit-image brings along; or an array
            (B, C, H, W), or a file of one (.npy, .npz, .safetensors), which is taken as it is. Of pictures the shorter
            side is resized to 256 pixels, the central square cut out, and ImageNet's normalization applied.
        size: side of the central square of a picture, in pixels, from 1 to 256.
        batch: how many pictures; with more than one each is moved by its own displacement.
        action: ``shift``, ``translation`` or ``both``.
        nyquist: what a translation does at N/2 of an even axis: ``symmetric``, or ``project`` (the images and the
            input of each layer lose that bin first).
        seed: of displacements, and of what the factory draws; a whole number from 0 up.
        device: ``cpu`` or ``cuda``.
        timeout: seconds for the factory, and for each run of the network.
        csv: a file for the rows.
        html: a file for a page.
        progress: called after each layer with the share done and the seconds left.

    Raises:
        SpecificationError: an argument that cannot be used; a network that cannot be imported, raises, is random,
            keeps state, does not end, or gives NaN.
    """
    timeout = _checked(action, nyquist, seed, timeout)
    options: dict[str, Any] = {"action": action, "nyquist": nyquist, "seed": seed, "device": device}
    with _files(csv, html) as files:
        found = inspect(
            model,
            given=given_images(images, size, batch),
            weights=weights,
            progress=progress,
            timeout=timeout,
            **options,
        )
        for name, path in files.items():
            path.write_text(found.csv() if name == "csv" else found.html(), encoding="utf-8")
    return found


def audit_named(
    model: str,
    *,
    weights: str | Path | None = None,
    images: Any = (),
    size: int = 224,
    batch: int = 4,
    csv: str | Path | None = None,
    html: str | Path | None = None,
    progress: Listener | None = None,
    **options: Any,
) -> dict[str, Any]:
    """As :func:`audit`, of ``module:factory`` in a process of its own; the answer is plain data.

    Keys: ``text``, ``document``, ``csv``, ``html``, and ``holds`` (True, False, or None where it could not be told).
    """
    checked_name(model)
    options["timeout"] = _checked(**{name: options[name] for name in ("action", "nyquist", "seed", "timeout")})
    with _files(csv, html) as files:
        given = given_images(images, size, batch)
        values = np.ascontiguousarray(given.values)
        told = {"names": given.names, "treatment": given.treatment, "remarks": given.remarks, "shape": values.shape}
        named = {**options, "model": model, "weights": None if weights is None else str(weights)}
        found = audit_apart({"do": "audit", "options": named, **told}, values.tobytes(), options["timeout"], progress)
        for name, path in files.items():
            path.write_text(found[name], encoding="utf-8")
    return found


def _checked(action: str, nyquist: str, seed: int, timeout: float) -> float:
    """``timeout``. Raises SpecificationError for an option that cannot be used."""
    check_choice("action", action, ACTIONS)
    if nyquist not in ("symmetric", "project"):
        raise refuse(f"nyquist={nyquist}", "`symmetric` or `project`")
    check_whole("seed", seed, 0, 2**64 - 1)  # what a generator of PyTorch takes
    if not (math.isfinite(timeout) and timeout > 0):
        raise refuse(f"timeout={timeout:g}", "a positive number of seconds")
    return float(timeout)


@contextmanager
def _files(csv: str | Path | None, html: str | Path | None) -> Iterator[dict[str, Path]]:
    """Places to write to, which become the files at the end."""
    if csv is not None and html is not None and Path(csv).resolve() == Path(html).resolve():
        raise refuse(f"csv={csv} and html={html}", "two files", "name another for one of them")
    wanted = [(name, path) for name, path in (("csv", csv), ("html", html)) if path is not None]
    with ExitStack() as stack:
        yield {name: stack.enter_context(replacing_file(path, name)) for name, path in wanted}


def inspect(
    model: Any,
    *,
    given: Images,
    weights: str | Path | None,
    action: str,
    nyquist: str,
    seed: int,
    device: str,
    timeout: float,
    progress: Listener | None,
) -> Audit:
    """:func:`audit` on images that have been read, in this process."""
    import equinorm

    setting = Setting(ACTIONS[action], NyquistPolicy(nyquist), seed, timeout)
    images = given.values

    torch = load_torch()
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise refuse(f"device={device}", "cpu or cuda" if device != "cuda" else "a GPU that PyTorch can use")
    with random_state_kept(torch):
        torch.manual_seed(setting.seed)
        network, name = _network(model, torch, setting.timeout)
        check_modules(network, f"model={name}", torch)
        digest = None if weights is None else load_state(network, weights, torch)
        try:
            network = uncompiled(network).to(device)
        except Exception as error:
            raise refuse(f"model={name}", f"a network that can be moved to {device}", said(error)) from None
        looked = Inspection(network, torch.from_numpy(images).to(device), setting, torch, f"model={name}", progress)
        looked.run()
    facts = {
        "version": equinorm.__version__,
        "torch": str(torch.__version__),
        "model": name,
        "class": type(network).__name__,
        "mode": _mode(network),
        "weights": None if weights is None else str(weights),
        "weights_sha256": digest,
        "images": list(given.names),
        "treatment": given.treatment,
        "remarks": list(given.remarks),
        "batch": int(images.shape[0]),
        "shape": [int(size) for size in images.shape[1:]],
        "dtype": str(looked.images.dtype).removeprefix("torch."),
        "device": device,
        "nyquist": setting.policy.value,
        "seed": setting.seed,
        "steps": list(looked.steps),
        "displacements": {kind.value: table.tolist() for kind, table in looked.displacements.items()},
    }
    unseen = tuple((function, place, count) for (function, place), count in looked.unseen.items())
    assert looked.output is not None
    return Audit(tuple(looked.rows), looked.output, unseen, setting.kinds, facts)


def _network(model: Any, torch: Any, timeout: float) -> tuple[Any, str]:
    """A network that may be changed, and what it is called."""
    if isinstance(model, str):
        return load_model(model, torch, timeout), model
    name = type(model).__name__
    if not isinstance(model, torch.nn.Module):
        raise refuse(f"model={name}", "module:factory, or a torch.nn.Module")
    try:
        return copy.deepcopy(model), name
    except Exception as error:
        raise refuse(f"model={name}", "a network that can be copied", f"{said(error)}; name a factory") from None


def _mode(network: Any) -> str:
    modes = {bool(module.training) for module in network.modules()}
    return (
        "training and evaluation mode" if len(modes) > 1 else "training mode" if modes == {True} else "evaluation mode"
    )
