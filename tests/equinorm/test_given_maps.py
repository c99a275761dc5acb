"""One layer on one's own feature maps: the errors, the verdict beside them, what is said of the maps, and bad input."""

from __future__ import annotations

import json
import math
import sys
from fractions import Fraction

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import equinorm
from equinorm.cli.main import main
from equinorm.experiment import given_maps
from equinorm.experiment.compared import COLUMNS, MEANINGS
from equinorm.files import MARKER
from tests.command import run_command, run_python
from tests.effort import at_least
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError

TERM = "x*rsqrt(mean(x^2, HW) + eps)*par(C)"


def maps(shape=(3, 4, 7, 8), dtype="f8", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def rows(found, **wanted):
    return [row for row in found.table.to_pylist() if all(row[name] == value for name, value in wanted.items())]


def refusal(*arguments, **options):
    with pytest.raises(SpecificationError) as caught:
        equinorm.measure_maps(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def translated(x, t):
    """The symmetric translation of one sample (C, H, W), by the formula."""
    spectrum = np.fft.fft2(x)
    for axis, moved in zip((-2, -1), t, strict=True):
        size = x.shape[axis]
        k = np.fft.fftfreq(size, 1 / size)
        factor = np.where(2 * np.abs(k) == size, np.cos(math.pi * moved), np.exp(-2j * math.pi * k * moved / size))
        spectrum = spectrum * (factor[:, None] if axis == -2 else factor)
    return np.fft.ifft2(spectrum).real


def test_the_errors_are_those_of_the_definition():
    x = maps()
    eps = float(CATALOGUE["InstanceNorm"].layer.eps)

    def layer(sample):
        centered = sample - sample.mean(axis=(1, 2), keepdims=True)
        return centered / np.sqrt((centered**2).mean(axis=(1, 2), keepdims=True) + eps)

    found = equinorm.measure_maps(x, "InstanceNorm", seed=4)
    for row in rows(found):
        t = row["displacement_h"], row["displacement_w"]
        assert 0 <= t[0] < 7
        assert 0 <= t[1] < 8
        actual, expected = layer(translated(x[row["sample"]], t)), translated(layer(x[row["sample"]]), t)
        error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
        assert row["relative_l2"] == pytest.approx(error, rel=1e-9, abs=1e-13)
        largest = np.abs(actual - expected).max() / np.abs(expected).max()
        assert row["relative_maximum"] == pytest.approx(largest, rel=1e-9, abs=1e-13)
        if row["transformation"] == "shift":
            assert t == (int(t[0]), int(t[1]))
            assert row["judgement"] == "within"
        else:
            assert row["judgement"] == "above"
    assert [row["sample"] for row in rows(found)] == [0, 1, 2, 0, 1, 2]
    assert found.table.column_names == list(COLUMNS)


@pytest.mark.parametrize("layer", [*CATALOGUE, "norm[center=W, scale=C, affine=HC]", "norm[scale=empty]", TERM, "x^3"])
@pytest.mark.parametrize("size", ["7x9", "8x6"])
@pytest.mark.parametrize("nyquist", ["symmetric", "project", "one-sided"])
def test_no_measurement_contradicts_a_verdict_and_generic_maps_show_it(layer, size, nyquist):
    height, width = map(int, size.split("x"))
    words = {"layer": layer} if layer in CATALOGUE or "[" in layer else {"term": layer}
    found = equinorm.measure_maps(maps((3, 4, height, width)), **words, nyquist=nyquist)
    for each in found.compared:
        expected = None
        if each.transformation == "shift" or nyquist != "one-sided" or height % 2:
            policy = "symmetric" if nyquist == "one-sided" else nyquist
            grid = {"grid": size, "batch": 3, "channels": 4, "scope": "per-sample", "action": each.transformation}
            expected = equinorm.decide(**words, nyquist=policy, **grid).verdict
        assert each.verdict == expected
        drawn = each.initialization != "default"
        if expected is None:
            assert each.agreement == "not decided"
        elif expected == "equivariant" or drawn:
            assert each.agreement == "agree", each
        else:
            assert each.agreement in ("agree", "not shown")
        assert each.agreement in MEANINGS
    assert not found.contradicted
    initializations = {each.initialization for each in found.compared}
    assert initializations in ({"default", "drawn"}, {"drawn"}, {"absent"})


@pytest.mark.parametrize(
    "words", [{"layer": "LayerNorm-C"}, {"term": TERM}, {"layer": "BatchNorm", "statistics": "running"}]
)
def test_the_pieces_change_no_number(monkeypatch, words):
    x = maps((5, 3, 6, 7), "f4")
    whole = equinorm.measure_maps(x, **words)
    monkeypatch.setattr(given_maps, "PIECE_BYTES", 1)
    assert equinorm.measure_maps(x, **words).table.equals(whole.table)
    monkeypatch.setattr(given_maps, "PIECE_BYTES", 2 * x[0].nbytes)
    assert equinorm.measure_maps(x, **words).table.equals(whole.table)
    # A sample's draws are its own, whatever stands beside it.
    first = equinorm.measure_maps(x[:2], **words)
    assert rows(first) == [row for row in rows(whole) if row["sample"] < 2]


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ({"layer": "BatchNorm"}, True),
        ({"layer": "BatchNorm", "statistics": "running"}, False),
        ({"layer": "InstanceNorm"}, False),
        ({"affine": "B"}, True),
        ({"term": "x - mean(x, BC)"}, True),
        ({"term": "x*par(BC)"}, True),
        ({"term": "x - mean(x, C)"}, False),
    ],
)
def test_samples_are_taken_together_where_the_layer_couples_them(monkeypatch, words, whole):
    monkeypatch.setattr(given_maps, "PIECE_BYTES", 1)
    found = equinorm.measure_maps(maps(), **words)
    assert found.facts["arrays"][0]["taken"].startswith("all samples" if whole else "some samples")
    assert not found.contradicted
    monkeypatch.setattr(given_maps, "LARGEST_BATCH", 8)
    if whole:
        assert "give fewer samples" in refusal(maps(), **words)
    else:
        equinorm.measure_maps(maps(), **words)


