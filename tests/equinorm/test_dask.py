"""Dask distributed: the same bytes as without, also where a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import equinorm
from tests.command import run_command
from tests.equinorm.runs import CROP, arguments, contents, draw_pictures, measure_command, parts, undisturbed

REASON = "Dask distributed is not installed (extra dask)"
BATCHES = 9


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("dask") / "pictures", BATCHES)


@pytest.fixture(scope="module")
def expected(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return undisturbed(pictures, tmp_path_factory.mktemp("expected") / "out", batch_size=1)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[object]:
    """Two workers on the loopback device."""
    distributed = pytest.importorskip("distributed", reason=REASON)
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=0,
        local_directory=str(tmp_path / "scratch"),
        silence_logs=60,
    ) as found:
        yield found


def test_local_workers_give_the_same_bytes(pictures: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason=REASON)
    done = measure_command(pictures, tmp_path / "out", "--dask", "local:2", batch_size=1)
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stderr.splitlines() if not line.startswith("measuring")] == [
        "peak memory of one process"
    ]
    assert contents(tmp_path / "out") == expected


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.filterwarnings("default")  # what a cluster says while it loses a worker is its own affair
def test_a_worker_killed_in_the_middle_costs_a_retry_and_no_result(
    cluster: object, pictures: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    import distributed

    out, killed = tmp_path / "out", []
    address = cluster.scheduler_address  # type: ignore[attr-defined]
    with distributed.Client(address, set_as_default=False) as client:
        before = client.run(os.getpid)
        assert len(before) == 2

        def kill() -> None:
            """One that has a shard, when another shard is done."""
            while not out.exists():
                busy = [address for address, tasks in client.processing().items() if tasks] if parts(out) else []
                if busy:
                    os.kill(before[busy[0]], signal.SIGKILL)
                    killed.append((len(parts(out)), before[busy[0]]))
                    return
                time.sleep(0.005)

        thread = threading.Thread(target=kill)
        thread.start()
        found = equinorm.measure([pictures], crop=CROP, batch_size=1, out=out, dask=address)
        thread.join()
        client.wait_for_workers(2, timeout=30)
        after = client.run(os.getpid)
    ((done, lost),) = killed
    assert 0 < done < BATCHES
    assert lost not in after.values()
    assert found.facts["rows"] == BATCHES * 20 * 11 * 2
    assert contents(out) == expected


def test_a_run_goes_on_with_dask_where_it_was_stopped_without(
    cluster: object, pictures: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    class Stopped(Exception):
        pass

    out, heard = tmp_path / "out", []

    def listen(_: object) -> None:
        if len(parts(out)) == 5:
            raise Stopped

    with pytest.raises(Stopped):
        equinorm.measure([pictures], crop=CROP, batch_size=1, out=out, progress=listen)
    address = cluster.scheduler_address  # type: ignore[attr-defined]
    equinorm.measure([pictures], crop=CROP, batch_size=1, out=out, dask=address, notice=heard.append)
    assert heard == [f"5 of {BATCHES} batches were done before"]
    assert contents(out) == expected


@pytest.mark.parametrize("name", ["local:0", "local:", "local:two", "tcp://127.0.0.1:1", "nonsense://x"])
def test_a_cluster_that_is_none_is_one_line(
    name: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason=REASON)
    monkeypatch.setattr("equinorm.experiment.cluster.PATIENCE", 1)
    with pytest.raises(equinorm.SpecificationError, match=f"dask={name}: expected local:N") as raised:
        equinorm.measure([pictures], crop=CROP, dask=name, out=tmp_path / "out")
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["local", "nonsense://x:1"])
def test_an_address_that_is_none_ends_the_command(name: str, pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason=REASON)
    done = measure_command(pictures, tmp_path / "out", "--dask", name)  # which gives up waiting after a while
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"dask={name}: expected local:N" in done.stderr


def test_without_the_extra_the_option_says_what_to_install(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "path" / "distributed").mkdir(parents=True)
    (tmp_path / "path" / "distributed" / "__init__.py").write_text("raise ImportError('no')\n")
    house = Path(equinorm.__file__).parent.parent
    paths = os.pathsep.join([str(tmp_path / "path"), str(house)])
    done = run_command(*arguments(pictures, tmp_path / "out", "--dask", "local:2"), PYTHONPATH=paths)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "pip install 'equinorm[dask]'" in done.stderr
    assert not (tmp_path / "out").exists()


def test_workers_and_dask_exclude_each_other(pictures: Path) -> None:
    with pytest.raises(equinorm.SpecificationError, match="workers=2"):
        equinorm.measure([pictures], crop=CROP, dask="local:2", workers=2)
