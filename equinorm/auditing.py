"""The verb ``audit``: a network of PyTorch, layer by layer."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from equinorm.files import replacing_file
from equinorm.inputs.batches import read_batches
from equinorm.inputs.images import PHOTOGRAPH, bundled_pictures, find_pictures
from equinorm.inputs.preprocessing import SHORTER_SIDE
from equinorm.networks.inspection import Inspection, Setting, random_state_kept
from equinorm.networks.loading import load_model, load_state, load_torch, said
from equinorm.networks.page import page
from equinorm.networks.rows import Row
from equinorm.networks.tables import NUMBERS, finding, full_table, notes, numbers, plain_lines, verdict
from equinorm.progress import Listener
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import refuse

ACTIONS = {
    "both": (ActionKind.SHIFT, ActionKind.TRANSLATION),
    "shift": (ActionKind.SHIFT,),
    "translation": (ActionKind.TRANSLATION,),
}


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        rows: one for each call of a layer, in the order in which they end.
        unseen: functions that went through no module: their name, the module whose code calls them, how often.
        kinds: the actions that were tried.
        facts: versions, options, pictures, dtype and device: plain data.
    """

    rows: tuple[Row, ...]
    unseen: tuple[tuple[str, str, int], ...]
    kinds: tuple[ActionKind, ...]
    facts: Mapping[str, Any]

    def first(self, kind: ActionKind | None = None) -> Row | None:
        """The first layer whose own defect exceeds the rounding bound, under ``kind`` or under any action."""
        kinds = self.kinds if kind is None else (kind,)
        return next((row for row in self.rows if any(row.exceeds(one) for one in kinds)), None)

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            **self.facts,
            "first": {kind.value: _title(self.first(kind)) for kind in self.kinds} | {"any": _title(self.first())},
            "layers": [self._layer(row) for row in self.rows],
            "not_seen": [{"function": name, "module": place, "calls": count} for name, place, count in self.unseen],
        }

    def _layer(self, row: Row) -> dict[str, Any]:
        about = row.about
        found: dict[str, Any] = {
            "layer": row.name,
            "call": row.turn + 1,
            "class": about.name,
            "kind": about.kind,
            "specification": about.specification or None,
            "input": list(row.shapes[0]),
            "output": list(row.shapes[1]),
            "notes": notes(row, self.kinds),
        }
        for kind in self.kinds:
            # JSON has no infinity, which an error relative to zero is.
            values = [None if value is None or not np.isfinite(value) else value for value in numbers(row, kind)]
            found[kind.value] = {
                "verdict": verdict(row, kind) or None,
                "reason": row.verdicts[kind.value][1] if row.verdicts else None,
                "finding": finding(row, kind) or None,
                **dict(zip(NUMBERS, values, strict=True)),
            }
        return found

    def csv(self) -> str:
        """One line for each row, below the names of the columns."""
        return full_table(self.rows, self.kinds).csv()

    def html(self) -> str:
        """A page that needs nothing else."""
        return page(self)

    def text(self) -> str:
        """The answer for a terminal."""
        lines = [self.heading(), *self.details()]
        for kind in self.kinds:
            lines += ["", f"{kind.value}s:", *plain_lines(self.rows, kind)]
        lines += ["", *self.not_seen(), *(self.conclusion(kind) for kind in self.kinds)]
        return "\n".join(lines)

    def heading(self) -> str:
        """What was looked at."""
        facts = self.facts
        return (
            f"{facts['model']} ({facts['class']}, {facts['mode']}, {facts['weights'] or 'weights as made'}); "
            f"{facts['dtype']} on {facts['device']}"
        )

    def details(self) -> list[str]:
        """On what, and how it moves."""
        facts = self.facts
        scope = "each by its own displacement" if facts["batch"] > 1 else "by one displacement"
        height, width = facts["steps"]
        shape = "x".join(map(str, facts["shape"]))
        found = [f"{facts['batch']} images of {shape}, moved {scope}: {', '.join(facts['images'])}"]
        if ActionKind.SHIFT in self.kinds:
            steps = f"{height} and {width}" if height != width else str(height)
            found.append(f"shifts of the images: multiples of {steps} pixels, whole on every map that divides them")
        if ActionKind.TRANSLATION in self.kinds:
            found.append(f"translations: Nyquist policy {facts['nyquist']}")
        return found

    def not_seen(self) -> list[str]:
        """The functions that no hook sees."""
        if not self.unseen:
            return []
        named = [
            f"{name} in {place or 'the network'}" + (f" ({count} times)" if count > 1 else "")
            for name, place, count in self.unseen
        ]
        shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
        return [f"not seen, since no module computes it: {shown}"]

    def conclusion(self, kind: ActionKind) -> str:
        """The first layer that is above rounding under ``kind``, and why."""
        row = self.first(kind)
        before = self.rows if row is None else self.rows[: self.rows.index(row)]
        passed = [one.title for one in before if one.reason and one.about.kind != "other"]
        left_out = f"; not compared{'' if row is None else ' before it'}: {', '.join(passed)}" if passed else ""
        if row is None:
            compared = sum(kind in one.own for one in self.rows)
            return f"{kind.value}s: no own defect exceeds rounding, of {compared} layers compared{left_out}"
        own, why = row.own[kind], notes(row, (kind,))
        return (
            f"{kind.value}s: the first layer whose own defect exceeds rounding is {row.title}, "
            f"{row.about.specification or row.about.name}: {own.error:.1e} against {own.bound:.1e}"
            + (f" ({why})" if why else "")
            + left_out
        )


def _title(row: Row | None) -> str | None:
    return None if row is None else row.title


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
        network = network.to(device)
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
    }
    unseen = tuple((function, place, count) for (function, place), count in looked.unseen.items())
    return Audit(tuple(looked.rows), unseen, setting.kinds, facts)


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