def test_narrow_types_are_converted_and_it_is_said(tmp_path):
    half = maps((2, 3, 5, 5), "f2")
    np.save(tmp_path / "a.npy", half)
    found = equinorm.measure_maps(tmp_path / "a.npy", "LayerNorm-CHW")
    assert "float16 read as float32" in found.text()
    exact = equinorm.measure_maps({"x": half.astype("f4")}, "LayerNorm-CHW")
    assert found.table.equals(exact.table)
    assert "read as" not in exact.text()
    assert "float16 read as float64" in equinorm.measure_maps(half, "LayerNorm-CHW", dtype="float64").text()
    assert "float64 read as float32" in equinorm.measure_maps(half.astype("f8"), "LayerNorm-C", dtype="float32").text()


def test_nan_and_infinities_are_named_by_their_indices(tmp_path, monkeypatch):
    x = maps((4, 2, 3, 5), "f4")
    x[1, 0, 2, 3] = math.nan
    x[3, 1, 0, 4] = -math.inf
    for piece in (1, 2**20):
        monkeypatch.setattr(given_maps, "PIECE_BYTES", piece)
        message = refusal(x, "BatchNorm")
        assert "array=x: expected finite numbers in float32; NaN at (1, 0, 2, 3), -infinity at (3, 1, 0, 4)" in message
    x[:] = math.inf
    assert "infinity at (0, 0, 0, 4) and 115 more" in refusal(x, "BatchNorm")
    np.savez(tmp_path / "a.npz", good=maps(), bad=np.where(np.arange(8).reshape(2, 2, 2) == 5, math.nan, 1.0))
    assert "array=bad: expected finite numbers in float64; NaN at (1, 0, 1)" in refusal(tmp_path / "a.npz", "BatchNorm")
    assert "infinity at (0, 0, 0, 0)" in refusal(np.full((1, 1, 2, 2), 1e300), "BatchNorm", dtype="float32")
    assert "squares are finite in float32" in refusal(np.full((1, 1, 2, 2), 1e30, "f4"), "BatchNorm")
    assert "squares are finite in float64" in refusal(np.full((1, 1, 2, 2), 1e300), "BatchNorm")
    equinorm.measure_maps(np.full((1, 1, 2, 2), 1e30, "f4"), "BatchNorm", dtype="float64")


