"""One layer on the feature maps of one array: f(T x) against T f(x), a row for each sample.

Each sample moves by a displacement of its own, drawn from the seed, the array's name and the sample's number alone.
Where the layer does not couple samples they are taken some at a time, else all together, since then the statistics are
those of the whole array; the cut into pieces changes no number. The affine step is taken with gain 1 and bias 0 and
with both drawn from N(0, 1); the parameters of a term are drawn.

Before anything is measured all samples are looked at once: NaN and infinities are found with their indices, and so are
channels without variance, whose normalization is rounding divided by the root of eps.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from equinorm.inputs.array_files import GivenArray, check_squares
from equinorm.progress import Progress
from numerics.arrays import Array, to_numpy
from numerics.backends import Backend
from numerics.bounds import rounding_bound, transform_growth
from numerics.equivariance import Motion, Sides, bound_between
from numerics.experiment.draws import Source, stream
from numerics.experiment.variants import Initialization, samples_reduced
from numerics.layers import normalize
from numerics.rounding import probe_rounding
from numerics.terms import evaluate, parameter_shapes
from numerics.translations import remove_nyquist
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.axes import BCHW
from theory.spec.errors import refuse
from theory.spec.layers import Normalization, Statistics
from theory.spec.terms import Mean, Parameter, Term, parameters, walk

Floats = NDArray[np.float64]

PIECE_BYTES = 16 * 2**20
LARGEST_BATCH = 2 * 2**30
"""Bytes of an array that is measured whole; the peak is about six times that."""

SHOWN = 5
"""Indices that are named."""


@dataclass(frozen=True)
class Subject:
    """What is measured: a layer, or a term with its eps."""

    layer: Normalization | None
    term: Term
    eps: float

    @property
    def joins_samples(self) -> bool:
        """True when a sample's output depends on the others, or on its place among them."""
        samples = frozenset(axis.name for axis in BCHW if axis.sample)
        if self.layer is not None:
            coupled = self.layer.statistics is Statistics.BATCH and bool(samples_reduced(self.layer))
            return coupled or bool(samples & (self.layer.affine or frozenset()))
        return any(isinstance(node, Mean | Parameter) and samples & node.axes for node in walk(self.term))

    @property
    def initializations(self) -> tuple[Initialization, ...]:
        """Those that its parameters can have."""
        if self.layer is None:
            return (Initialization.DRAWN if parameters(self.term) else Initialization.ABSENT,)
        if self.layer.affine is None:
            return (Initialization.ABSENT,)
        return (Initialization.DEFAULT, Initialization.DRAWN)


@dataclass(frozen=True)
class Setting:
    """How to measure: where, in which dtype (None: the array's own), with which policy and seed."""

    backend: Backend
    policy: NyquistPolicy
    dtype: str | None = None
    seed: int = 0

    def dtype_of(self, array: GivenArray) -> str:
        """The dtype that is computed in."""
        return array.working if self.dtype is None else self.dtype


@dataclass(frozen=True)
class Inspection:
    """What was seen of an array before it was measured: channels without variance, and how many there are.

    Each of the first `SHOWN` of ``constant`` is (sample, channel).
    """

    constant: tuple[tuple[int, int], ...]
    count: int


@dataclass(frozen=True)
class Series:
    """One initialization under one transformation: float64 of shape (N,), displacements (N, 2) in samples."""

    initialization: Initialization
    transformation: ActionKind
    displacements: Floats
    relative_l2: Floats
    relative_maximum: Floats
    cosine: Floats
    bound: Floats


@dataclass(frozen=True)
class ArrayResult:
    """What one array gave; ``nyquist_energy`` (N,) is relative, and None unless the policy removed it."""

    array: GivenArray
    dtype: str
    whole: bool
    inspection: Inspection
    series: tuple[Series, ...]
    nyquist_energy: Floats | None


