"""The verb ``audit``: a network of PyTorch, layer by layer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from equinorm.files import replacing_file
from equinorm.inputs.batches import read_batches
from equinorm.inputs.images import PHOTOGRAPH, bundled_pictures, find_pictures
from equinorm.inputs.preprocessing import SHORTER_SIDE
from equinorm.networks.findings import Audit
from equinorm.networks.inspection import Inspection, Setting, random_state_kept
from equinorm.networks.loading import load_model, load_state, load_torch, said, uncompiled
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
        model: ``module:factory``, or a ``torch.nn.Module``, of which a copy is looked at.
        weights: a state dict (.pth, .pt, .safetensors, .npz), read without running code; None: as they are.
        images: pictures and folders of pictures; none: photographs that scikit-image brings along; or an array
            (B, C, H, W), which is taken as it is.
        size: side of the central square of a picture, in pixels.
        batch: how many pictures; with more than one each is moved by its own displacement.
        action: ``shift``, ``translation`` or ``both``.
        nyquist: what a translation does at N/2 of an even axis: ``symmetric``, or ``project`` (the images and the
            input of each layer lose that bin first).
        seed: of displacements, and of what the factory draws.
        device: ``cpu`` or ``cuda``.
        timeout: seconds for the factory, and for each run of the network.
        csv: a file for the rows.
        html: a file for a page.
        progress: called after each layer with the share done and the seconds left.

    Raises:
        SpecificationError: an argument that cannot be used; a network that cannot be imported, raises, is random,
            keeps state, does not end, or gives NaN.
    """
    kinds = ACTIONS.get(action)
    if kinds is None:
        raise refuse(f"action={action}", f"one of {', '.join(ACTIONS)}")
    if nyquist not in ("symmetric", "project"):
        raise refuse(f"nyquist={nyquist}", "`symmetric` or `project`")
    if not timeout > 0:
        raise refuse(f"timeout={timeout:g}", "a positive number of seconds")
    setting = Setting(kinds, NyquistPolicy(nyquist), seed, timeout)
    with ExitStack() as stack:
        wanted = [(name, path) for name, path in (("csv", csv), ("html", html)) if path is not None]
        files = {name: stack.enter_context(replacing_file(path, name)) for name, path in wanted}
        found = _audited(model, weights, _images(images, size, batch), setting, device, progress)
        for name, path in files.items():
            path.write_text(found.csv() if name == "csv" else found.html(), encoding="utf-8")
    return found


def _images(images: Any, size: int, batch: int) -> tuple[np.ndarray[Any, Any], list[str]]:
    """The images (B, C, H, W) in float64, and what they are called."""
    if hasattr(images, "__array__"):
        values = np.asarray(images, dtype=np.float64)
        if values.ndim != 4 or 0 in values.shape or not np.all(np.isfinite(values)):
            raise refuse(f"images of shape {values.shape}", "finite numbers of shape (B, C, H, W)")
        return values, ["given as an array"]
    if not 1 <= size <= SHORTER_SIDE:
        raise refuse(f"size={size}", f"a number of pixels from 1 to {SHORTER_SIDE}")
    if batch < 1:
        raise refuse(f"batch={batch}", "a number of pictures >= 1")
    named = [images] if isinstance(images, (str, Path)) else images
    pictures = find_pictures(named) if named else [one for one in bundled_pictures() if one.group == PHOTOGRAPH]
    first = next(read_batches(pictures, size, batch, threads=1))
    return first.images(np.float64), [picture.name for picture in first.pictures]


def _audited(
    model: Any,
    weights: str | Path | None,
    images: tuple[np.ndarray[Any, Any], Sequence[str]],
    setting: Setting,
    device: str,
    progress: Listener | None,
) -> Audit:
    import equinorm

    torch = load_torch()
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise refuse(f"device={device}", "cpu or cuda" if device != "cuda" else "a GPU that PyTorch can use")
    with random_state_kept(torch):
        torch.manual_seed(setting.seed)
        network, name = _network(model, torch, setting.timeout)
        digest = None if weights is None else load_state(network, weights, torch)
        network = uncompiled(network).to(device)
        looked = Inspection(network, torch.from_numpy(images[0]).to(device), setting, torch, f"model={name}", progress)
        looked.run()
    facts = {
        "version": equinorm.__version__,
        "torch": str(torch.__version__),
        "model": name,
        "class": type(network).__name__,
        "mode": _mode(network),
        "weights": None if weights is None else str(weights),
        "weights_sha256": digest,
        "images": list(images[1]),
        "batch": int(images[0].shape[0]),
        "shape": [int(size) for size in images[0].shape[1:]],
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
