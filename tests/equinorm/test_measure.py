"""The verb ``measure``: rows, files, draws and facts, on a few small pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image

import equinorm
from equinorm.experiment import run, table
from equinorm.experiment.summary import METRICS
from equinorm.files import MARKER
from equinorm.inputs.images import bundled_pictures, find_pictures
from equinorm.measuring import Measured, describe_weights
from numerics.backends import load_backend
from numerics.experiment.variants import variants
from numerics.resnet.architecture import POSITIONS, feature_shapes
from numerics.resnet.initialization import he_state
from theory.spec.errors import SpecificationError

CROP = 49  # maps of 25, 13, 7, 4 and 2 samples: odd and even
KEY = ("image", "position", "layer", "initialization", "mode", "transformation")
NUMBERS = ("displacement_h", "displacement_w", *METRICS, "rounding_bound")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        coarse = Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        coarse.resize((80, 70), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def measured(pictures: Path) -> Measured:
    return equinorm.measure([pictures], crop=CROP, batch_size=2)


def column(found: Measured, name: str) -> list[Any]:
    return list(found.table.column(name).to_pylist())


def rows_by_key(found: Measured) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(Path(row[name]).name for name in KEY): row for row in found.table.to_pylist()}


def test_there_is_one_row_for_each_thing_measured(measured: Measured, pictures: Path) -> None:
    keys = list(zip(*(column(measured, name) for name in KEY), strict=True))
    assert len(keys) == len(set(keys)) == 3 * len(POSITIONS) * len(variants()) * 2
    assert [Path(name).name for name in dict.fromkeys(column(measured, "image"))] == ["a.png", "b.png", "c.png"]
    assert measured.table.column_names == list(table.COLUMNS)
    assert set(column(measured, "nyquist_energy")) == {None}
    assert set(column(measured, "dtype")) == {"float32"}
    assert set(column(measured, "nyquist")) == {"one-sided"}


def test_sizes_parities_batches_and_displacements_fit_the_maps(measured: Measured) -> None:
    shapes = feature_shapes(CROP, CROP)
    for row in measured.table.to_pylist():
        channels, height, width = shapes[row["position"]]
        assert (row["channels"], row["height"], row["width"]) == (channels, height, width)
        assert row["parity"] == ("odd" if height % 2 else "even")
        assert row["batch"] == (1 if row["image"].endswith("c.png") else 0)
        for moved, size in ((row["displacement_h"], height), (row["displacement_w"], width)):
            assert 0 <= moved < size
            if row["transformation"] == "shift":
                assert moved == int(moved)
        assert row["rounding_bound"] >= 0


def test_the_same_command_gives_the_same_bytes(pictures: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        equinorm.measure([pictures], crop=CROP, batch_size=2, out=tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == [MARKER, "results.csv", "results.parquet", "run.json"]
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_files_hold_what_is_returned(pictures: Path, tmp_path: Path) -> None:
    found = equinorm.measure([pictures], crop=33, out=tmp_path / "out")
    assert pa.parquet.read_table(tmp_path / "out" / "results.parquet").equals(found.table)
    csv = pa.csv.read_csv(tmp_path / "out" / "results.csv")
    assert csv.column_names == found.table.column_names
    for name in ("image", "layer", *NUMBERS):
        assert csv.column(name).to_pylist() == column(found, name)
    assert json.loads((tmp_path / "out" / "run.json").read_text()) == found.facts


def test_a_long_table_has_no_csv(measured: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LARGEST_CSV", measured.table.num_rows)
    table.write_table(measured.table, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.parquet"]


def test_more_images_change_no_draw_and_no_earlier_batch(measured: Measured, pictures: Path) -> None:
    fewer = rows_by_key(equinorm.measure([pictures / "b.png", pictures / "a.png"], crop=CROP, batch_size=2))
    all_rows = rows_by_key(measured)
    for key, row in fewer.items():
        assert [row[name] for name in NUMBERS[:2]] == [all_rows[key][name] for name in NUMBERS[:2]]


@pytest.mark.parametrize("options", [{"dtype": "float64"}, {"nyquist": "symmetric"}, {"batch_size": 16}])
def test_no_option_but_seed_and_crop_changes_a_displacement(
    measured: Measured, pictures: Path, options: dict[str, Any]
) -> None:
    other = equinorm.measure([pictures], **{"crop": CROP, "batch_size": 2, **options})
    if "batch_size" not in options:
        assert column(other, "batch") == column(measured, "batch")
    rows = rows_by_key(other)
    for key, row in rows_by_key(measured).items():
        assert [row[name] for name in NUMBERS[:2]] == [rows[key][name] for name in NUMBERS[:2]]


def test_another_seed_draws_anew(measured: Measured, pictures: Path) -> None:
    other = equinorm.measure([pictures], crop=CROP, batch_size=2, seed=1)
    moved = [
        (one, two)
        for one, two, kind in zip(
            column(measured, "displacement_h"),
            column(other, "displacement_h"),
            column(other, "transformation"),
            strict=True,
        )
        if kind == "translation"
    ]
    assert all(one != two for one, two in moved)


def test_only_training_mode_sees_who_shares_a_batch(pictures: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", **he_state(3))  # weights that no batch calibrates
    one, two = (
        rows_by_key(equinorm.measure([pictures], weights=tmp_path / "weights.npz", crop=33, batch_size=size))
        for size in (2, 3)
    )
    differing = set()
    for key, row in one.items():
        if row["transformation"] == "translation" and row["initialization"] != "drawn" and row["height"] % 2 == 0:
            near = np.isclose(row["relative_l2"], two[key]["relative_l2"], rtol=1e-2, atol=row["rounding_bound"])
            if not near:
                differing.add((row["layer"], row["mode"]))
    assert differing == {("BatchNorm", "training")}


def test_shifts_do_not_depend_on_the_nyquist_policy(measured: Measured, pictures: Path) -> None:
    other = rows_by_key(equinorm.measure([pictures], crop=CROP, batch_size=2, nyquist="symmetric"))
    changed = 0
    for key, row in rows_by_key(measured).items():
        same = [row[name] for name in NUMBERS] == [other[key][name] for name in NUMBERS]
        if row["transformation"] == "shift" or row["parity"] == "odd":
            assert same
        changed += not same
    assert changed > 0


def test_project_removes_energy_on_even_maps_only(pictures: Path) -> None:
    found = equinorm.measure([pictures], crop=CROP, nyquist="project", dtype="float64")
    for row in found.table.to_pylist():
        assert (0 < row["nyquist_energy"] < 1) if row["parity"] == "even" else row["nyquist_energy"] == 0
        exact = (row["layer"], row["initialization"]) != ("LayerNorm-CHW", "drawn") and row["layer"] != "LayerNorm-C"
        if exact:
            assert row["relative_l2"] <= row["rounding_bound"]


def test_the_summary_is_the_mean_of_the_rows(measured: Measured) -> None:
    groups = measured.summary("layer", "mode", "transformation")
    rows = measured.table.to_pylist()
    assert sum(group.metrics["relative_l2"].count for group in groups) == len(rows)
    for group in groups:
        chosen = [row for row in rows if all(row[name] == word for name, word in group.key.items())]
        for name in METRICS:
            values = np.array([row[name] for row in chosen])
            expected = (values.mean(), values.std(ddof=1) / len(values) ** 0.5)
            statistic = group.metrics[name]
            np.testing.assert_allclose((statistic.mean, statistic.standard_error), expected, rtol=1e-12)
        above = np.mean([row["relative_l2"] > row["rounding_bound"] for row in chosen])
        assert group.above_rounding == pytest.approx(above)


def test_the_report_says_plainly_where_the_weights_come_from(
    measured: Measured, pictures: Path, tmp_path: Path
) -> None:
    assert measured.facts["weights"] == {"kind": "he", "seed": 0, "calibrated_on": 3}
    assert "not trained: He initialization with seed 0" in measured.text()
    assert "first 3 pictures" in measured.text()
    np.savez(tmp_path / "weights.npz", **he_state(3))
    facts = run.run_experiment(
        run.Options(crop=16), load_backend("numpy"), find_pictures([pictures])[:1], tmp_path / "weights.npz"
    ).facts
    assert facts["weights"]["path"] == str(tmp_path / "weights.npz")
    assert describe_weights(facts["weights"]).startswith(f"{tmp_path / 'weights.npz'} (SHA-256 ")


def test_pictures_that_cannot_be_used_are_named_and_counted(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no picture")
    found = equinorm.measure([tmp_path, pictures / "a.png"], crop=16)
    used, skipped = found.facts["images"]["used"], found.facts["images"]["skipped"]
    assert [Path(picture["name"]).name for picture in used] == ["a.png"]
    assert [(Path(picture["name"]).name, "picture" in picture["reason"]) for picture in skipped] == [("a.txt", True)]
    assert "skipped 1" in found.text()


def test_one_picture_may_be_given_by_itself(pictures: Path) -> None:
    one = str(pictures / "a.png")
    assert equinorm.measure(one, crop=16).table.equals(equinorm.measure([one], crop=16).table)


def test_without_out_nothing_is_written(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert equinorm.measure([pictures / "a.png"], crop=16).out is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "jax"}, "backend=jax: expected one of numpy, numba, torch, cupy"),
        ({"dtype": "float16"}, "dtype=float16: expected one of float32, float64"),
        ({"nyquist": "one_sided"}, "nyquist=one_sided: expected one of symmetric, project, one-sided"),
        ({"crop": 0}, "crop=0: expected a whole number from 1 to 256"),
        ({"batch_size": 0}, "batch-size=0: expected a whole number from 1 up"),
        ({"seed": -1}, "seed=-1: expected a whole number from 0"),
        ({"images": ["no such folder"]}, "images=no such folder"),
        ({"weights": "weights.bin"}, "weights=weights.bin: expected a file ending in"),
    ],
)
def test_bad_options_are_one_line_and_leave_nothing(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as raised:
        equinorm.measure(**{"out": tmp_path / "new" / "out", **options})
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("somebody's")
    monkeypatch.setattr("equinorm.measuring.find_pictures", lambda *_: pytest.fail("work began"))
    with pytest.raises(SpecificationError, match="this is a file"):
        equinorm.measure(out=tmp_path / "file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("years of work")
    with pytest.raises(SpecificationError, match="one that equinorm wrote"):
        equinorm.measure(out=tmp_path / "folder")


def test_torch_measures_the_same(measured: Measured, pictures: Path) -> None:
    try:
        load_backend("torch")
    except SpecificationError as error:
        pytest.skip(str(error))
    reference = rows_by_key(equinorm.measure([pictures], crop=33, dtype="float64"))
    found = equinorm.measure([pictures], crop=33, dtype="float64", backend="torch")
    assert found.facts["device"].startswith("torch ")
    for key, row in rows_by_key(found).items():
        expected = reference[key]
        assert [row[name] for name in NUMBERS[:2]] == [expected[name] for name in NUMBERS[:2]]
        # The maps themselves differ by the rounding of twenty convolutions.
        allowed = 1e-9 * expected["relative_l2"] + row["rounding_bound"] + expected["rounding_bound"]
        assert abs(row["relative_l2"] - expected["relative_l2"]) <= allowed


def test_the_figures_of_the_experiment_and_what_the_published_error_cannot_see() -> None:
    pictures = [picture.path for picture in bundled_pictures()[::8][:2]]
    even, odd = (
        {
            tuple(group.key.values()): group.metrics
            for group in equinorm.measure(pictures, crop=crop, dtype="float64").summary(
                "layer", "mode", "initialization", "transformation"
            )
        }
        for crop in (224, 193)
    )
    translated = [key for key in odd if key[-1] == "translation"]
    proven = [key for key in translated if key[0] in ("BatchNorm", "InstanceNorm", "LayerNorm-AF")]
    assert len(proven) == 4 + 1 + 2
    for key in proven:
        assert abs(odd[key]["cosine_error"].mean) < 1e-15
        assert odd[key]["relative_l2"].mean < 1e-14
        if key[1] != "evaluation":
            # At crop 224 the maps are even, but for the last ones, and the Nyquist bin shows.
            assert 2e-3 < even[key]["relative_l2"].mean < 1e-2
    for key in translated:
        if key[0] == "LayerNorm-C":
            assert 1e-3 < odd[key]["cosine_error"].mean < 1e-2
            assert 1e-3 < even[key]["cosine_error"].mean < 1e-2
    for found in (odd, even):
        assert found["LayerNorm-CHW", "both", "drawn", "translation"]["cosine_error"].mean == pytest.approx(1, abs=0.1)
    # A gain per pixel is invisible to the cosine over channels.
    blind = even["LayerNorm-AF", "both", "default", "translation"]
    assert abs(blind["cosine_error"].mean) < 1e-15
    assert blind["relative_l2"].mean > 1e-3
