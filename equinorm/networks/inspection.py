"""The whole network: it is run on images, each layer is measured where it stands, and then the images are moved.

Runs of the network, without gradients and on a copy of it:

1. plain, in float64 where the network allows, else in its own dtype;
2. observed: the calls of layers, and whether a second run gives the same;
3. observed, each layer measured at the input that it gets (:func:`equinorm.networks.defects.own_defects`);
4. as a whole on the moved images, and changed slightly, for what rounding makes of its output;
5. observed on the images and on the moved images, for as many layers at a time as fit into `MEMORY`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np

from equinorm.networks.calls import Call, Observer, Visit, floating
from equinorm.networks.carrying import Journey, Key, windows
from equinorm.networks.defects import draw, own_defects, relative
from equinorm.networks.describe import Description, describe, likely_axes
from equinorm.networks.fitting import Fit, Unfit, fit, input_axes
from equinorm.networks.grids import FIRST, Axes, Sizes, find_axes, sizes_at, step
from equinorm.networks.loading import limited, said
from equinorm.networks.normalizations import verdicts
from equinorm.networks.recognition import Recognition, recognize
from equinorm.networks.rows import Row
from equinorm.networks.whole import Whole
from equinorm.progress import Listener, Progress
from numerics.translations import Table, remove_nyquist
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import SpecificationError, refuse
from theory.spec.layers import Normalization
from theory.spec.terms import Term

Module = Any
Tensor = Any

RUNS = 40
"""Runs of the network, at most, in which its output is compared."""

MOST_PROBED = 32
"""Modules of unknown classes whose values are probed, which takes up to a second each."""

CONVERSIONS = {
    "torch.float64": "double",
    "torch.float32": "float",
    "torch.float16": "half",
    "torch.bfloat16": "bfloat16",
}
"""The method of a module that converts its floating parameters and buffers."""

SAME = 1e3
"""Unit roundoffs by which two runs may differ: sums on an accelerator end in any order."""


@dataclass(frozen=True)
class Setting:
    """How a network is looked at: the actions, the Nyquist policy, the seed of displacements, seconds for one run."""

    kinds: tuple[ActionKind, ...] = (ActionKind.SHIFT, ActionKind.TRANSLATION)
    policy: NyquistPolicy = NyquistPolicy.SYMMETRIC
    seed: int = 0
    timeout: float = 60.0


@dataclass
class Inspection:
    """One network on one batch of images (B, C, H, W), and what was found.

    ``given`` names the network in errors. ``steps`` are the least shifts of the images, along H and W, that are whole
    on every map that divides them; ``displacements`` those by which they were moved; ``output`` is the output's row.
    """

    network: Module
    images: Tensor
    setting: Setting
    torch: ModuleType
    given: str
    listener: Listener | None = None
    rows: list[Row] = field(default_factory=list)
    unseen: Counter[tuple[str, str]] = field(default_factory=Counter)
    steps: tuple[int, int] = (1, 1)
    output: Row | None = None
    displacements: Mapping[ActionKind, Table] = field(default_factory=dict)
    _narrows: bool = False
    _unit: float = 0.0
    _fits: dict[Key, Fit] = field(default_factory=dict)
    _bytes: dict[Key, int] = field(default_factory=dict)
    _known: set[Sizes] = field(default_factory=set)
    _lost: set[Sizes] = field(default_factory=set)
    _last: Axes = FIRST
    _recognitions: dict[int, Recognition | None] = field(default_factory=dict)

    @property
    def sizes(self) -> Sizes:
        """The sizes of the images."""
        return sizes_at(self.images.shape, FIRST)

    def run(self) -> None:
        """Look at the network.

        Raises:
            SpecificationError: it raises, does not end in time, gives no finite tensors, or not the same ones twice.
        """
        with self.torch.no_grad(), random_state_kept(self.torch):
            self._check()
            progress = Progress("auditing", 2.0 * len(self._bytes), self.listener)
            self._measure(progress)
            self._whole()
            self._carry(progress)

    def _check(self) -> None:
        """Runs 1 and 2, and 3 where these differ, to name the layer."""
        first = self._plain()
        prints: list[tuple[str, float]] = []

        def count(call: Call, outputs: list[Tensor]) -> None:
            self._bytes[call.key] = sum(t.numel() * t.element_size() for t in (*call.inputs, *outputs))
            prints.append((call.name, sum(float(tensor.double().sum()) for tensor in outputs)))

        observer = Observer(self.network, self.torch, count, listens=True)
        second = self._observed(observer, self.images)
        self.unseen, self._narrows = observer.unseen, observer.narrows
        if not all(bool(self.torch.isfinite(tensor).all()) for tensor in first):
            bad = next((name for name, value in prints if not np.isfinite(value)), "")
            raise refuse(self.given, "a network with finite values", f"NaN or infinite first after {bad or 'no layer'}")
        if self._same(first, second):
            return
        before = list(prints)
        prints.clear()
        self._observed(Observer(self.network, self.torch, count), self.images)
        differing = (a[0] for a, b in zip(before, prints, strict=False) if a != b)
        raise refuse(
            self.given,
            "a network that gives the same twice",
            f"it is random or keeps state, first in {next(differing, 'code between layers')}; is it in training mode?",
        )

    def _same(self, first: list[Tensor], second: list[Tensor]) -> bool:
        if [tensor.shape for tensor in first] != [tensor.shape for tensor in second]:
            return False
        unit = max(float(self.torch.finfo(tensor.dtype).eps) for tensor in first)
        return all(
            bool(np.all(relative([a[None]], [b[None]], self.torch) <= SAME * unit))
            for a, b in zip(first, second, strict=True)
        )

    def _plain(self) -> list[Tensor]:
        """Run 1, which settles the dtype."""
        dtypes = (p.dtype for p in self.network.parameters() if p.is_floating_point())
        own = next((dtype for dtype in dtypes if str(dtype) in CONVERSIONS), self.torch.float32)
        raised: BaseException | None = None
        for dtype in dict.fromkeys((self.torch.float64, own)):
            # Not ``to``, which takes the imaginary parts of complex parameters away.
            self.images = self.images.to(dtype)
            try:
                getattr(self.network, CONVERSIONS[str(dtype)])()
                with limited(self.setting.timeout, self.given):
                    found = floating(self.network(self.images), self.torch)
            except SpecificationError:
                raise
            except (Exception, SystemExit) as error:
                raised = error
                continue
            if not found:
                raise refuse(self.given, "a network that returns tensors of real numbers")
            return found
        assert raised is not None
        raise self._raised(raised) from None

    def _raised(self, error: BaseException) -> SpecificationError:
        shape = "x".join(map(str, self.images.shape))
        return refuse(self.given, f"a network that takes images of shape {shape}", said(error))

    def _observed(self, observer: Observer, images: Tensor) -> list[Tensor]:
        with limited(self.setting.timeout, self.given), observer.watching():
            try:
                return floating(self.network(images), self.torch)
            except SpecificationError:
                raise
            except (Exception, SystemExit) as error:
                raise self._raised(error) from None

    def _measure(self, progress: Progress) -> None:
        """Run 3."""
        self._known = {self.sizes}
        self._last = FIRST

        def visit(call: Call, outputs: list[Tensor]) -> None:
            self.rows.append(self._row(call, outputs))
            progress.step(1)

        with Observer(self.network, self.torch, visit).watching():
            self.network(self.images)
        steps = []
        for axis, whole in enumerate(self.sizes):
            steps.append(step(whole, (size[axis] for size in self._known - self._lost if whole % size[axis] == 0)) or 1)
        self.steps = (steps[0], steps[1])

    def _row(self, call: Call, outputs: list[Tensor]) -> Row:
        inputs = call.inputs
        shapes = tuple(tuple(group[0].shape) if group else () for group in (inputs, outputs))
        likely = likely_axes(call.module, self._last)
        about = describe(call.module, shapes[0], likely)
        row = Row(call.name, call.turn, about, (shapes[0], shapes[1]))
        try:
            axes = input_axes(inputs, self.images.shape[0], self._known, likely)
            place = next(one for one in axes if one is not None)
            about = describe(call.module, inputs[axes.index(place)].shape, place)
            subject: Normalization | Term | None = about.layer
            if not about.known and axes[0] is not None:
                about, subject = self._recognized(call, about, axes[0])
            row = replace(row, about=about, verdicts=self._verdicts(call, subject, axes))
            found = fit(inputs, outputs, axes, about.strides)
            self._fits[call.key] = found
            self._follow(outputs, found.outputs, lost=found.reference in self._lost)
            trusted = about.known and inputs[0].dtype == self.torch.float64
            kinds, policy, seed = self.setting.kinds, self.setting.policy, self.setting.seed
            return replace(row, own=own_defects(call, found, kinds, policy, seed, trusted))
        except Unfit as error:
            self._follow(outputs, [find_axes(tensor.shape, self._known, self._last) for tensor in outputs], lost=True)
            return replace(row, reason=str(error))
        except SpecificationError:
            raise
        except Exception as error:  # the layer, called again with other values
            return replace(row, reason=f"it raises when its input is moved: {said(error)}")

    def _follow(self, outputs: Sequence[Tensor], axes: Sequence[Axes | None], lost: bool) -> None:
        """Take note of new sizes of maps. They are ``lost`` where the action on the images induces none on them."""
        found = {sizes_at(tensor.shape, one) for tensor, one in zip(outputs, axes, strict=True)} - {(1, 1)}
        if lost:
            self._lost |= found - self._known
        self._known |= found
        self._last = next((one for one in axes if one is not None), self._last)

    def _recognized(
        self, call: Call, about: Description, axes: Axes
    ) -> tuple[Description, Normalization | Term | None]:
        """A stranger, described by what its values show; each module once, and the first `MOST_PROBED` of them."""
        key = id(call.module)
        if key not in self._recognitions:
            if len(self._recognitions) >= MOST_PROBED:
                return about, None
            self._recognitions[key] = recognize(call, axes)
        found = self._recognitions[key]
        if found is None:
            return about, None
        told = replace(about, kind=found.kind, specification=found.specification, remarks=found.remarks)
        return told, found.decidable

    def _verdicts(
        self, call: Call, layer: Normalization | Term | None, axes: Sequence[Axes | None]
    ) -> dict[str, tuple[str, str]]:
        if layer is None or axes[0] is None:
            return {}
        groups = int(getattr(call.module, "num_groups", 1))
        free = self.setting.policy is NyquistPolicy.PROJECT
        return verdicts(layer, call.inputs[0].shape, axes[0], groups, free)

    def _whole(self) -> None:
        """Run 4: the row of the output."""
        trusted = not self._narrows and all(row.about.known for row in self.rows)
        trusted = trusted and self.images.dtype == self.torch.float64
        whole = Whole(self.network, self.images, self.torch, self._known, self._lost, self._last, self.steps)
        with limited(RUNS * self.setting.timeout, self.given):
            setting = self.setting
            rounding = whole.rounding(trusted, len(self.rows))
            self.output = whole.row(setting.kinds, setting.policy, setting.seed, rounding)
        self._unit = rounding.unit

    def _carry(self, progress: Progress) -> None:
        """Run 5: of each window of layers the images, then the images moved by each action."""
        images = self.images
        if self.setting.policy is NyquistPolicy.PROJECT:
            images = remove_nyquist(images, FIRST)[0]

        def run(visit: Visit, given: Tensor) -> None:
            self._observed(Observer(self.network, self.torch, visit), given)

        batch, seed = images.shape[0], self.setting.seed
        self.displacements = {kind: draw(kind, batch, self.sizes, self.steps, seed) for kind in self.setting.kinds}
        journey = Journey(run, images, self._fits, self._lost, self._unit, self.torch)
        for window in windows(self._fits, self._bytes):
            journey.through(window, self.displacements)
            progress.step(len(window))
        self.rows = [replace(row, carried=journey.found.get((row.name, row.turn), {})) for row in self.rows]


@contextmanager
def random_state_kept(torch: ModuleType) -> Iterator[None]:
    """The generators of Python, NumPy and PyTorch go on afterwards as if the block had drawn nothing."""
    import random

    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
