"""What follows from the calculus for known layers and small powers, asked of ``decide``.

The published facts are those of Table 1 of Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805.
"""

from __future__ import annotations

import pytest

from equinorm.strategies import BCT
from tests.theory.brute import FAILS_ABOVE, HOLDS_BELOW, measured
from theory.calculus.compile import compile_term
from theory.decision.decide import decide
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW, parse_axes, parse_step
from theory.spec.catalogue import CATALOGUE
from theory.spec.claims import Claim
from theory.spec.grids import ALL, EVEN, NYQUIST_FREE, ODD, Domain, Grid, Size, band, grid_of
from theory.spec.layers import Normalization, Statistics, parse_layer
from theory.spec.syntax import parse
from theory.spec.terms import Term

SHIFT, TRANSLATION = ActionKind.SHIFT, ActionKind.TRANSLATION
COMMON, PER_SAMPLE = Scope.COMMON, Scope.PER_SAMPLE
YES, NO = "equivariant", "not_equivariant"

PUBLISHED = {
    "BatchNorm": ("BHW", "BHW", "C", "translation"),
    "InstanceNorm": ("HW", "HW", "none", "translation"),
    "LayerNorm-CHW": ("CHW", "CHW", "CHW", "neither"),
    "LayerNorm-C": ("C", "C", "C", "shift"),
    "LayerNorm-AF": ("C", "CHW", "C", "translation"),
}
"""Table 1 as printed: the reduced dimensions of the three steps, and the equivariance."""


def line(samples: int, channels: int = 1, batch: int = 1) -> Grid:
    """A grid with one spatial axis T."""
    return grid_of({"B": batch, "C": channels, "T": samples}, BCT)


def along_line(text: str, samples: int, domain: Domain = ALL, kind: ActionKind = TRANSLATION) -> Claim:
    return Claim(parse(text, BCT), Action(kind, frozenset("T")), line(samples), domain)


def image(height: int | Size, width: int | Size, batch: int = 2, channels: int = 2) -> Grid:
    return grid_of({"B": batch, "C": channels, "H": height, "W": width})


def verdict(
    subject: str | Term | Normalization,
    kind: ActionKind,
    grid: Grid,
    scope: Scope = COMMON,
    domain: Domain = ALL,
    axes: str = "HW",
) -> str:
    """The verdict on a layer by name or spelling, or on a term."""
    if isinstance(subject, str):
        subject = CATALOGUE[subject].layer if subject in CATALOGUE else parse_layer(subject)
    term = compile_term(subject) if isinstance(subject, Normalization) else subject
    return decide(Claim(term, Action(kind, parse_axes(axes), scope), grid, domain)).name


