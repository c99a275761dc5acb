"""The house stands as drawn: which room loads what, whose packages they are, and what a wheel holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from pathlib import Path

import pytest

import equinorm
from equinorm.rooms import ROOMS
from tests.command import HOUSE, environment, run_python

PACKAGES = ("equinorm", *ROOMS)


def modules(package: str) -> list[str]:
    """Dotted names of all modules of ``package``, found as files."""
    files = sorted((HOUSE / Path(*package.split("."))).rglob("*.py"))
    names = [".".join(file.relative_to(HOUSE).with_suffix("").parts) for file in files if file.stem != "__main__"]
    return [name.removesuffix(".__init__") for name in names]


def loaded_by(imports: Iterable[str]) -> set[str]:
    """Names of all modules outside the standard library that ``imports`` load in a fresh interpreter."""
    script = (
        "import importlib, json, sys; before = set(sys.modules)\n"
        f"for name in {list(imports)!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = run_python("-c", script)
    assert done.returncode == 0, done.stderr
    standard = sys.stdlib_module_names
    return {name for name in json.loads(done.stdout) if name.partition(".")[0] not in standard}


@pytest.mark.parametrize("caption", ["theory", "theory.spec", "numerics", "proofs"])
def test_a_caption_imports_nothing(caption: str) -> None:
    parts = caption.split(".")
    assert loaded_by([caption]) == {".".join(parts[: count + 1]) for count in range(len(parts))}


def test_importing_the_roof_loads_no_room_and_no_library() -> None:
    assert {name.partition(".")[0] for name in loaded_by(["equinorm"])} == {"equinorm"}


def test_specifications_need_the_standard_library_only() -> None:
    loaded = loaded_by(modules("theory.spec"))
    assert loaded == {"theory", *modules("theory.spec")}


def test_theory_loads_no_array_library() -> None:
    loaded = {name.partition(".")[0] for name in loaded_by(modules("theory"))}
    assert not loaded & {"array_api_compat", "cupy", "numpy", "scipy", "torch", "numerics", "proofs", "equinorm"}


def test_numerics_loads_specifications_but_no_calculus() -> None:
    loaded = loaded_by(modules("numerics"))
    assert not {name.partition(".")[0] for name in loaded} & {"cupy", "mpmath", "sympy", "torch", "proofs", "equinorm"}
    assert {name for name in loaded if name.partition(".")[0] == "theory"} <= {"theory", *modules("theory.spec")}


def test_the_contracts_name_every_part_of_theory() -> None:
    """A part added to ``theory`` later must not escape the contracts that list its parts."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    parts = {f"theory.{init.parent.name}" for init in (HOUSE / "theory").glob("*/__init__.py")} - {"theory.spec"}
    named = [
        {module for module in contract["forbidden_modules"] if module.startswith("theory.")}
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract.get("source_modules") in (["numerics"], ["theory.spec"])
    ]
    assert [modules for modules in named if modules] == [parts, parts]


def test_every_room_stands_beside_the_roof() -> None:
    script = (
        f"import json; import {', '.join(PACKAGES)}; print(json.dumps([m.__file__ for m in ({', '.join(PACKAGES)})]))"
    )
    done = run_python("-c", script)
    assert done.returncode == 0, done.stderr
    houses = {Path(file).resolve().parent.parent for file in json.loads(done.stdout)}
    assert houses == {HOUSE}


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("loaded", [False, True], ids=["to be imported", "imported before"])
def test_a_stranger_in_a_room_is_named(tmp_path: Path, room: str, loaded: bool) -> None:
    stranger = tmp_path / room / "__init__.py"
    stranger.parent.mkdir()
    stranger.write_text("")
    script = f"import {room}, equinorm" if loaded else "import equinorm"
    done = run_python("-P", "-c", script, PYTHONPATH=os.pathsep.join([str(tmp_path), str(HOUSE)]))
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"ImportError: the package {room} at {stranger.parent} stands in the place of equinorm's own"
    )
    assert str(HOUSE / room) in last


@pytest.mark.parametrize("room", ROOMS)
def test_a_missing_room_is_named(tmp_path: Path, room: str) -> None:
    for other in set(ROOMS) - {room}:
        (tmp_path / other).mkdir()
        (tmp_path / other / "__init__.py").write_text("")
    (tmp_path / "equinorm").mkdir()
    for name in ("__init__.py", "rooms.py"):
        (tmp_path / "equinorm" / name).write_bytes((HOUSE / "equinorm" / name).read_bytes())
    done = run_python("-P", "-S", "-c", "import equinorm", PYTHONPATH=str(tmp_path))  # -S: nor in site-packages
    assert done.returncode == 1
    expected = f"ImportError: equinorm needs the package {room} at {tmp_path / room}; install equinorm again"
    assert done.stderr.splitlines()[-1] == expected


def test_a_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling, of the extra 'test', builds the wheel")
    source = tmp_path / "source"
    for package in PACKAGES:
        shutil.copytree(HOUSE / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "equinorm_pytest.py"):
        shutil.copy(HOUSE / name, source)
    built = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], source)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")

    # The clean environment has pip and this wheel; the libraries come from the interpreter that runs the tests.
    place = tmp_path / "clean"
    venv.create(place, with_pip=True, symlinks=os.name == "posix")
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / "python")
    installed = run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)], tmp_path)
    assert installed.returncode == 0, installed.stderr
    found = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path)
    site = Path(found.stdout.strip())
    for package in PACKAGES:
        expected = contents(source / package)
        assert "py.typed" in expected
        assert contents(site / package) == expected
    assert (site / "equinorm_pytest.py").read_bytes() == (HOUSE / "equinorm_pytest.py").read_bytes()
    assert not (site / "tests").exists()

    libraries = "\n".join(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    (site / "libraries.pth").write_text(libraries)
    command = run([str(scripts / "equinorm"), "--version"], tmp_path)
    assert (command.returncode, command.stdout, command.stderr) == (0, f"equinorm {equinorm.__version__}\n", "")


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a package, templates and data included, and what they hold; no byte code."""
    files = [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in ``folder`` without these sources on its path."""
    variables = {name: value for name, value in environment().items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False)
