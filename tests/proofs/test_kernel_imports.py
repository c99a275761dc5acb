"""The kernel stands alone: it loads the standard library and itself, and runs where nothing else is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import HOUSE

KERNEL = HOUSE / "proofs" / "kernel"
MODULES = sorted(
    ".".join(file.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__") for file in KERNEL.rglob("*.py")
)
LOOK = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()}))
"""


def run_bare(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Python without site-packages, environment variables and, unless it is in ``folder``, these sources."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-E", "-s", "-S", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder with the kernel and nothing else."""
    room = tmp_path / "proofs"
    shutil.copytree(KERNEL, room / "kernel", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOUSE / "proofs" / "__init__.py", room)
    return tmp_path


def test_the_kernel_loads_the_standard_library_and_itself() -> None:
    assert "proofs.kernel.__main__" in MODULES
    done = run_bare("-I", "-c", LOOK, str(HOUSE), *MODULES)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert set(MODULES) <= loaded.keys()
    strangers = {name for name in loaded if name.partition(".")[0] not in {*sys.stdlib_module_names, "__main__"}}
    assert strangers == {"proofs", *MODULES}
    # By name a module of these sources could pass for one of the standard library.
    inside = {name for name, file in loaded.items() if file and HOUSE in Path(file).resolve().parents}
    assert inside == {"proofs", *MODULES}


def test_the_kernel_runs_on_a_bare_python(alone: Path) -> None:
    (alone / "two.jsonl").write_text('{"schema": "equinorm certificate"}\n[\n')
    done = run_bare("-m", "proofs.kernel", "two.jsonl", folder=alone)
    assert (done.returncode, done.stderr) == (1, "")
    first, second, last = done.stdout.splitlines()
    assert first.startswith("two.jsonl:1: rejected: expected the keys schema version statement evidence")
    assert second.startswith("two.jsonl:2: rejected: no JSON: ")
    assert last == "accepted 0, rejected 2"


def test_the_kernel_names_a_file_that_it_cannot_read(alone: Path) -> None:
    done = run_bare("-m", "proofs.kernel", "missing.json", folder=alone)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "missing.json: No such file or directory\n")


def test_a_reason_is_one_line_that_can_be_printed(alone: Path) -> None:
    document = {"schema": "\u001b[31m\u2028\nred", "version": 1, "statement": {}, "evidence": {}}
    (alone / "red.json").write_text(json.dumps(document))
    done = run_bare("-m", "proofs.kernel", "red.json", folder=alone)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (1, "", 2)
    assert all(line.isprintable() and line.isascii() for line in done.stdout.splitlines())


def test_the_alarm_spares_the_next(alone: Path) -> None:
    (alone / "proofs" / "kernel" / "checking.py").write_text(
        "def verdict(text):\n    while text.startswith('slow'):\n        pass\n"
    )
    (alone / "two.jsonl").write_text("slow\nfast\n")
    script = "import sys\nfrom proofs.kernel import __main__ as kernel\nkernel.SECONDS = 0.2\n"
    done = run_bare("-c", script + "sys.exit(kernel.main(sys.argv[1:]))", "two.jsonl", folder=alone)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == ["two.jsonl:1: rejected: more than 0.2 seconds", "accepted 1, rejected 1"]


def test_a_fault_of_the_kernel_accepts_nothing_and_spares_the_next(alone: Path) -> None:
    (alone / "proofs" / "kernel" / "checking.py").write_text(
        "def verdict(text):\n    if text.startswith('bad'):\n        raise ZeroDivisionError('by zero')\n"
    )
    (alone / "two.jsonl").write_text("bad\ngood\n")
    done = run_bare("-m", "proofs.kernel", "two.jsonl", folder=alone)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "two.jsonl:1: rejected: the kernel failed: ZeroDivisionError: by zero",
        "accepted 1, rejected 1",
    ]
