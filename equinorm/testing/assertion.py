"""``assert_equivariant``: both sides of f(T x) = T f(x), measured, judged against rounding, and a failure made small.

The judgement is that of :mod:`numerics.bounds`, with the bound of :mod:`numerics.rounding` for a function of which
nothing is known. A pass is no proof: arrays are tried, and none showed a violation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equinorm.testing import message
from equinorm.testing.failures import NotEquivariant, Undecided
from equinorm.testing.libraries import Floats
from equinorm.testing.question import Question, read_question
from equinorm.testing.subject import Subject, open_subject
from equinorm.testing.trials import KINDS, draw_displacements, draw_trials, into
from numerics.bounds import Judgement, judge
from numerics.equivariance import Measurement, both_sides, bound_between, measure_equivariance
from numerics.minimal import Example, simplify
from numerics.rounding import Rounding
from numerics.translations import Table
from theory.spec.actions import ActionKind, NyquistPolicy, Scope
from theory.spec.errors import SpecificationError
from theory.spec.grids import Domain

PLAIN = 1e-3
"""A minimal example shows an error as large as this, or as a hundredth of the one that was found."""


def assert_equivariant(
    layer: Callable[[Any], Any],
    *,
    shape: Sequence[int] = (2, 8, 15, 17),
    action: str | ActionKind = "translation",
    scope: str | Scope | None = None,
    axes: str | Sequence[int] = (-2, -1),
    displacements: Any = None,
    nyquist: str | NyquistPolicy = "symmetric",
    domain: str | int | Domain = "all",
    tolerance: float | None = None,
    trials: int = len(KINDS),
    seed: int = 0,
    like: Any = None,
    device: Any = None,
    dtype: str | None = None,
) -> None:
    """Assert that ``layer`` commutes with shifts or translations of its input, up to rounding.

    A layer that changes the sizes of the moving axes (a stride) is held against the action that it induces on its own
    grid. Training mode, parameters, buffers, gradients and random state are left as found, also on failure, and the
    layer is called without gradients. So are those of modules that a function carries along (as a method, in a closure,
    as a global name).

    Args:
        layer: a torch module, or a function of one array. A module is tested in the mode in which it is.
        shape: of the input; axis 0 holds the samples, axis 1 the channels.
        action: ``translation`` (real, by Fourier phases) or ``shift`` (integer, circular).
        scope: ``per-sample`` (each sample by its own displacement) or ``common``; by default per sample if there is
            more than one, or as the displacements say.
        axes: those that move, of ``shape``: numbers, or letters of BCHW where it has four axes, such as ``HW``.
        displacements: in samples, (k,) or (1, k) for all samples, (B, k) for each; by default drawn uniformly.
        nyquist: what a translation does to the frequency N/2 of an even axis: ``symmetric``, ``one-sided``, or
            ``project`` (only arrays without it are tried).
        domain: the arrays tried: ``all``, ``nyquist-free``, or a band K along the moving axes.
        tolerance: a relative L2 error that passes; by default only what rounding explains.
        trials: how many arrays are tried: noise first, then structured ones, then noise.
        seed: of arrays and displacements; the same seed tries the same ones.
        like: the library of the arrays that ``layer`` takes: ``numpy``, ``torch``, ``cupy``, an array, or a namespace;
            by default torch for modules and functions that carry modules, on their device, and else NumPy.
        device: where the arrays are made, for libraries that have devices.
        dtype: of the arrays that ``layer`` takes; by default float64, a module being copied for this, and what the
            layer takes otherwise if it refuses.

    Raises:
        NotEquivariant: an AssertionError that names the layer, the action, the three metrics against the bound, and a
            minimal example; ``example`` holds the latter.
        Undecided: an AssertionError too: within rounding, and this so large that a violation could hide in it.
        SpecificationError: an argument that cannot be used; a layer that raises, is random, keeps state from call to
            call, or returns anything but finite real numbers.

    >>> assert_equivariant(lambda x: x - x.mean(axis=(2, 3), keepdims=True))
    >>> assert_equivariant(lambda x: x * x.std(axis=1, keepdims=True), action="shift", scope="common")
    >>> try:
    ...     assert_equivariant(lambda x: np.maximum(x, 0), shape=(1, 1, 3, 3))
    ... except AssertionError as failure:
    ...     for line in str(failure).splitlines()[-3:]:
    ...         print(line)
        x = 0 but x[0, 0, 0, 0] = 1
        moved: all samples by (0, 1/2)
        at (0, 0, 0, 2): layer(moved x) = 0, moved layer(x) = -0.333333
    """
    __tracebackhide__ = True
    question = read_question(shape, action, scope, axes, displacements, nyquist, domain, trials, seed, tolerance)
    tried = draw_trials(question)
    with open_subject(layer, tried[0].x, like, device, dtype) as subject:
        failure = _Examination(subject, question, subject.unit).failure()
    if failure is not None:
        raise failure


@dataclass
class _Examination:
    """A layer, what is asked of it, and the precision that it was seen to compute in."""

    subject: Subject
    question: Question
    unit: float

    def failure(self) -> AssertionError | None:
        """What to raise. Noise must be decided; of the other arrays, only what exceeds the bound says anything."""
        undecided: Undecided | None = None
        rng = np.random.Generator(np.random.PCG64((self.question.seed, 1)))
        for number, trial in enumerate(draw_trials(self.question)):
            displacements = draw_displacements(self.question, self.subject.output, rng)
            if number > 0 and self.surely_within(trial.x, displacements):
                continue
            found = self.measure(trial.x, displacements)
            self.unit = max(self.unit, found.unit)
            judgement = self.judged(found)
            if judgement is Judgement.ABOVE:
                example = self.minimal(trial.x, displacements, found)
                text = message.not_equivariant(self.subject, self.question, trial.kind, displacements, found, example)
                return NotEquivariant(text, found, example)
            if number == 0 and judgement is Judgement.UNDECIDABLE:
                undecided = Undecided(message.undecided(self.subject, self.question, found), found)
        return undecided

    def measure(self, x: Floats, displacements: Table) -> Measurement:
        return measure_equivariance(self.subject, x, displacements, self.question.motion, self.unit)

    def surely_within(self, x: Floats, displacements: Table) -> bool:
        """True where the error is below the bound of a function without cancellation, the smallest there is."""
        sides = both_sides(self.subject, x, displacements, self.question.motion)
        least = bound_between(sides, x, self.question.motion, Rounding(self.unit, np.zeros(len(x))))
        return bool(np.all(sides.errors().relative_l2 <= least))

    def judged(self, found: Measurement) -> Judgement:
        """The judgement of all samples: that of the one which violates, or of one which cannot be told."""
        said = {self.judged_one(float(e), float(b)) for e, b in zip(found.relative_l2, found.bound, strict=True)}
        worst = (Judgement.ABOVE, Judgement.UNDECIDABLE, Judgement.WITHIN)
        return next(judgement for judgement in worst if judgement in said)

    def judged_one(self, error: float, bound: float) -> Judgement:
        tolerance = self.question.tolerance
        if tolerance is None:
            return judge(error, bound)
        if error <= tolerance:
            return Judgement.WITHIN
        return Judgement.ABOVE if error > bound else Judgement.UNDECIDABLE

    def minimal(self, x: Floats, displacements: Table, found: Measurement) -> Example:
        """The example made small, while its error stays plain to see, and what is left is judged like any other."""
        worst = found.worst
        shown = float(found.relative_l2[worst])
        plain = max(min(PLAIN, shown / 100), 100 * float(found.bound[worst]), self.question.tolerance or 0.0)

        def cheaply(x: Floats, t: Table) -> bool:
            return self.error(x, t) > min(plain, shown / 2)

        def judged(x: Floats, t: Table) -> bool:
            return cheaply(x, t) and self.exceeds(x, t)

        whole = self.question.motion.kind is ActionKind.SHIFT
        fixed = self.question.displacements is not None
        example = simplify(x, displacements, cheaply, whole, fixed)
        if self.exceeds(example.x, example.displacements):
            return example
        return simplify(x, displacements, judged, whole, fixed)

    def error(self, x: Floats, displacements: Table) -> float:
        """The largest relative L2 error; 0 where the layer does not take the array, or the output cannot move so."""
        x = into(self.question.domain, x, self.question.motion.axes)
        try:
            sides = both_sides(self.subject, x, displacements, self.question.motion)
        except SpecificationError:
            return 0.0
        return float(np.max(np.nan_to_num(sides.errors().relative_l2, nan=0.0)))

    def exceeds(self, x: Floats, displacements: Table) -> bool:
        x = into(self.question.domain, x, self.question.motion.axes)
        try:
            return self.judged(self.measure(x, displacements)) is Judgement.ABOVE
        except SpecificationError:
            return False
