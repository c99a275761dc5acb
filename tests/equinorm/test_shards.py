"""Batches by the place in the list, and results that neither the split nor those who measure can change."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import equinorm
from equinorm.experiment import memory, table
from equinorm.experiment.exact import LEAST, exact_sums
from equinorm.experiment.listing import listing, units
from equinorm.experiment.memory import Budget
from equinorm.experiment.options import Options
from equinorm.experiment.summary import METRICS, Tally, summarize
from equinorm.inputs.images import find_pictures
from numerics.resnet.initialization import he_state
from tests.command import environment, eventually, started_command
from tests.effort import at_least
from tests.equinorm.runs import CROP, arguments, contents, draw_pictures, measure_command, parts, undisturbed
from theory.spec.errors import SpecificationError

KEY = ("position", "layer", "initialization", "mode", "transformation")
ROWS = 60
THOROUGH = settings().max_examples > 1000


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("shards") / "pictures", 7)


@pytest.fixture(scope="module")
def expected(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return undisturbed(pictures, tmp_path_factory.mktemp("expected") / "out", batch_size=2)


floats = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(floats, min_size=1, max_size=30))
@at_least(200)
def test_sums_are_exact(values: list[float]) -> None:
    (found,) = exact_sums(np.array(values), np.zeros(len(values), dtype=np.int64), 1)
    assert found.first * Fraction(2) ** LEAST == sum(map(Fraction, values))
    assert found.second * Fraction(2) ** (2 * LEAST) == sum(Fraction(value) ** 2 for value in values)
    assert found.count == len(values)


@given(st.lists(st.floats(min_value=1e-18, max_value=1e3), min_size=2, max_size=30))
def test_mean_and_standard_error_are_those_of_the_definition(values: list[float]) -> None:
    (found,) = exact_sums(np.array(values), np.zeros(len(values), dtype=np.int64), 1)
    mean = sum(map(Fraction, values)) / len(values)
    assert found.mean == float(mean)
    square = sum((Fraction(value) - mean) ** 2 for value in values) / (len(values) - 1) / len(values)
    assert found.standard_error == pytest.approx(math.sqrt(square), rel=1e-15)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A results table with values of any size, and the places where it is cut."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    spread = draw(st.sampled_from([0, 8, 300]))
    columns = {}
    for place in table.SCHEMA:
        if pa.types.is_dictionary(place.type):
            words = pa.array([f"{place.name} {k}" for k in range(3)])
            columns[place.name] = pa.DictionaryArray.from_arrays(
                pa.array(random.integers(0, 3, ROWS), pa.int32()), words
            )
        elif pa.types.is_integer(place.type):
            columns[place.name] = pa.array(random.integers(0, 9, ROWS), pa.int32())
        else:
            columns[place.name] = pa.array(random.standard_normal(ROWS) * 10.0 ** random.integers(-spread, 1, ROWS))
    return pa.table(columns, schema=table.SCHEMA)


cuts = st.lists(st.integers(0, ROWS), max_size=8).map(sorted)


def cut(whole: pa.Table, places: Sequence[int]) -> list[pa.Table]:
    """Pieces as they come out of files: each with dictionaries of its own."""
    edges = [0, *places, ROWS]
    found = []
    for start, end in itertools.pairwise(edges):
        piece = whole.slice(start, end - start)
        spelled = {
            place.name: piece.column(place.name).cast(pa.string()).dictionary_encode().cast(place.type)
            if pa.types.is_dictionary(place.type)
            else piece.column(place.name)
            for place in table.SCHEMA
        }
        found.append(pa.table(spelled, schema=table.SCHEMA))
    return found


@given(tables(), cuts)
def test_any_split_of_the_rows_gives_the_same_summary(whole: pa.Table, places: list[int]) -> None:
    def text(pieces: Sequence[pa.Table]) -> str:
        return json.dumps([group.document() for group in summarize(pieces, ("layer", "mode"))])

    assert text(cut(whole, places)) == text([whole])


@given(tables(), cuts, st.randoms(use_true_random=False))
def test_any_order_of_the_pieces_gives_the_same_statistics(whole: pa.Table, places: list[int], random: Random) -> None:
    pieces = cut(whole, places)
    random.shuffle(pieces)
    tally = Tally()
    for piece in pieces:
        tally.add(piece)
    shuffled = {tuple(group.key.values()): group for group in tally.groups()}
    assert shuffled == {tuple(group.key.values()): group for group in summarize(whole)}


@given(tables(), cuts)
@settings(max_examples=500 if THOROUGH else 12)
def test_any_split_of_the_rows_gives_the_same_files(
    tmp_path_factory: pytest.TempPathFactory, whole: pa.Table, places: list[int]
) -> None:
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "GROUP", 16)
        for pieces in ([whole], cut(whole, places)):
            folder = tmp_path_factory.mktemp("split")
            with table.table_writer(folder, ROWS) as writer:
                for piece in pieces:
                    writer.add(piece)
            found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]
    file = pa.parquet.ParquetFile(pa.BufferReader(found[0]["results.parquet"]))
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [16, 16, 16, 12]
    assert file.read().to_pylist() == whole.to_pylist()


def test_infinite_values_have_no_mean_and_are_counted() -> None:
    (found,) = exact_sums(np.array([1.0, math.inf, math.nan]), np.zeros(3, dtype=np.int64), 1)
    assert (found.count, found.infinite, found.mean, found.standard_error) == (3, 2, None, None)


def test_batches_go_by_the_place_in_the_list(pictures: Path) -> None:
    listed = listing(find_pictures([pictures]))
    assert [[each.number for each in unit.listed] for unit in units(listed, 3)] == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_damaged_picture_changes_no_other_batch_and_no_draw(pictures: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", **he_state(3))  # weights that no picture calibrates
    for name in ("good", "bad"):
        draw_pictures(tmp_path / name, 7)
    (tmp_path / "bad" / "002.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    good, bad = (
        {
            (Path(row["image"]).name, *(row[name] for name in KEY)): row
            for row in equinorm.measure(
                [tmp_path / name], crop=CROP, batch_size=2, weights=tmp_path / "weights.npz"
            ).table.to_pylist()
        }
        for name in ("good", "bad")
    )
    assert {key[0] for key in good} - {key[0] for key in bad} == {"002.png"}
    for key, row in bad.items():
        other = good[key]
        assert [row[name] for name in ("batch", "displacement_h", "displacement_w")] == [
            other[name] for name in ("batch", "displacement_h", "displacement_w")
        ]
        if key[0] != "003.png":  # its neighbor in the batch
            assert [row[name] for name in METRICS] == [other[name] for name in METRICS]


@pytest.mark.parametrize("more", [("--workers", "2"), ("--workers", "1"), ("--memory", "1500MiB"), ("--memory", "9GB")])
def test_neither_processes_nor_memory_change_a_byte(
    more: tuple[str, ...], pictures: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    done = measure_command(pictures, tmp_path / "out", *more)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "out") == expected


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes in /proc")
def test_a_process_that_is_killed_ends_the_run_in_one_line_that_goes_on(
    pictures: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with started_command(*arguments(pictures, out, "--workers", "2")) as child:
        eventually(lambda: parts(out) or child.poll() is not None)
        workers = [pid for pid in children(child.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        _, stderr = child.communicate(timeout=60)
    assert child.returncode == 2
    lines = [line for line in stderr.splitlines() if not line.startswith("measuring: ")]
    assert lines[0].endswith("the same command goes on")
    assert lines[1].startswith("equinorm: error: workers=2: expected processes that go on until the end")
    assert len(lines) == 2
    assert measure_command(pictures, out).returncode == 0
    assert contents(out) == expected


def children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state = (folder / "stat").read_text()
            except OSError:
                continue
            if int(state.rpartition(")")[2].split()[1]) == parent:
                found.append(int(folder.name))
    return found


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GiB", 2**31), ("2g", 2 * 10**9), ("500 MB", 5 * 10**8), ("1.5e9", 1_500_000_000), ("1.5TiB", 3 * 2**39)],
)
def test_sizes_of_memory_are_read(text: str, size: int) -> None:
    assert Budget.parse(text).limit == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "1 parsec", "1e", "GiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SpecificationError, match="memory="):
        Budget.parse(text)


def test_too_little_memory_is_refused_with_what_is_needed(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match=r"memory=200MiB: expected at least \d+ MiB; one batch of 64 at crop"):
        equinorm.measure([pictures], crop=CROP, batch_size=64, memory="200MiB", out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_calibration_needs_memory_too_unless_weights_are_given() -> None:
    Budget.parse("600MiB").check(Options(batch_size=1), calibrates=False)
    with pytest.raises(SpecificationError, match=r"at least \d+ MiB; the calibration on 32 pictures"):
        Budget.parse("600MiB").check(Options(batch_size=1), calibrates=True)


def test_memory_decides_how_many_batches_are_measured_at_a_time() -> None:
    options = Options()
    one = memory.unit_bytes(options)
    assert [Budget(memory.CLIENT + count * one).processes(options, 8) for count in (1, 3, 20)] == [1, 3, 8]
    assert Budget().processes(options, 8) == 8


PEAK = """
import sys
from pathlib import Path
import equinorm
from equinorm.experiment import memory
from equinorm.experiment.options import Options
out, backend, crop, size, *pictures = sys.argv[1:]
equinorm.measure(pictures, backend=backend, crop=int(crop), batch_size=int(size), out=out)
print(memory.peak(), memory.unit_bytes(Options(backend, crop=int(crop), batch_size=int(size))))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is the kernel's count")
def test_the_estimate_of_the_memory_is_from_above_and_more_pictures_take_no_more(tmp_path: Path) -> None:
    def peak(count: int, crop: int, size: int, backend: str = "numpy") -> tuple[int, int]:
        few = [str(picture.path) for picture in find_pictures()[:count]]
        arguments = [str(tmp_path / f"{backend}-{count}-{crop}"), backend, str(crop), str(size), *few]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *arguments], env=environment(), capture_output=True, text=True, check=True
        )
        found, estimate = map(int, done.stdout.split())
        return found, estimate

    few, many, large = peak(2, CROP, 1), peak(8, CROP, 1), peak(2, 160, 2)
    assert many[0] - few[0] < 32 * 2**20
    compiled = [peak(2, 160, 2, "numba")] if importlib.util.find_spec("numba") else []
    for found, estimate in (few, many, large, *compiled):
        assert found < estimate < 4 * found