@pytest.mark.parametrize("p", [2, 3, 4, 5])
def test_a_power_is_translation_equivariant_iff_its_degree_is_below_half_the_samples(p: int) -> None:
    for samples in range(3, 24):
        for limit in range(1, (samples + 1) // 2):
            found = decide(along_line(f"x^{p}", samples, band(limit))).name
            assert found == (YES if 2 * p * limit < samples else NO), (samples, limit)


@pytest.mark.parametrize("p", [2, 3, 4, 5])
def test_the_mean_of_a_power_is_translation_invariant_iff_its_degree_is_below_the_samples(p: int) -> None:
    for samples in range(3, 18):
        for limit in range(1, (samples + 1) // 2):
            found = decide(along_line(f"mean(x^{p}, T)", samples, band(limit))).name
            assert found == (YES if p * limit < samples else NO), (samples, limit)


def test_parseval_has_a_parity() -> None:
    """The mean square of all real arrays is translation-invariant on odd grids only."""
    for samples in range(2, 20):
        assert decide(along_line("mean(x^2, T)", samples)).name == (YES if samples % 2 else NO)
        assert decide(along_line("mean(x^2, T)", samples, NYQUIST_FREE)).name == YES


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_degree_of_half_the_samples_does_not_close(limit: int) -> None:
    """2L < N and not 2L <= N: on N = 4K samples x^2 has degree 2K = N/2."""
    assert decide(along_line("x^2", 4 * limit, band(limit))).name == NO
    assert decide(along_line("x^2", 4 * limit + 1, band(limit))).name == YES


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_degree_of_all_samples_has_no_invariant_mean(limit: int) -> None:
    """L < N and not L <= N: on N = 4K samples x^4 has degree N."""
    assert decide(along_line("mean(x^4, T)", 4 * limit, band(limit))).name == NO
    assert decide(along_line("mean(x^4, T)", 4 * limit + 1, band(limit))).name == YES


@pytest.mark.parametrize(("limit", "samples"), [(1, 7), (1, 9), (1, 13), (2, 13), (1, 20)])
def test_a_root_has_no_degree(limit: int, samples: int) -> None:
    """LayerNorm-C with 6K < N: of degree 3K if a root had the degree of its argument, and then equivariant."""
    assert 6 * limit < samples
    grid = image(2 * limit + 1, samples, batch=1)
    assert verdict("norm[scale=C]", TRANSLATION, grid, domain=band(limit)) == NO
    assert verdict("LayerNorm-C", TRANSLATION, grid, domain=band(limit)) == NO
    assert verdict(parse("mean(x^2, C)*x"), TRANSLATION, grid, domain=band(limit), axes="W") == YES


@pytest.mark.parametrize("text", ["mean((x - mean(x, T))^4, T)", "x*rsqrt(mean((x - mean(x, T))^4, T) + eps)"])
def test_a_fourth_power_scale_of_three_centered_samples_is_never_refuted(text: str) -> None:
    """Of a + b + c = 0 follows a^4 + b^4 + c^4 = (a^2 + b^2 + c^2)^2 / 2: invariant, though 4 >= 3."""
    claim = along_line(text, 3)
    error = measured(claim, 0)
    assert error is not None
    assert error < HOLDS_BELOW
    assert decide(claim).name != NO
    assert decide(along_line(text.replace("(x - mean(x, T))", "x"), 3)).name == NO
    five = along_line(text, 5)
    error = measured(five, 0)
    assert error is not None
    assert error > FAILS_ABOVE
    assert decide(five).name == NO


def test_table_1_of_the_paper() -> None:
    """Derived on all odd grids; the catalogue reduces the published dimensions."""
    for name, (center, scale, affine, equivariance) in PUBLISHED.items():
        layer = CATALOGUE[name].layer
        steps = tuple(parse_step("absent" if axes == "none" else axes) for axes in (center, scale, affine))
        assert (layer.center, layer.scale, layer.affine) == steps
        odd = grid_of({"H": ODD, "W": ODD})
        found = {kind.value: verdict(layer, kind, odd) for kind in ActionKind}
        expected = {
            "translation": {"shift": YES, "translation": YES},
            "shift": {"shift": YES, "translation": NO},
            "neither": {"shift": NO, "translation": NO},
        }
        assert found == expected[equivariance], name


@pytest.mark.parametrize("name", sorted(PUBLISHED))
@pytest.mark.parametrize("sizes", [(3, 3), (5, 7), (4, 4), (4, 6), (5, 4)], ids=str)
def test_the_published_layers_on_single_grids(name: str, sizes: tuple[int, int]) -> None:
    equivariance = PUBLISHED[name][3]
    grid = image(*sizes)
    assert verdict(name, SHIFT, grid) == (NO if equivariance == "neither" else YES)
    free = verdict(name, TRANSLATION, grid, domain=NYQUIST_FREE)
    assert free == (YES if equivariance == "translation" else NO)
    # On all real arrays the Nyquist bin of an even axis breaks every scale.
    odd = all(size % 2 for size in sizes)
    assert verdict(name, TRANSLATION, grid) == (YES if equivariance == "translation" and odd else NO)


def test_even_grids_break_every_translation_on_all_real_arrays() -> None:
    even = grid_of({"H": EVEN, "W": EVEN})
    for name in PUBLISHED:
        assert verdict(name, TRANSLATION, even) == NO
        assert verdict(name, TRANSLATION, grid_of({"H": EVEN, "W": ODD}), axes="H") == NO
    # The axis that does not move may have any parity.
    assert verdict("InstanceNorm", TRANSLATION, grid_of({"H": EVEN, "W": ODD}), axes="W") == YES
    assert verdict("norm[center=HW]", TRANSLATION, even) == YES


def test_samples_that_move_apart_may_not_share_statistics_of_positions() -> None:
    odd = grid_of({"H": ODD, "W": ODD})
    for kind in ActionKind:
        assert verdict("BatchNorm", kind, odd, PER_SAMPLE) == YES
        assert verdict("norm[center=B, scale=BHW]", kind, odd, PER_SAMPLE) == NO
        assert verdict("norm[center=B, scale=BHW]", kind, odd, COMMON) == YES
        assert verdict("norm[center=BH, scale=HW]", kind, odd, PER_SAMPLE) == NO
        assert verdict("norm[center=BH, scale=HW]", kind, odd, PER_SAMPLE, axes="H") == YES
        # A single sample shares nothing.
        assert verdict("norm[center=B, scale=BHW]", kind, image(5, 7, batch=1), PER_SAMPLE) == YES
    assert verdict("norm[center=HW, scale=B]", SHIFT, odd, PER_SAMPLE) == NO
    assert verdict("norm[center=HW, scale=B]", SHIFT, odd, COMMON) == YES


def test_domains() -> None:
    even = image(4, 6)
    layer = "InstanceNorm"
    assert [verdict(layer, TRANSLATION, even, domain=d) for d in (ALL, NYQUIST_FREE, band(1), band(0))] == [
        NO,
        YES,
        YES,
        YES,
    ]
    # Of constant maps LayerNorm-C makes constant maps; of any other band it does not keep to one.
    assert verdict("LayerNorm-C", TRANSLATION, even, domain=band(0)) == YES
    assert verdict("LayerNorm-C", TRANSLATION, even, domain=band(1)) == NO
    assert verdict("LayerNorm-CHW", TRANSLATION, even, domain=band(0)) == NO
    # Nyquist-free arrays on two samples are constant.
    assert verdict("LayerNorm-C", TRANSLATION, image(2, 2), domain=NYQUIST_FREE) == YES
    assert verdict("LayerNorm-C", TRANSLATION, image(2, 2)) == NO


def test_an_axis_of_one_sample_does_not_move() -> None:
    wild = "norm[center=C, scale=C, affine=BCHW]"
    for kind in ActionKind:
        assert verdict(wild, kind, image(1, 1)) == YES
        assert verdict(wild, kind, image(1, 4), axes="H") == YES
        assert verdict(wild, kind, image(1, 4)) == NO
        assert verdict("norm[affine=H]", kind, image(1, 5)) == YES


def test_centering_over_single_entries_leaves_the_bias() -> None:
    """x - mean(x) = 0 where the mean is over no axes, or over axes of one entry."""
    for kind in ActionKind:
        assert verdict("norm[center=empty, scale=C, affine=C]", kind, image(5, 4)) == YES
        assert verdict("norm[center=empty, scale=C, affine=H]", kind, image(5, 4)) == NO
        assert verdict("norm[center=B, scale=C, affine=C]", kind, image(5, 4, batch=1)) == YES
        assert verdict("norm[center=BC, scale=C]", kind, image(4, 4, batch=1, channels=1)) == YES
    # Absent is another step than empty.
    assert verdict("norm[scale=C]", TRANSLATION, image(5, 5)) == NO
    assert verdict("norm[center=empty, scale=C]", TRANSLATION, image(5, 5)) == YES
    assert verdict("norm[center=HW, scale=empty]", TRANSLATION, image(5, 5)) == NO
    assert verdict("norm[center=HW, scale=empty]", SHIFT, image(5, 5)) == YES
    assert verdict("norm[center=HW]", TRANSLATION, image(5, 5)) == YES
    assert verdict("norm[]", TRANSLATION, image(4, 4)) == YES


def test_two_samples_alternate() -> None:
    """Centered along an axis of two samples, an array has even functions that no shift moves."""
    for layer in ("norm[center=H, scale=B]", "norm[center=H, scale=BC]"):
        assert verdict(layer, SHIFT, image(2, 3), PER_SAMPLE, axes="H") == YES
        assert verdict(layer, SHIFT, image(3, 3), PER_SAMPLE, axes="H") == NO
        assert verdict(layer, SHIFT, image(4, 3), PER_SAMPLE, axes="H") == NO
        assert verdict(layer, TRANSLATION, image(2, 3), PER_SAMPLE, axes="H") == NO
    # Not over this axis alone.
    assert verdict("norm[center=CH, scale=B]", SHIFT, image(2, 3), PER_SAMPLE, axes="H") == NO
    odd_power = parse("mean((x - mean(x, H))^3, B)")
    assert verdict(odd_power, SHIFT, image(2, 3), PER_SAMPLE, axes="H") == NO
    assert verdict(parse("mean((x - mean(x, H))^4, B)"), SHIFT, image(2, 3), PER_SAMPLE, axes="H") == YES


def test_running_statistics_are_parameters() -> None:
    """What training reduces has no position afterwards; what it does not reduce varies from place to place."""
    for kind in ActionKind:
        for grid in (image(5, 5), image(4, 4)):
            for name, expected in (("BatchNorm", YES), ("InstanceNorm", YES), ("LayerNorm-C", NO)):
                layer = CATALOGUE[name].layer
                running = Normalization(layer.center, layer.scale, layer.affine, statistics=Statistics.RUNNING)
                assert verdict(running, kind, grid) == expected, (name, kind)
            assert verdict("norm[center=empty, statistics=running]", kind, grid) == NO
            assert verdict("norm[center=BCHW, scale=BCHW, statistics=running]", kind, grid, PER_SAMPLE) == YES
            # Not even different statistics for different samples couple them.
            assert verdict("norm[center=HW, scale=CHW, statistics=running]", kind, grid, PER_SAMPLE) == YES


def test_the_layout_has_no_other_spatial_axes() -> None:
    assert BCHW.spatial == frozenset("HW")
    assert BCT.spatial == frozenset("T")


@pytest.mark.parametrize("grid", ["5x5", "4x4"])
@pytest.mark.parametrize(
    "term", ["((x*1/1000)^64)^64", "rsqrt((x*1/1000)^64)*x", "rsqrt(((x*1/1000)^64)^64 + eps)*x", "(1000*x + 1)^64*x"]
)
def test_towers_of_powers_get_an_answer(term: str, grid: str) -> None:
    """Numbers beyond the floats on both ends, and an expanded form beyond its limits, are no reason to fail."""
    size = Size(int(grid[0]))
    action = Action(ActionKind.TRANSLATION, frozenset("HW"), Scope.COMMON)
    verdict = decide(Claim(parse(term), action, grid_of({"H": size, "W": size})))
    assert verdict.name in ("not_equivariant", "unknown")