def test_channels_without_variance_are_named_and_contradict_nothing():
    x = maps((3, 4, 7, 9), "f4") + 100
    x[1, 2], x[2, 0] = 5.0, 0.0
    for layer in CATALOGUE:
        found = equinorm.measure_maps(x, layer)
        facts = found.facts["arrays"][0]["zero_variance_channels"]
        assert facts == {"count": 2, "first": [[1, 2], [2, 0]]}
        assert "2 channels without variance, (sample, channel): (1, 2), (2, 0)" in found.text()
        assert not found.contradicted
    for constant in (0.0, 3.0, 1e-30):
        for layer in CATALOGUE:
            found = equinorm.measure_maps(np.full((2, 9, 5, 5), constant), layer)
            assert not found.contradicted
            assert "18 channels without variance" in found.text()
            assert ", …" in found.text()
            json.dumps(found.document(), allow_nan=False)


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    mean=st.sampled_from([0.0, 1.0, 1e3]),
    size=st.sampled_from([1.0, 1e-4, 1e4]),
    layer=st.sampled_from([*CATALOGUE, "norm[center=HW]", "norm[scale=CW, affine=H]"]),
    dtype=st.sampled_from(["float32", "float64"]),
    nyquist=st.sampled_from(["symmetric", "project", "one-sided"]),
)
@at_least(60)
def test_small_maps_of_every_kind_contradict_nothing(shape, mean, size, layer, dtype, nyquist):
    found = equinorm.measure_maps(mean + size * maps(shape), layer, dtype=dtype, nyquist=nyquist)
    assert not found.contradicted
    assert found.table.num_rows == shape[0] * len(found.compared)
    json.dumps(found.document(), allow_nan=False)


def test_large_maps_are_decided_by_their_family_or_not_at_all(monkeypatch):
    monkeypatch.setattr("equinorm.measuring_maps.LARGEST_EXACT", 20)
    for shape, grid in (((1, 2, 5, 7), "odd"), ((1, 2, 6, 6), "even"), ((1, 2, 5, 6), None), ((1, 2, 1, 21), None)):
        found = equinorm.measure_maps(maps(shape), "LayerNorm-C")
        assert {each.grid for each in found.compared} == {grid}
        assert not found.contradicted
    assert {each.grid for each in equinorm.measure_maps(maps((1, 2, 4, 5)), "LayerNorm-C").compared} == {"4x5"}


def test_a_layer_has_its_own_eps_and_a_verdict_is_about_all():
    assert equinorm.measure_maps(maps(), "LayerNorm-AF").facts["eps"] == float(CATALOGUE["LayerNorm-AF"].layer.eps)
    assert equinorm.measure_maps(maps(), "LayerNorm-AF", eps="1e-3").facts["eps"] == 1e-3
    assert equinorm.measure_maps(maps(), term="x*rsqrt(mean(x^2,C)+eps)", eps="1/8").facts["eps"] == float(
        Fraction(1, 8)
    )


@pytest.mark.parametrize("kind", [MemoryError, type("OutOfMemoryError", (RuntimeError,), {})])
def test_a_device_with_little_memory_gets_fewer_samples(monkeypatch, kind):
    x = maps((5, 2, 4, 5))
    expected = equinorm.measure_maps(x, "LayerNorm-C").table
    measured = given_maps._Work._measured
    sizes = []

    def scarce(self, values, start):
        sizes.append(len(values))
        if len(values) > most:
            raise kind("not enough")
        return measured(self, values, start)

    monkeypatch.setattr(given_maps._Work, "_measured", scarce)
    most = 2
    assert equinorm.measure_maps(x, "LayerNorm-C").table.equals(expected)
    assert max(sizes) == 5
    assert "memory for 5 samples" in refusal(x, "BatchNorm")
    most = 0
    assert "memory for 1 samples of (2, 4, 5) on numpy" in refusal(x, "LayerNorm-C")


def test_bad_words_are_refused():
    x = maps()
    assert "give exactly one" in refusal(x)
    assert "give exactly one" in refusal(x, "BatchNorm", term="x")
    assert "layer=Foo" in refusal(x, "Foo")
    assert "dtype=float16" in refusal(x, "BatchNorm", dtype="float16")
    assert "nyquist=none" in refusal(x, "BatchNorm", nyquist="none")
    assert "seed=-1" in refusal(x, "BatchNorm", seed=-1)
    assert "backend=abacus" in refusal(x, "BatchNorm", backend="abacus")
    assert "eps=0" in refusal(x, "BatchNorm", eps="0")