def samples_each(array: GivenArray, dtype: str) -> int:
    """How many samples are taken at a time."""
    return max(1, PIECE_BYTES // (math.prod(array.shape[1:]) * np.dtype(dtype).itemsize))


def inspect(array: GivenArray, dtype: str, given: str, progress: Progress) -> Inspection:
    """Look at all samples of ``array``.

    Raises:
        SpecificationError: NaN and infinities, by index; numbers whose squares overflow in ``dtype``.
    """
    bad: list[str] = []
    constant: list[tuple[int, int]] = []
    bad_count = constant_count = start = 0
    largest = 0.0
    for values in _converted(array, dtype, samples_each(array, dtype)):
        finite = np.isfinite(values)
        if not finite.all():
            places = np.argwhere(~finite)
            bad_count += len(places)
            bad += [_place(array, values[tuple(at)], at, start) for at in places[: SHOWN - len(bad)]]
        else:
            highest, lowest = values.max(axis=(2, 3)), values.min(axis=(2, 3))
            largest = max(largest, float(np.abs(highest).max()), float(np.abs(lowest).max()))
            places = np.argwhere(highest == lowest)
            constant_count += len(places)
            constant += [(start + int(b), int(c)) for b, c in places[: SHOWN - len(constant)]]
        start += len(values)
        progress.step(len(values) / 4)
    said = f"{given}, array={array.name}"
    if bad_count:
        more = f" and {bad_count - len(bad)} more" if bad_count > len(bad) else ""
        raise refuse(said, f"finite numbers in {dtype}", f"{', '.join(bad)}{more}")
    check_squares(said, largest, math.prod(array.shape), dtype)
    return Inspection(tuple(constant), constant_count)


def _place(array: GivenArray, value: float, at: NDArray[Any], start: int) -> str:
    index = (start + int(at[0]), *(int(number) for number in at[1:]))
    name = "NaN" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
    return f"{name} at {index[1:] if array.note else index}"


def _converted(array: GivenArray, dtype: str, count: int) -> Iterator[NDArray[Any]]:
    for values in array.samples(count):
        with np.errstate(over="ignore"):  # what overflows is found as an infinity
            yield values.astype(dtype, copy=False)


def measure_array(array: GivenArray, subject: Subject, setting: Setting, given: str, progress: Progress) -> ArrayResult:
    """Measure ``subject`` on all samples of ``array``; ``given`` names the file in errors.

    Raises:
        SpecificationError: what :func:`inspect` refuses; an array of more than `LARGEST_BATCH` bytes whose samples the
            layer couples; a device with too little memory for one sample.
    """
    dtype = setting.dtype_of(array)
    size = math.prod(array.shape) * np.dtype(dtype).itemsize
    if subject.joins_samples and size > LARGEST_BATCH:
        expected = f"at most {LARGEST_BATCH} bytes for a layer that couples the samples, not {size}"
        raise refuse(f"{given}, array={array.name}", expected, "give fewer samples")
    inspection = inspect(array, dtype, given, progress)
    work = _Work(array, subject, setting, given)
    start = 0
    for values in _converted(array, dtype, array.shape[0] if subject.joins_samples else samples_each(array, dtype)):
        with np.errstate(all="ignore"):
            work.measure(values, start)
        start += len(values)
        progress.step(3 / 4 * len(values))
    energy = np.concatenate(work.energy) if work.energy else None
    return ArrayResult(array, dtype, subject.joins_samples, inspection, tuple(work.series()), energy)


@dataclass
class _Work:
    """The numbers of an array while they grow."""

    array: GivenArray
    subject: Subject
    setting: Setting
    given: str
    parts: dict[tuple[Initialization, ActionKind], list[tuple[Floats, ...]]] = field(default_factory=dict)
    energy: list[Floats] = field(default_factory=list)

    def measure(self, values: NDArray[Any], start: int) -> None:
        """Measure the samples ``values``, the first of which has the number ``start``; fewer if the memory is short."""
        try:
            found, energy = self._measured(values, start)
        except Exception as error:
            if not (isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"):
                raise
            if self.subject.joins_samples or len(values) == 1:
                expected = f"memory for {len(values)} samples of {self.array.shape[1:]} on {self.setting.backend}"
                raise refuse(f"{self.given}, array={self.array.name}", expected, "use another backend") from None
            found = None
        if found is None:  # outside of the handler, which keeps the arrays alive
            half = len(values) // 2
            self.measure(values[:half], start)
            self.measure(values[half:], start + half)
            return
        for key, numbers in found.items():
            self.parts.setdefault(key, []).append(numbers)
        if energy is not None:
            self.energy.append(energy)

    def series(self) -> Iterator[Series]:
        """All numbers, in the order of the samples."""
        for (initialization, kind), parts in self.parts.items():
            yield Series(initialization, kind, *(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _measured(
        self, values: NDArray[Any], start: int
    ) -> tuple[dict[tuple[Initialization, ActionKind], tuple[Floats, ...]], Floats | None]:
        x = self.setting.backend.from_numpy(values)
        energy = None
        if self.setting.policy is NyquistPolicy.PROJECT:
            whole = np.square(values.astype(np.float64)).sum(axis=(1, 2, 3))
            x, lost = remove_nyquist(x)
            lost = to_numpy(lost).astype(np.float64)
            energy = np.divide(lost, whole, out=np.zeros_like(lost), where=whole > 0)
        source = Source(self.setting.seed, self.array.name, 0, start)
        found = {}
        for initialization in self.subject.initializations:
            function = _Function(self.subject, initialization, source, x)
            y = function(x)
            for kind in ActionKind:
                motion = Motion(kind, policy=self.setting.policy)
                table = source.displacements(kind, len(values), self.array.shape[2:])
                sides = Sides(y, function(motion(x, table)), motion(y, table))
                errors = sides.errors()
                numbers = (errors.relative_l2, errors.relative_maximum, errors.cosine)
                found[initialization, kind] = (
                    np.asarray(table),
                    *(to_numpy(each).astype(np.float64) for each in numbers),
                    function.bound(x, sides, motion),
                )
        return found, energy


class _Function:
    """The layer or the term as a function of an array, with its parameters drawn."""

    def __init__(self, subject: Subject, initialization: Initialization, source: Source, x: Array) -> None:
        self.subject = subject
        drawn = initialization is Initialization.DRAWN
        self.gain = self.bias = None
        self.values: list[Array] = []
        if subject.layer is None:
            shapes = parameter_shapes(subject.term, tuple(x.shape))
            streams = [stream(source.seed, "parameter", source.position, number) for number in range(len(shapes))]
            draws = [random.standard_normal(shape) for random, shape in zip(streams, shapes, strict=True)]
            self.values = [_like(x, each) for each in draws]
        elif drawn:
            self.gain, self.bias = source.affine("given", subject.layer, x)

    def __call__(self, x: Array) -> Array:
        if self.subject.layer is None:
            return evaluate(self.subject.term, x, self.values, self.subject.eps)
        return normalize(self.subject.layer, x, self.gain, self.bias)

    def bound(self, x: Array, sides: Sides, motion: Motion) -> Floats:
        """What rounding may make of the relative L2 error: of a term only the order of magnitude is known."""
        if self.subject.layer is None:
            count = x.shape[0]
            # The probe is random: one for each sample, so that it does not depend on which stand beside it.
            each = [slice(None)] if self.subject.joins_samples else [slice(b, b + 1) for b in range(count)]
            return np.concatenate([self._probed(x[part], _cut(sides, part), motion) for part in each])
        growth = transform_growth(motion.kind, motion.sizes(x))
        return rounding_bound(self.subject.layer, x, sides.y, sides.layer_then_moved, growth, self.gain, self.bias)

    def _probed(self, x: Array, sides: Sides, motion: Motion) -> Floats:
        return bound_between(sides, x, motion, probe_rounding(self, x, sides.y, full_precision=True))


def _cut(sides: Sides, part: slice) -> Sides:
    return Sides(sides.y[part], sides.moved_then_layer[part], sides.layer_then_moved[part])


def _like(x: Array, values: Floats) -> Array:
    xp = array_api_compat.array_namespace(x)
    return xp.asarray(values, dtype=x.dtype, device=array_api_compat.device(x))
