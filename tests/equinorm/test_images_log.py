"""What ``equinorm measure`` tells while it works: the rate, silence on demand, and the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from PIL import Image

from equinorm.cli.log import INTERVAL, Log, logging_to
from equinorm.cli.main import main
from equinorm.cli.progress import Printer, describe
from equinorm.progress import Progress, State
from tests.equinorm.test_images import noise
from theory.spec.errors import SpecificationError


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(3):
        Image.fromarray(noise(40, 40, seed=index)).save(folder / f"{index}.png")
    (folder / "1.png").write_text("no picture")
    return folder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def command(pictures, tmp_path, *more):
    return main(["measure", "--images", str(pictures), "--crop", "32", "--out", str(tmp_path / "out"), *more])


def test_the_log_tells_what_happened_and_the_results_know_no_time(pictures, tmp_path, capsys):
    log = tmp_path / "log.jsonl"
    assert command(pictures, tmp_path, "--quiet", "--log", str(log)) == 0
    assert capsys.readouterr().err == ""
    found = lines(log)
    assert found[0]["event"] == "start"
    assert found[0]["options"]["crop"] == 32
    assert found[0]["options"]["images"] == [str(pictures)]
    (skipped,) = [line for line in found if line["event"] == "skipped"]
    assert (skipped["name"], skipped["reason"]) == (str(pictures / "1.png"), "no picture in a format that is read")
    end = found[-1]
    assert (end["event"], end["used"], end["skipped"], end["batches"]) == ("end", 2, 1, 1)
    assert end["rows"] == 2 * 20 * 11 * 2
    assert end["peak_memory"] > 10**7
    progress = [line for line in found if line["event"] == "progress"]
    assert progress[-1]["share"] == 1
    assert progress[-1]["of"] == "pictures"
    assert progress[-1]["rate"] > 0
    elapsed = [line["elapsed"] for line in found]
    assert elapsed == sorted(elapsed)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(end["time"])).total_seconds()) < 600
    for file in (tmp_path / "out").iterdir():
        assert end["time"][:10].encode() not in file.read_bytes()
    # A second run goes on in the same file.
    assert command(pictures, tmp_path, "--log", str(log)) == 0
    assert [line["event"] for line in lines(log)].count("start") == 2


@pytest.mark.parametrize("name", ["run.log", "below/run.log", "picture"])
def test_a_log_among_the_pictures_is_refused_before_it_is_written(pictures, tmp_path, capsys, name):
    (pictures / "below").mkdir(exist_ok=True)
    log = sorted(pictures.glob("*.png"))[0] if name == "picture" else pictures / name
    before = {path: path.read_bytes() for path in pictures.rglob("*.*")}
    assert command(pictures, tmp_path, "--log", str(log)) == 2
    assert capsys.readouterr().err.startswith(f"equinorm: error: log={log}: expected a file that is not among the")
    assert {path: path.read_bytes() for path in pictures.rglob("*.*")} == before


def test_errors_and_interruptions_are_logged(pictures, tmp_path, capsys, monkeypatch):
    log = tmp_path / "log.jsonl"
    assert command(pictures, tmp_path, "--weights", "missing.pth", "--log", str(log)) == 2
    assert lines(log)[-1]["event"] == "error"
    assert "missing.pth" in lines(log)[-1]["message"]
    with pytest.raises(KeyboardInterrupt), logging_to(log):
        raise KeyboardInterrupt
    assert lines(log)[-1]["event"] == "interrupted"
    capsys.readouterr()


@pytest.mark.parametrize("path", ["/dev/full", "missing/folder/log", "."])
def test_a_log_that_cannot_be_written_is_refused_before_any_work(pictures, tmp_path, capsys, path):
    assert command(pictures, tmp_path, "--log", path) == 2
    printed, errors = capsys.readouterr()
    assert (printed, errors.count("\n")) == ("", 1)
    assert f"log={path}" in errors
    assert not (tmp_path / "out").exists()
    with pytest.raises(SpecificationError), logging_to(tmp_path):
        pass


def test_a_log_that_ends_in_the_middle_ends_nothing_else(capsys):
    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

    log = Log(Full())
    log.event("notice", message="one")
    log.event("notice", message="two")
    assert capsys.readouterr().err == "the log ends here: No space left on device\n"


def test_progress_is_logged_now_and_then(tmp_path):
    path = tmp_path / "log"
    with logging_to(path) as log:
        for step in range(40):
            log(State("measuring", step / 40, step * INTERVAL / 4, 80, "pictures"))
        log(State("measuring", 1.0, 10 * INTERVAL, 80, "pictures"))
    found = [line for line in lines(path) if line["event"] == "progress"]
    assert len(found) == 11
    assert found[0]["rate"] is None
    assert {line["rate"] for line in found[1:]} == {8.0}
    assert [line["left"] for line in found[1:3]] == [9.0, 8.0]


def test_the_rate_counts_things_weighed_by_their_work():
    heard = []
    progress = Progress("measuring", 8, heard.append, count=4, noun="pictures")
    progress.start -= 10
    progress.step(2)
    assert heard[0].rate == pytest.approx(0.1, rel=0.01)
    assert describe(State("measuring", 0.5, 10.0, 30, "pictures")) == "measuring: 50 %, 1.5 pictures/s, 10 s left"
    assert State("measuring", 0.5, 10.0).rate is None
    assert State("measuring", 0.0, 10.0, 30, "pictures").rate is None


def test_quiet_prints_nothing(capsys):
    printer = Printer(quiet=True)
    printer(State("measuring", 1.0, 10.0))
    printer.close()
    assert capsys.readouterr() == ("", "")