@pytest.fixture
def archive(tmp_path):
    np.savez(tmp_path / "maps.npz", first=maps((2, 3, 8, 8), "f4"), second=maps((3, 5, 5)))
    return tmp_path / "maps.npz"


def test_the_folder_holds_what_is_printed(tmp_path, archive, capsys):
    out = tmp_path / "out"
    arguments = ["measure", "--input", str(archive), "--layer", "InstanceNorm", "--seed", "5"]
    assert main([*arguments, "--out", str(out), "--json"]) == 0
    printed, errors = capsys.readouterr()
    found = json.loads(printed)
    assert sorted(file.name for file in out.iterdir()) == sorted([MARKER, "results.csv", "results.parquet", "run.json"])
    table = pyarrow.parquet.read_table(out / "results.parquet")
    assert table.to_pylist() == found["rows"]
    assert pyarrow.csv.read_csv(out / "results.csv").num_rows == len(found["rows"]) == found["row_count"] == 6
    assert [each["name"] for each in found["arrays"]] == ["first", "second"]
    assert json.loads((out / "run.json").read_text())["compared"] == found["compared"]
    assert "samples/s" in errors
    again = tmp_path / "again"
    assert main([*arguments, "--out", str(again), "--quiet"]) == 0
    text, errors = capsys.readouterr()
    assert errors == ""
    assert "first: 2x3x8x8, even" in text
    assert "second: 1x3x5x5, odd; taken as C x H x W, one sample" in text
    for name in ("results.parquet", "results.csv", "run.json"):
        assert (out / name).read_bytes() == (again / name).read_bytes()


def test_without_out_nothing_is_written(tmp_path, archive, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["measure", "--input", str(archive), "--term", TERM]) == 0
    assert "verdict not_equivariant on 8x8; 2 above: agree" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["maps.npz"]


def test_a_contradiction_is_status_1(archive, capsys, monkeypatch):
    monkeypatch.setattr(given_maps, "rounding_bound", lambda layer, x, *_: np.zeros(len(x)))
    assert main(["measure", "--input", str(archive), "--layer", "LayerNorm-AF", "--dtype", "float32"]) == 1
    assert "contradiction, the verdict says that only rounding is left" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--layer", "BatchNorm"), "layer=BatchNorm: expected --input FILE beside it"),
        (("--input", "missing.npy", "--layer", "BatchNorm"), "there is no such file"),
        (("--input", "maps.npz"), "give exactly one"),
        (("--input", "maps.npz", "--layer", "BatchNorm", "--crop", "7"), "crop=7: expected no --crop beside --input"),
        (("--input", "maps.npz", "--layer", "BatchNorm", "--images", "a"), "images=a: expected no --images"),
        (("--input", "maps.npz", "--layer", "BatchNorm", "--size", "7x7"), "size=7x7: expected no --size"),
        (("--input", "maps.npz", "--layer", "BatchNorm", "more"), "argument=more"),
        (("--input", "nan.npy", "--layer", "BatchNorm"), "NaN at (0, 0, 1)"),
        (("--input", "labels.npy", "--layer", "BatchNorm"), "floating numbers, not int64"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, archive, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    np.save("nan.npy", np.array([[[1.0, math.nan]]]))
    np.save("labels.npy", np.zeros((1, 1, 1), np.int64))
    before = sorted(tmp_path.iterdir())
    assert main(["measure", *arguments, "--out", "out", "--quiet"]) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors.count("\n") == 1
    assert message in errors
    assert sorted(tmp_path.iterdir()) == before


def test_the_command_answers_in_a_process_of_its_own(tmp_path, archive):
    done = run_command("measure", "--input", str(archive), "--layer", "BatchNorm", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["layer"] == "BatchNorm"


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes is POSIX")
def test_a_full_disk_leaves_nothing_half_written(tmp_path, archive):
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from equinorm.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["measure", "--input", str(archive), "--layer", "BatchNorm", "--quiet", "--out", str(tmp_path / "out")]
    done = run_python("-c", script, *arguments, PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["maps.npz"]
