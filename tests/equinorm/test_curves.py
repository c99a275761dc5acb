"""What charts show of any layer: the predicted threshold against brute force, inputs, and the numbers beside them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from equinorm.deciding import decide
from equinorm.inputs.images import bundled_pictures
from equinorm.progress import Progress, State
from equinorm.questions import Words
from equinorm.report.curves import catalogue
from equinorm.report.curves.computed import EVEN, EVEN_FREE, ODD, PARTS, STEPS, Panel, Seen, see
from equinorm.report.curves.files import HEADS, document, names, predicted, table, write
from equinorm.report.curves.maps import Maps, both_parities, noise, own
from equinorm.report.curves.subjects import named, read_drawn, words_at
from equinorm.report.curves.thresholds import Threshold, bands_of, threshold
from equinorm.report.curves.words import SENTENCES, caption, describe, title
from theory.spec.actions import Scope
from theory.spec.axes import BCHW
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError
from theory.spec.grids import ALL, NYQUIST_FREE, band

SUBJECTS = {
    **{name: Words(layer=name) for name in CATALOGUE},
    "running": Words(layer="LayerNorm-C", statistics="running"),
    "square": Words(term="x^2"),
    "cube": Words(term="x^3 + x"),
    "fourth": Words(term="mean(x^4, HW) + x"),
    "varies": Words(term="x*par(W)"),
}


def maps_of(size: int, domain: object = ALL, dtype: str = "float64") -> Maps:
    return noise((2, 3, size, size), BCHW.spatial, domain, 0, dtype)


def panel_of(words: Words, maps: Maps, dtype: str = "float64") -> Panel:
    return see(read_drawn(words, 0, dtype), words, maps)


@pytest.fixture(scope="module")
def seen() -> Seen:
    """One layer of each class, and a term, on even maps."""
    found = [panel_of(SUBJECTS[name], maps_of(8)) for name in ("InstanceNorm", "LayerNorm-C", "varies")]
    return Seen(maps_of(8), Scope.COMMON, "float64", tuple(found))


@pytest.mark.parametrize("sizes", [(8, 8), (9, 9), (12, 7)])
@pytest.mark.parametrize("name", SUBJECTS)
def test_the_predicted_threshold_is_what_brute_force_finds(name, sizes):
    found = panel_of(SUBJECTS[name], noise((2, 3, *sizes), BCHW.spatial, ALL, 0, "float64"))
    assert found.threshold.settled
    assert found.band.at.tolist() == list(range(found.threshold.last + 1))
    for at, error, bound in zip(found.band.at, found.band.relative_l2, found.band.bound, strict=True):
        assert bool(error <= bound) is (predicted(found, int(at)) == "equivariant"), at
    assert found.seen == found.threshold.proved


@pytest.mark.parametrize("name", ["InstanceNorm", "LayerNorm-CHW", "cube", "fourth"])
def test_bisection_finds_what_deciding_every_band_finds(name):
    words = words_at(SUBJECTS[name], (2, 3, 8, 9))
    given = {key: getattr(words, key) for key in ("layer", "term", "grid", "batch", "channels")}
    verdicts = [decide(**given, domain=domain).verdict for domain in ("0", "1", "2", "3", "all")]
    found = threshold(words, 8, 9)
    assert (found.last, found.whole) == (4, True)
    by_verdict = {each: [band for band, one in enumerate(verdicts) if one == each] for each in verdicts}
    assert found.proved == max(by_verdict.get("equivariant", [None]), key=lambda band: -1 if band is None else band)
    assert found.refuted == min(by_verdict.get("not_equivariant", [None]), key=lambda band: 9 if band is None else band)


def test_a_nyquist_free_domain_moves_the_threshold_to_the_end():
    words = Words(layer="InstanceNorm", nyquist="project")
    found = see(read_drawn(words, 0, "float64"), words, maps_of(8, NYQUIST_FREE))
    assert (found.threshold.proved, found.seen, found.threshold.last) == (4, 4, 4)
    assert not found.displacement.above.any()
    assert set(found.size) == {ODD, EVEN}
    assert not found.size[EVEN].above.any()


def test_what_is_not_decided_is_said_and_left_open(seen):
    open_one = Threshold(2, 4, 6, False)
    assert (open_one.settled, open_one.line, open_one.said) == (False, 2.5, "up to 2")
    assert (Threshold(None, 0, 3, True).line, Threshold(None, 0, 3, True).said) == (-0.5, "no band")
    assert Threshold(None, 1, 3, True).said == "no band certain"
    assert [Threshold(3, None, 3, whole).said for whole in (True, False)] == ["all arrays", "every band"]
    found = replace(seen.panels[0], threshold=open_one)
    assert [predicted(found, k) for k in (2, 3, 4)] == ["equivariant", "unknown", "not_equivariant"]
    assert "not decided" in SENTENCES["band"](found)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(1, 1, (0, False)), (1, 5, (1, True)), (2, 2, (1, True)), (3, 3, (1, False)), (4, 3, (2, True))],
)
def test_the_last_band_of_a_grid(height, width, expected):
    assert bands_of(height, width) == expected


def test_parity_parts_the_sizes_of_a_panel(seen):
    by_name = dict(zip(("InstanceNorm", "LayerNorm-C", "varies"), seen.panels, strict=True))
    above = {name: {key: curve.above.tolist() for key, curve in found.size.items()} for name, found in by_name.items()}
    assert above["InstanceNorm"] == {ODD: [False] * 3, EVEN: [True] * 4, EVEN_FREE: [False] * 4}
    # Two samples without their bin N/2 are constant.
    assert above["LayerNorm-C"] == {ODD: [True] * 3, EVEN: [True] * 4, EVEN_FREE: [False, True, True, True]}
    assert above["varies"] == {ODD: [True] * 3, EVEN: [True] * 4, EVEN_FREE: [True] * 4}
    whole = np.arange(len(seen.panels[0].displacement.at)) % STEPS == 0
    for name, at_whole in (("InstanceNorm", False), ("LayerNorm-C", False), ("varies", True)):
        found = by_name[name].displacement
        assert found.above[~whole].all()
        assert found.above[whole][1:].tolist() == [at_whole] * 2
        between = by_name[name].content.amplitude[1::2]
        assert bool(np.all(between <= by_name[name].content_bound)) is not at_whole


def test_every_parity_is_tried_on_large_maps_too():
    found = both_parities(2, 112)
    assert found[-1] == 112
    assert {size % 2 for size in found} == {0, 1}
    assert all(size - 1 in found or size + 1 in found for size in found)
    assert len(found) <= 24
    assert both_parities(7, 6) == ()


def test_maps_are_cropped_in_the_middle_and_limited_to_the_domain():
    values = np.arange(2 * 5 * 7, dtype=np.float64).reshape(1, 2, 5, 7)
    found = own(values, "mine", frozenset("HW"), ALL, "float32")
    assert found.x.dtype == np.float32
    assert found.sizes == (2, 3, 4, 5)
    np.testing.assert_array_equal(found.at(3), values[:, :, 1:4, 2:5])
    np.testing.assert_array_equal(replace(found, moving=frozenset("W")).at(3), values[:, :, :, 2:5])
    narrow = maps_of(9, band(1))
    assert narrow.sizes == (3, 4, 5, 6, 7, 8, 9)
    assert np.abs(np.fft.fft2(narrow.at(6)))[..., 2:5, :].max() < 1e-10
    free = maps_of(8, NYQUIST_FREE).x
    assert np.abs(np.fft.fft2(free))[..., 4, :].max() < 1e-10
    with pytest.raises(SpecificationError, match="input of shape"):
        noise((2**20, 3, 16, 16), BCHW.spatial, ALL, 0, "float32")


def test_parameters_are_those_of_the_seed_and_the_same_on_maps_of_every_size():
    layer = read_drawn(Words(layer="LayerNorm-C"), 3, "float32")
    small, large = layer.at((2, 3, 4, 4)), layer.at((2, 3, 9, 9))
    np.testing.assert_array_equal(small.gain, large.gain)
    assert small.gain.dtype == np.float32
    assert not np.array_equal(small.gain, small.bias)
    assert not np.array_equal(small.gain, replace(layer, seed=4).at((2, 3, 4, 4)).gain)
    running = read_drawn(SUBJECTS["running"], 0, "float64").at((2, 3, 4, 5)).running
    assert (running.mean.shape, running.variance.shape) == ((2, 1, 4, 5), (2, 1, 4, 5))
    assert running.variance.min() >= 0.5
    term = read_drawn(Words(term="x*par(C) + par(C)"), 0, "float64")
    x = np.ones((1, 3, 2, 2))
    assert not np.allclose(term.at(x.shape)(x), term.at(x.shape)(2 * x) / 2)


def test_float32_says_the_same_with_its_own_bound():
    single, double = (
        panel_of(SUBJECTS["LayerNorm-C"], maps_of(9, dtype=dtype), dtype) for dtype in ("float32", "float64")
    )
    assert single.displacement.above.tolist() == double.displacement.above.tolist()
    ratio = single.displacement.bound / double.displacement.bound
    assert ratio.min() > 1e7


def test_an_input_on_which_the_subject_is_not_defined_is_refused():
    with pytest.raises(SpecificationError, match="not defined on this input"):
        panel_of(Words(term="rsqrt(x)"), maps_of(5))


def test_the_numbers_stand_in_the_tables_and_in_the_document(seen):
    data = json.loads(json.dumps(document(seen), allow_nan=False))
    assert (data["shape"], data["axes"], data["scope"], data["dtype"]) == ([2, 3, 8, 8], "HW", "common", "float64")
    for name, heads in HEADS.items():
        rows = list(csv.DictReader(io.StringIO(table(name, seen.panels))))
        assert tuple(rows[0]) == heads
        kept = [row for row in rows if row["subject"] == "LayerNorm-C"]
        subject = next(each for each in data["subjects"] if each["subject"] == "LayerNorm-C")
        assert len(kept) == len(subject[name])
        for row, one in zip(kept, subject[name], strict=True):
            assert {key: str(value) for key, value in one.items()} == {key: row[key] for key in heads[1:]}
    first = data["subjects"][0]
    assert first["threshold"] == {"predicted": "3", "first_refuted": "all", "settled": True, "seen": "3"}
    assert [row["predicted"] for row in first["band"]] == ["equivariant"] * 4 + ["not_equivariant"]
    assert [row["band"] for row in first["band"]] == ["0", "1", "2", "3", "all"]


def test_what_is_infinite_is_empty_or_null(seen):
    curve = replace(seen.panels[0].displacement, bound=np.full_like(seen.panels[0].displacement.bound, np.inf))
    found = replace(seen, panels=(replace(seen.panels[0], displacement=curve),))
    rows = list(csv.DictReader(io.StringIO(table("displacement", found.panels))))
    assert {row["rounding_bound"] for row in rows} == {""}
    assert document(found)["subjects"][0]["displacement"][0]["rounding_bound"] is None


def test_words_say_what_is_seen(seen):
    for kind in SENTENCES:
        said = describe(kind, seen)
        assert said.startswith(caption(kind, seen))
        assert all(f"{panel.name}: " in said for panel in seen.panels)
        assert "2 × 3 × 8 × 8, float64, moved along H and W" in caption(kind, seen)
        assert title(kind, seen).endswith(": noise")
    said = [SENTENCES["displacement"](panel) for panel in seen.panels]
    assert ["within rounding, and up to" in each for each in said] == [True, True, False]
    assert SENTENCES["band"](seen.panels[0]) == "predicted up to 3; errors within rounding up to 3"
    assert SENTENCES["band"](seen.panels[2]) == "predicted no band; no band within rounding"
    limited = replace(seen, input=maps_of(8, band(2)), scope=Scope.PER_SAMPLE)
    assert title("size", limited).endswith(": noise, band 2")
    assert title("band", limited).endswith(": noise")
    assert "sample b by b times" in caption("size", limited)


def test_the_catalogue_on_photographs_and_on_noise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The two inputs of a full report, on small maps and for two layers."""
    monkeypatch.setattr(catalogue, "named", lambda seed, dtype: named(seed, dtype)[1::2])
    steps: list[State] = []
    work = len(catalogue.PREFIXES) * 2 * PARTS
    found = catalogue.catalogue_curves(bundled_pictures(), 24, 0, Progress("curves", work, steps.append))
    assert steps[-1].share == 1
    assert len(steps) == work
    photographs, drawn = found
    assert [panel.name for panel in drawn.panels] == list(CATALOGUE)[1::2]
    assert photographs.input.name == "feature maps of astronaut and brick at bn1"
    assert photographs.input.given.shape == (2, 64, 12, 12)
    assert drawn.input.described == f"noise, band {catalogue.BAND}"
    instance, layer = (
        {one.input.name.split()[0]: one.panels[place] for one in found} for place in range(len(drawn.panels))
    )
    # The photographs' maps have energy at N/2, noise of a narrow band has none.
    assert instance["feature"].displacement.above.any()
    assert not instance["noise"].displacement.above.any()
    assert not instance["noise"].size[EVEN].above.any()
    assert layer["noise"].displacement.above.any()
    for one in found:
        for panel in one.panels:
            assert panel.seen == panel.threshold.proved
    for prefix, one in zip(catalogue.PREFIXES, found, strict=True):
        write(one, tmp_path, prefix)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {name for prefix in catalogue.PREFIXES for name in names(prefix)}
