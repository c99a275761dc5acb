"""The command ``equinorm audit``: its answers, its files, weights from files, and bad input in one line."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equinorm.cli.main import main
from equinorm.networks.given import given_images
from equinorm.networks.loading import limited
from tests.command import eventually, run_command
from theory.spec.errors import SpecificationError

torch = pytest.importorskip("torch", reason="torch is not installed: the audit looks at its networks")
networks = pytest.importorskip("tests.equinorm.networks")

HERE = "tests.equinorm.networks"
SMALL = ("--size", "15", "--batch", "2")

NETS = """
import itertools
import os
import sys
import time
import torch
from torch import nn

def identity(): return nn.Identity()
def needs(x): return nn.Identity()
def nothing(): return 3
def fails(): raise RuntimeError("no\\nnetwork")
def leaves(): raise SystemExit(0)
def sleeps(): time.sleep(60)
class Bad(nn.Module):
    def forward(self, x): raise KeyError("channel")
class NaN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.root = nn.Identity(), nn.Identity()
        self.last = nn.Sequential(nn.Identity())
    def forward(self, x): return self.last(self.root(torch.sqrt(self.first(x))))
class Keeps(nn.Module):
    calls = 0
    def forward(self, x):
        self.calls += 1
        return x * self.calls
class Words(nn.Module):
    def forward(self, x): return "x"
class Forever(nn.Module):
    def forward(self, x):
        while True:
            x = x + 1
class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.layer = function, nn.Identity()
    def forward(self, x): return self.function(self.layer(x))
def exits(): os._exit(9)
def exits_well(): os._exit(0)
def exits_later(): return Calls(lambda x: os._exit(0))
def leaves_later(): return Calls(lambda x: sys.exit(5))
def hangs(): return Calls(lambda x: sum(itertools.repeat(0)))
def interrupts(): raise KeyboardInterrupt
def forks():
    def function(x):
        if os.fork() == 0:
            with open("forked", "a") as file: print(os.getpid(), file=file)
            time.sleep(60)
            os._exit(0)
        return x
    return Calls(function)
def returns_twice():
    left = [1]
    return Calls(lambda x: (left and left.pop() and os.fork(), x)[1])