JOIN = """
import sys
from pathlib import Path
from equinorm.experiment import memory, table
from equinorm.experiment.summary import Tally
from equinorm.experiment.unit import Part
part = Part.decode(Path(sys.argv[1]).read_bytes())
before = memory.peak()
tally = Tally()
with table.table_writer(Path(sys.argv[2]), 10**7) as writer:
    for _ in range(int(sys.argv[3])):
        writer.add(part.rows)
        tally.add(part.rows)
tally.groups()
print(memory.peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is the kernel's count")
def test_parts_are_joined_without_holding_them_all(pictures: Path, tmp_path: Path) -> None:
    """Two hundred parts more, of 1 MB each when they are decoded."""

    class Stopped(Exception):
        pass

    def listen(_: object) -> None:
        if parts(tmp_path / "out"):
            raise Stopped

    with pytest.raises(Stopped):
        equinorm.measure([pictures], crop=CROP, batch_size=6, out=tmp_path / "out", progress=listen)
    (part,) = parts(tmp_path / "out")
    taken = []
    for count in (50, 250):
        folder = tmp_path / str(count)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", JOIN, str(part), str(folder), str(count)],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append(int(done.stdout))
        metadata = pa.parquet.read_metadata(folder / "results.parquet")
        assert metadata.num_rows == count * 6 * 20 * 11 * 2
    assert taken[1] - taken[0] < 32 * 2**20
