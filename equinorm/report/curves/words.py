"""What a chart shows, in words: for who cannot see it, and as its caption."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from equinorm.report.cells import spell
from equinorm.report.curves.computed import DISTANCES, EVEN_FREE, STEPS, Panel, Seen
from numerics.curves.errors import Curve

TITLES = {
    "spectrum": "Power spectral density, and aliasing above the band",
    "displacement": "Equivariance error against the displacement",
    "size": "Equivariance error against the size of the map",
    "band": "Equivariance error against the band of the input",
}


def title(kind: str, seen: Seen) -> str:
    """The title of a chart."""
    return f"{TITLES[kind]}: {_name(kind, seen)}"


def _name(kind: str, seen: Seen) -> str:
    """The input; spectrum and band limit it themselves."""
    return seen.input.described if kind in ("displacement", "size") else seen.input.name


def caption(kind: str, seen: Seen) -> str:
    """What the chart shows, and of which input."""
    return f"{_HEADS[kind](seen)} Input: {_input(kind, seen)}."


def describe(kind: str, seen: Seen) -> str:
    """The caption, and what each panel of the chart says."""
    return " ".join([caption(kind, seen), *(f"{panel.name}: {SENTENCES[kind](panel)}." for panel in seen.panels)])


def _input(kind: str, seen: Seen) -> str:
    shape = " × ".join(str(size) for size in seen.input.given.shape)
    axes = " and ".join(sorted(seen.input.moving))
    moved = "" if seen.scope.value == "common" else ", sample b by b times the displacement"
    return f"{_name(kind, seen)}, {shape}, {seen.dtype}, moved along {axes}{moved}; parameters drawn from N(0, 1)"


def _spectrum_head(seen: Seen) -> str:
    band = seen.panels[0].spectrum.band
    return (
        "Radially averaged power spectral density (logarithmic, in squared units of the maps per (cycle/sample)²) of "
        f"the input limited to band {band} on both axes and of the output, against radial frequency. The vertical line "
        "is the corner of the band. What lies above it was made by the layer; the aliased part is what a translation "
        "does not carry along."
    )


def _displacement_head(_: Seen) -> str:
    return (
        "Relative L2 error of f(Tx) against Tf(x) (logarithmic) by the displacement t in samples; beside it the "
        "Fourier coefficients of the squared error as a function of t, circles at whole cycles per sample, crosses "
        "between them."
    )


_LARGER = f"the larger one for t = {' and '.join(f'{distance:g}' for distance in DISTANCES)} samples"


def _size_head(_: Seen) -> str:
    return (
        f"Relative L2 error (logarithmic), {_LARGER}, on central crops by the samples on each moving axis, odd and "
        "even sizes apart."
    )


def _band_head(_: Seen) -> str:
    return (
        f"Relative L2 error (logarithmic), {_LARGER}, on the input without its frequencies beyond K, by K. The "
        "vertical line is predicted: left of it are the bands on which equinorm decide says equivariant."
    )


_HEADS: dict[str, Callable[[Seen], str]] = {
    "spectrum": _spectrum_head,
    "displacement": _displacement_head,
    "size": _size_head,
    "band": _band_head,
}


def spectrum_sentence(panel: Panel) -> str:
    """The largest densities above the band."""
    found = panel.spectrum
    above = found.above
    if not np.any(above):
        return "no frequency lies above the band"
    output, aliased, floor = (float(np.max(each[above])) for each in (found.output, found.aliased, found.floor))
    return (
        f"above the band at most {spell(output)}, of the aliased part {spell(aliased)}, by rounding at most "
        f"{spell(floor)}"
    )


def displacement_sentence(panel: Panel) -> str:
    """The errors at whole displacements and between, and the period."""
    found = panel.displacement
    whole = np.arange(found.at.size) % STEPS == 0
    at, between = found.where(whole), found.where(~whole)
    if np.any(found.undefined):
        count = int(np.count_nonzero(found.undefined))
        return f"not defined at {count} of {found.at.size} displacements, elsewhere at most {_largest(found)}"
    if not np.any(found.above):
        return f"within rounding at every displacement, at most {_largest(found)}"
    if np.any(at.above):
        return f"above rounding at whole displacements too, up to {_largest(at)}, and {_largest(between)} between them"
    return f"at most {_largest(at)} at whole displacements, within rounding, and up to {_largest(between)} between them"


def size_sentence(panel: Panel) -> str:
    """The share of sizes above rounding, by parity."""
    return "; ".join(
        f"{'even without the bin N/2' if name == EVEN_FREE else name} sizes above rounding on "
        f"{int(np.count_nonzero(curve.above))} of {curve.at.size}, at most {_largest(curve)}"
        for name, curve in panel.size.items()
    )


def band_sentence(panel: Panel) -> str:
    """The prediction and what was seen."""
    found = panel.threshold
    unknown = "" if found.settled else ", the next ones not decided"
    if panel.seen is None:
        seen = "no band within rounding"
    elif panel.seen == found.last:
        seen = "errors within rounding throughout"
    else:
        seen = f"errors within rounding up to {found.spelled(panel.seen)}"
    return f"predicted {found.said}{unknown}; {seen}"


SENTENCES: dict[str, Callable[[Panel], str]] = {
    "spectrum": spectrum_sentence,
    "displacement": displacement_sentence,
    "size": size_sentence,
    "band": band_sentence,
}


def _largest(curve: Curve) -> str:
    finite = curve.relative_l2[np.isfinite(curve.relative_l2)]
    return spell(float(np.max(finite))) if finite.size else spell(None)