def meta(): return nn.Sequential(nn.Conv2d(3, 4, 1, device="meta"))
def scripted(): return nn.Sequential(nn.Identity(), torch.jit.script(nn.ReLU()))
dropout = nn.Sequential(nn.Identity(), nn.Dropout(0.5))
linear = nn.Linear(10, 2)
number = 3
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of networks, which is the current one."""
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    monkeypatch.chdir(tmp_path)
    for name in ("nets", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nets", "module:factory"),
        ("nets:", "module:factory"),
        ("nets:identity()", "module:factory"),
        ("no_such_module:net", "No module named 'no_such_module'"),
        ("broken:net", "No module named 'no_such_module'"),
        ("nets:no_such_name", "no_such_name in nets"),
        ("nets:number", "it is int"),
        ("nets:nothing", "a torch.nn.Module; it gives int"),
        ("nets:needs", "without arguments"),
        ("nets:fails", "RuntimeError: no network"),
        ("nets:leaves", "SystemExit: 0"),
        ("nets:sleeps", "within 1 seconds"),
        ("nets:Bad", "KeyError: 'channel'"),
        ("nets:NaN", "NaN or infinite first after root"),
        ("nets:Keeps", "random or keeps state"),
        ("nets:dropout", "random or keeps state, first in 1; is it in training mode"),
        ("nets:Words", "a network that returns tensors"),
        ("nets:Forever", "within 1 seconds"),
        ("nets:linear", "images of shape 2x3x15x15"),
        ("nets:leaves_later", "SystemExit: 5"),
        ("nets:meta", "0.weight is on the device meta"),
        ("nets:scripted", "1 is TorchScript"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_a_bad_network_is_one_line(model: str, said: str, nets: Path) -> None:
    from equinorm.auditing import audit

    images = np.random.default_rng(0).standard_normal((2, 3, 15, 15))
    with pytest.raises(SpecificationError, match=re.escape(said)) as caught:
        audit(model, images=images, timeout=1, csv="rows.csv")
    assert str(caught.value).startswith("model=")
    assert "\n" not in str(caught.value)
    assert not (nets / "rows.csv").exists()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nets", "module:factory"),
        ("nets:fails", "RuntimeError: no network"),
        ("nets:exits", "it ends its process with status 9"),
        ("nets:exits_well", "it ends its process with status 0"),
        ("nets:exits_later", "it ends its process with status 0"),
        ("nets:interrupts", "it raises KeyboardInterrupt"),
        ("nets:hangs", "an answer within 1 seconds; give it more by --timeout"),
    ],
)
def test_whatever_the_network_does_to_its_process_is_one_line(
    model: str, said: str, nets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["audit", "--model", model, *SMALL, "--timeout", "1", "--csv", "rows.csv", "--json"])
    captured = capsys.readouterr()
    assert (status, captured.out) == (2, "")
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("equinorm: error: model=")
    assert said in captured.err
    assert not (nets / "rows.csv").exists()


def test_what_the_network_has_started_ends_with_it(nets: Path) -> None:
    assert main(["audit", "--model", "nets:forks", *SMALL, "--action", "shift"]) == 0
    started = [int(line) for line in (nets / "forked").read_text().split()]
    assert started
    # A killed process takes a moment to end; left alone, these would live a minute.
    assert eventually(lambda: not any(Path(f"/proc/{number}/exe").exists() for number in started), 20)


def test_a_copy_of_the_process_says_nothing(nets: Path) -> None:
    done = run_command("audit", "--model", "nets:returns_twice", *SMALL, "--action", "shift", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["equivariant"] == {"shift": True}
    assert done.stderr == ""  # no progress where there is no terminal


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--size", "0"), "size=0"),
        (("--size", "257"), "size=257: expected a number of pixels from 1 to 256, the shorter side to which"),
        (("--seed", "-1"), "seed=-1: expected a whole number from 0 to 18446744073709551615"),
        (("--timeout", "inf"), "timeout=inf"),
        (("--csv", "same", "--html", "./same"), "csv=same and html=same: expected two files"),
        (("--images", "none.npy"), "images=none.npy"),
        (("--images", "a.npy", "--images", "b.png"), "images=a.npy and 1 more"),
        (("--size", "300"), "size=300"),
        (("--batch", "0"), "batch=0"),
        (("--action", "turn"), "action=turn"),
        (("--nyquist", "one-sided"), "nyquist=one-sided"),
        (("--device", "tpu"), "device=tpu"),
        (("--timeout", "0"), "timeout=0"),
        (("--images", "none.png"), "images=none.png"),
        (("--weights", "none.pt"), "weights=none.pt"),
        (("--weights", "none.bin"), "weights=none.bin"),
        (("--html", "."), "html=."),
    ],
)
def test_bad_options_are_one_line(
    arguments: tuple[str, ...], said: str, nets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["audit", "--model", "nets:identity", *SMALL, *arguments])
    captured = capsys.readouterr()
    assert (status, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert captured.err.startswith(f"equinorm: error: {said}")


def test_answers_and_files(tmp_path: Path) -> None:
    rows, page = tmp_path / "new" / "rows.csv", tmp_path / "page.html"
    done = run_command(
        "audit", "--model", f"{HERE}:sound", *SMALL, "--json", "--csv", str(rows), "--html", str(page), "--seed", "5"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["first"] == {"shift": None, "translation": None, "any": None}
    assert [layer["kind"] for layer in found["layers"]] == ["convolution", "normalization"] * 2 + ["convolution"]
    assert found["layers"][1]["translation"]["verdict"] == "equivariant"
    assert (found["seed"], found["batch"], found["shape"]) == (5, 2, [3, 15, 15])
    with rows.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    lines = [*found["layers"], found["network"]]
    assert [row["layer"] for row in table] == [layer["layer"] for layer in lines]
    for row, layer in zip(table, lines, strict=True):
        for kind in ("shift", "translation"):
            for number in ("own", "bound", "input", "output", "difference"):
                assert float(row[f"{kind}_{number}"]) == layer[kind][number]
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert text.count("<tr") == 2 * (1 + len(table))


def test_a_fault_is_status_1_and_named_last(nets: Path) -> None:
    (nets / "faulty.py").write_text(
        "from torch import nn\n"
        "def net():\n"
        "    print('made')\n"
        "    first = nn.Conv2d(3, 2, 3, padding=1, padding_mode='circular')\n"
        "    return nn.Sequential(first, nn.Conv2d(2, 2, 3, padding=1))\n"
    )
    done = run_command("audit", "--model", "faulty:net", *SMALL, "--action", "shift")
    assert done.returncode == 1, done.stderr
    assert "made" in done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("shifts: the first layer whose own defect exceeds rounding is 1, conv[3, padding=zeros]: ")
    assert "translations" not in done.stdout


@pytest.mark.parametrize("suffix", ["pt", "safetensors", "npz"])
def test_weights_come_from_files(suffix: str, nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from equinorm.auditing import audit

    monkeypatch.delitem(sys.modules, "small", raising=False)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2)).eval()
    (nets / "small.py").write_text(
        "from torch import nn\ndef net(): return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)).eval()\n"
    )
    state = {name: torch.full_like(value, 1) for name, value in network.state_dict().items()}
    state["0.bias"] += 0.5

    def saved(tensors: dict[str, torch.Tensor]) -> str:
        path = nets / f"weights.{suffix}"
        if suffix == "pt":
            torch.save(tensors, path)
        elif suffix == "npz":
            np.savez(path, **{name: value.numpy() for name, value in tensors.items()})
        else:
            pytest.importorskip("safetensors.torch").save_file(tensors, path)
        return str(path)

    def run(tensors: dict[str, torch.Tensor]) -> dict[str, object]:
        images = np.random.default_rng(0).standard_normal((1, 3, 9, 9))
        return audit("small:net", weights=saved(tensors), images=images, action="shift").document()

    assert len(str(run(state)["weights_sha256"])) == 64
    assert run({f"module.{name}": value for name, value in state.items()})["equivariant"] == {"shift": True}
    cases = {
        "0.bias is missing": {name: value for name, value in state.items() if name != "0.bias"},
        "extra is not of this network": {**state, "extra": torch.ones(1)},
        "0.bias of shape (2,)": {**state, "0.bias": torch.ones(3)},
        "finite numbers in 0.bias": {**state, "0.bias": torch.full((2,), float("nan"))},
    }
    for said, tensors in cases.items():
        with pytest.raises(SpecificationError, match=re.escape(said)) as caught:
            run(tensors)
        assert "\n" not in str(caught.value)


def test_weights_that_would_run_code_do_not(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (Path(nets / "ran"),)

    torch.save({"weight": Payload()}, nets / "evil.pt")
    assert main(["audit", "--model", "nets:identity", *SMALL, "--weights", str(nets / "evil.pt")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (nets / "ran").exists()


def test_loaded_weights_are_those_that_are_measured(nets: Path) -> None:
    from equinorm.auditing import audit

    network = networks.sound()
    network[3] = torch.nn.GroupNorm(1, 6)
    torch.save({**network.state_dict(), "3.weight": torch.zeros(6), "3.bias": torch.zeros(6)}, nets / "zero.pt")
    found = audit(network, weights=nets / "zero.pt", images=np.random.default_rng(0).standard_normal((2, 3, 15, 15)))
    assert found.rows[3].own[found.kinds[1]].error == 0
    assert torch.all(network[3].weight == 1)  # of the network itself nothing was changed


def test_pictures_are_read_as_elsewhere(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(nets / f"{number}.png")
    status = main(["audit", "--model", "nets:identity", *SMALL, "--json", "--images", "2.png", "--images", "0.png"])
    assert status == 0
    assert json.loads(capsys.readouterr().out)["images"] == ["0.png", "2.png"]


def test_what_was_asked_for_and_not_found_is_said(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(nets / f"{number}.png")
    (nets / "a.png").write_text("no picture")
    assert main(["audit", "--model", "nets:identity", "--size", "15", "--batch", "3", "--images", "."]) == 0
    said = capsys.readouterr().out
    assert "asked for 3 pictures, found 2\n" in said
    assert "skipped a.png: no picture in a format that is read\n" in said
    assert "the shorter side resized to 256 pixels" in said
    # One that cannot be used takes the place of no other.
    given = given_images([nets / "a.png", nets / "0.png"], 15, 1)
    assert (len(given.values), given.names) == (1, (str(nets / "0.png"),))


def test_images_come_from_files_of_arrays(nets: Path) -> None:
    values = np.random.default_rng(0).standard_normal((2, 5, 9, 300))
    np.save(nets / "x.npy", values)
    np.savez(nets / "x.npz", values)
    for name in ("x.npy", "x.npz"):
        given = given_images([nets / name], 224, 4)
        assert np.array_equal(given.values, values)
        assert given.names == (str(nets / name),)
    np.save(nets / "bad.npy", np.full((1, 3, 4, 4), np.nan))
    with pytest.raises(SpecificationError, match=r"images=bad\.npy of shape"):
        given_images("bad.npy", 224, 4)


def test_without_torch_it_says_what_to_install(nets: Path) -> None:
    (nets / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')\n")
    done = run_command("audit", "--model", "nets:identity", *SMALL, PYTHONPATH=f"{nets}:{networks.__file__[:-27]}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "pip install 'equinorm[torch]'" in done.stderr


def test_a_limit_leaves_no_alarm_behind() -> None:
    import time

    with pytest.raises(SpecificationError, match=r"within 0\.05 seconds"), limited(0.05, "model=m"):
        time.sleep(5)
    with limited(0.05, "model=m"):
        pass
    time.sleep(0.1)


def test_a_page_has_every_identifier_once() -> None:
    from equinorm.auditing import audit

    text = audit(networks.sound(), images=np.random.default_rng(0).standard_normal((1, 3, 15, 15))).html()
    found = re.findall(r'id="([^"]*)"', text)
    assert len(found) == len(set(found)) >= 5
