"""The laws of the translation in use on one size of map: what holds, what does not, and by how much, each measured.

On H x W samples every policy is a multiplier M_t of the transform F = fft2(x), with M_t[-k] = conj M_t[k]. It has
modulus 1 except where a bin k = N/2 of an even axis is concerned: there `symmetric` has cos(pi t); `one-sided` gives
the row bin the phase of -1/2 and the column bin that of +1/2 and keeps the part with that symmetry. From this
definition, stated anew here in float64, follows where the group law and the inverse hold, and how far they fail
elsewhere: || (M_s M_t - M_{s+t}) F ||. The energy follows from the closed formulas of `energy_change`.

The group law fails on even axes whatever the policy: no real linear T on the arrays of one channel that commutes with
the shifts of the other axes has T^2 = shift, for it would act on the line spanned by (-1)^n by a real s with s^2 = -1.
Under `project` the arrays have no energy there.

All errors are relative L2 errors; with u the unit roundoff and tau the growth of a translation
(:func:`numerics.bounds.transform_growth`), a law that applies n translations may be off by n tau u.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, for the translation of the published experiment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array, namespace_of, to_numpy, unit_roundoff
from numerics.backends import Backend
from numerics.bounds import transform_growth
from numerics.experiment.draws import stream
from numerics.multipliers import by_fourier, by_matrices, circulants
from numerics.translations import LARGEST_CIRCULANT, Table, remove_nyquist, shift, translate
from theory.spec.actions import ActionKind, NyquistPolicy

Floats = NDArray[np.float64]

SAMPLES, CHANNELS = 3, 2
STEP = 2.0**-16
"""Displacements are multiples of it, so that their sums are exact."""


@dataclass(frozen=True)
class Law:
    """One law: ``statement``, whether it is expected to ``hold``, and what was measured.

    ``measured`` and ``expected`` are the largest relative errors of a sample, seen and predicted (0 where it holds);
    ``off`` is how far the two are apart, and must not exceed ``bound``.
    """

    name: str
    statement: str
    holds: bool
    measured: float
    expected: float
    off: float
    bound: float

    @property
    def passed(self) -> bool:
        """True when what was measured is what was expected; a law that fails must be seen to fail."""
        return self.off <= self.bound and (self.holds or self.measured > self.bound)


@dataclass(frozen=True)
class Case:
    """One size of map, policy, dtype and array library, with the seed of the arrays and displacements."""

    height: int
    width: int
    policy: NyquistPolicy
    dtype: str
    backend: Backend
    seed: int = 0


def multiplier(t: Floats, height: int, width: int, policy: NyquistPolicy) -> NDArray[np.complex128]:
    """M_t in float64: displacements (B, 2) give (B, 1, H, W), in the order of fft2."""
    factors = []
    for place, size in enumerate((height, width)):
        k = np.fft.fftfreq(size, 1 / size)
        turns = np.remainder(k * t[:, place, None], size) / size  # k t is exact, its rest too
        phase = np.exp(-2j * math.pi * turns)
        if size % 2 == 0:
            if policy is not NyquistPolicy.ONE_SIDED:
                phase[:, size // 2] = np.cos(math.pi * np.remainder(t[:, place], 2))
            elif place == 1:  # rfftfreq lists this bin as +1/2, fftfreq as -1/2
                phase[:, size // 2] = phase[:, size // 2].conj()
        factors.append(phase)
    m = factors[0][:, :, None] * factors[1][:, None, :]
    if policy is NyquistPolicy.ONE_SIDED:
        mirrored = np.roll(m[:, ::-1, ::-1], (1, 1), (1, 2)).conj()
        columns = np.fft.fftfreq(width, 1 / width)
        itself = (columns == 0) | (2 * np.abs(columns) == width)
        m = np.where(itself, (m + mirrored) / 2, np.where(columns > 0, m, mirrored))
    return np.asarray(m[:, None])


def energy_change(x: Floats, t: Floats, policy: NyquistPolicy) -> Floats:
    """|T_t x|^2 - |x|^2 of each sample, by the closed formulas; x (B, C, H, W) and t (B, 2).

    symmetric: with the energy e split by whether a coefficient lies on the row bin, the column bin or both,
    -(sin^2(pi t_h) e_row + sin^2(pi t_w) e_column + (1 - cos^2(pi t_h) cos^2(pi t_w)) e_corner).

    one-sided, H even: -(sin^2(pi t_w) e_column + sin^2(pi t_h) e[H/2, 0] + sin^2(pi (t_h - t_w)) e_corner).
    """
    height, width = x.shape[-2:]
    e = (np.abs(np.fft.fft2(x)) ** 2).sum(axis=1) / (height * width)
    rows = np.arange(height) == (height / 2 if height % 2 == 0 else -1)
    columns = np.arange(width) == (width / 2 if width % 2 == 0 else -1)
    row, column, corner = (
        e[:, mask].sum(axis=1)
        for mask in (
            np.outer(rows, ~columns),
            np.outer(~rows, columns),
            np.outer(rows, columns),
        )
    )
    sine_h, sine_w = (np.sin(math.pi * np.remainder(t[:, place], 2)) ** 2 for place in (0, 1))
    if policy is NyquistPolicy.ONE_SIDED and height % 2 == 0:
        alone = e[:, height // 2, 0]
        return np.asarray(
            -(sine_w * column + sine_h * alone + np.sin(math.pi * np.remainder(t[:, 0] - t[:, 1], 2)) ** 2 * corner)
        )
    return np.asarray(-(sine_h * row + sine_w * column + (1 - (1 - sine_h) * (1 - sine_w)) * corner))


def laws(case: Case) -> Iterator[Law]:
    """Measure all laws of ``case``."""
    with np.errstate(all="ignore"):
        yield from _Trial(case).laws()


class _Trial:
    """Arrays and displacements of one case, and the translation on them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.sizes = (case.height, case.width)
        name = ("self-test", case.height, case.width)
        random = stream(case.seed, *name)
        shape = (SAMPLES, CHANNELS, *self.sizes)
        self.x, self.y = (self._array(random.standard_normal(shape) + 1) for _ in range(2))
        self.s, self.t = (self._displacements(random) for _ in range(2))
        self.whole = np.floor(self._displacements(random))
        self.u = unit_roundoff(self.x)
        self.tau = transform_growth(ActionKind.TRANSLATION, self.sizes)
        self.norms = _norms(self.x)
        self.spectrum = np.fft.fft2(_wide(self.x))
        one_sided = case.policy is NyquistPolicy.ONE_SIDED
        even = any(size % 2 == 0 for size in self.sizes)
        self.clean = not even or case.policy is NyquistPolicy.PROJECT
        self.one_path = one_sided and case.height % 2 == 0

    def _array(self, values: Floats) -> Array:
        x = self.case.backend.from_numpy(values, self.case.dtype)
        return remove_nyquist(x)[0] if self.case.policy is NyquistPolicy.PROJECT else x

    def _displacements(self, random: np.random.Generator) -> Table:
        drawn = random.random((SAMPLES, 2)) * self.sizes
        return np.asarray(np.floor(drawn / STEP) * STEP)

    def moved(self, x: Array, t: Floats) -> Array:
        return translate(x, t, policy=self.case.policy)

    def m(self, t: Floats) -> NDArray[np.complex128]:
        return multiplier(t, *self.sizes, self.case.policy)

    def laws(self) -> Iterator[Law]:
        x, s, t, whole = self.x, self.s, self.t, self.whole
        xp = namespace_of(x)
        tx = self.moved(x, t)
        yield self._kept(tx)
        yield self._equal("whole t", "T_t is the circular shift for whole t", self.moved(x, whole), shift(x, whole), 1)
        yield self._equal("definition", "T_t is the multiplier M_t, in float64", tx, self._defined(t), 1)
        yield self._energy(tx)
        statement = "T_s T_t = T_(s+t) for all real s and t"
        yield self._predicted(
            "group law", statement, self.moved(tx, s), self.moved(x, s + t), self.m(s) * self.m(t), self.m(s + t), 3
        )
        yield self._predicted(
            "inverse", "T_(-t) T_t x = x", self.moved(tx, -t), x, self.m(-t) * self.m(t), np.ones(1), 2
        )
        yield self._equal("shifts", "T_n T_t = T_(n+t) for whole n", self.moved(tx, whole), self.moved(x, whole + t), 3)
        period = t + np.asarray(self.sizes, dtype=np.float64)
        yield self._equal("period", "T_(t+N) = T_t", self.moved(x, period), tx, 2)
        a, b = 0.75, -1.5
        sides = self.moved(a * x + b * self.y, t), a * tx + b * self.moved(self.y, t)
        scale = (abs(a) * self.norms + abs(b) * _norms(self.y)) / self.norms
        yield self._equal("linearity", "T(ax + by) = aTx + bTy", *sides, 2 * float(scale.max()), extra=4)
        flat = xp.ones_like(x)
        yield self._equal("constants", "T_t 1 = 1", self.moved(flat, t), flat, 1, norms=_norms(flat))
        if not self.one_path and max(self.sizes) <= LARGEST_CIRCULANT:
            yield self._equal("paths", "matrices and transforms agree", *self._both_paths(), 2)
        if self.case.dtype != "float64":
            wide = self.case.backend.from_numpy(_wide(x), "float64")
            yield self._equal("float64", "in float64 the same", tx, self.moved(wide, t), 1)

    def _defined(self, t: Floats) -> Array:
        return np.fft.ifft2(self.m(t) * self.spectrum).real

    def _both_paths(self) -> tuple[Array, Array]:
        xp = namespace_of(self.x)
        t = xp.asarray(self.t, device=array_api_compat.device(self.x))
        columns = {axis: t[:, place] for place, axis in enumerate((2, 3))}
        matrices = circulants(xp, columns, self.x.shape, self.x.dtype)
        return by_matrices(xp, self.x, matrices), by_fourier(xp, self.x, columns, one_sided=False)

    def _equal(
        self,
        name: str,
        statement: str,
        actual: Array,
        expected: Array,
        count: float,
        *,
        extra: float = 0.0,
        norms: Floats | None = None,
    ) -> Law:
        """A law that holds, with ``count`` translations in it and ``extra`` further roundings."""
        error = _largest(_norms(_wide(actual) - _wide(expected)) / (self.norms if norms is None else norms))
        return Law(name, statement, True, error, 0.0, error, (count * self.tau + extra + 1) * self.u)

    def _predicted(
        self, name: str, statement: str, actual: Array, expected: Array, m: Any, m_expected: Any, count: float
    ) -> Law:
        """A law that holds where the arrays have no energy at N/2, and fails as the multipliers say elsewhere."""
        bound = (count * self.tau + 1) * self.u
        if self.clean:
            return self._equal(name, statement, actual, expected, count)
        difference = _wide(actual) - _wide(expected)
        defect = np.fft.ifft2((m - m_expected) * self.spectrum).real
        off = _largest(_norms(difference - defect) / self.norms)
        measured, predicted = (_largest(_norms(each) / self.norms) for each in (difference, defect))
        return Law(name, statement, False, measured, predicted, off, bound)

    def _energy(self, tx: Array) -> Law:
        squares = self.norms**2
        change = (_norms(tx) ** 2 - squares) / squares
        bound = (2 * self.tau + 2) * self.u
        if self.clean:
            error = _largest(np.abs(change))
            return Law("isometry", "|T_t x| = |x|", True, error, 0.0, error, bound)
        predicted = energy_change(_wide(self.x), self.t, self.case.policy) / squares
        measured, expected = (_largest(np.abs(each)) for each in (change, predicted))
        return Law("isometry", "|T_t x| = |x|", False, measured, expected, _largest(np.abs(change - predicted)), bound)

    def _kept(self, tx: Array) -> Law:
        xp = namespace_of(tx)
        same = tx.dtype == self.x.dtype and tuple(tx.shape) == tuple(self.x.shape)
        error = 0.0 if same and bool(xp.all(xp.isfinite(tx))) else math.inf
        return Law("kept", "real and finite, of the same dtype and shape", True, error, 0.0, error, 0.0)


def _wide(x: Array) -> Floats:
    return np.asarray(to_numpy(x), dtype=np.float64)


def _norms(x: Array) -> Floats:
    return np.asarray(np.sqrt((_wide(x) ** 2).sum(axis=(1, 2, 3))))


def _largest(values: Floats) -> float:
    """The largest value; infinite where one is NaN."""
    return math.inf if np.isnan(values).any() else float(values.max())
