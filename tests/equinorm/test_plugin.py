"""The pytest plugin: a fixture for those who ask, and nothing for those who do not."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import equinorm_pytest
from equinorm_pytest import assert_equivariant  # noqa: F401  the fixture, as the plugin would give it
from tests.command import HOUSE, environment

ENTRY_POINTS = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which the distribution's entry points stand as an installation would write them."""
    metadata = tmp_path / "site" / "equinorm-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: equinorm\nVersion: 0\n")
    points = [f"{name} = {module}" for name, module in ENTRY_POINTS["pytest11"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[pytest11]", *points, ""]))
    return metadata.parent


def run_tests(folder: Path, text: str, *options: str, path: tuple[Path, ...]) -> subprocess.CompletedProcess[str]:
    """Run pytest on a test file of this text; warnings are errors."""
    file = folder / "test_given.py"
    file.write_text(text)
    command = [sys.executable, "-P", "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    variables = environment(PYTHONPATH=os.pathsep.join(map(str, path)))
    return subprocess.run(
        [*command, *options, f"--rootdir={folder}", str(file)],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


ASKS_NOTHING = """
import sys

def test_nothing_is_loaded():
    heavy = {"numpy", "torch", "hypothesis", "scipy", "array_api_compat", "equinorm", "numerics", "theory"}
    assert not heavy & set(sys.modules)
    assert "equinorm_pytest" in sys.modules
"""

ASKS = """
import numpy as np

def test_sound(assert_equivariant):
    assert_equivariant(lambda x: x - x.mean(axis=1, keepdims=True))

def test_unsound(assert_equivariant):
    assert_equivariant(lambda x: np.maximum(x, 0))
"""


def test_the_entry_point_is_named_like_its_module() -> None:
    assert ENTRY_POINTS["pytest11"] == {equinorm_pytest.__name__: equinorm_pytest.__name__}


def test_no_hook_and_no_option() -> None:
    assert [name for name in dir(equinorm_pytest) if name.startswith("pytest_")] == []


def test_who_does_not_ask_pays_nothing(tmp_path: Path, installed: Path) -> None:
    done = run_tests(tmp_path, ASKS_NOTHING, path=(installed, HOUSE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    alone = run_tests(
        tmp_path, "def test_nothing_is_loaded(): pass", "-p", "no:equinorm_pytest", path=(installed, HOUSE)
    )
    assert done.stdout.splitlines()[0] == alone.stdout.splitlines()[0]
    assert len(done.stdout.splitlines()) == len(alone.stdout.splitlines())


def test_importing_the_plugin_imports_one_module() -> None:
    script = (
        "import sys, pytest, collections.abc; before = set(sys.modules); import equinorm_pytest;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "['equinorm_pytest']\n"


@pytest.mark.parametrize("options", [(), ("-p", "equinorm_pytest")])
def test_who_asks_gets_the_fixture(tmp_path: Path, installed: Path, options: tuple[str, ...]) -> None:
    done = run_tests(tmp_path, ASKS, *options, path=(installed, HOUSE))
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "test_unsound.<locals>.<lambda> is not equivariant under translations" in done.stdout
    assert "minimal example" in done.stdout
    assert "equinorm/testing/assertion.py" not in done.stdout  # the traceback ends in the test


def test_without_an_installation_it_can_be_named(tmp_path: Path) -> None:
    done = run_tests(tmp_path, ASKS, "-p", "equinorm_pytest", path=(HOUSE,))
    assert "1 failed, 1 passed" in done.stdout


def test_in_a_conftest_it_is_not_loaded_twice(tmp_path: Path, installed: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["equinorm_pytest"]\n')
    done = run_tests(tmp_path, ASKS, path=(installed, HOUSE))
    assert "1 failed, 1 passed" in done.stdout


def test_it_can_be_left_out(tmp_path: Path, installed: Path) -> None:
    done = run_tests(tmp_path, ASKS, "-p", "no:equinorm_pytest", path=(installed, HOUSE))
    assert "fixture 'assert_equivariant' not found" in done.stdout


def test_a_stranger_in_a_room_disturbs_only_those_who_ask(tmp_path: Path, installed: Path) -> None:
    """Projects with a package called ``numerics`` of their own can still run their tests."""
    room = tmp_path / "stranger" / "numerics"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text("")
    path = (room.parent, installed, HOUSE)
    done = run_tests(tmp_path, ASKS_NOTHING, path=path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run_tests(tmp_path, ASKS, path=path)
    assert "2 errors" in done.stdout
    assert "stands in the place of equinorm's own" in done.stdout


def test_the_fixture_works_here(request: pytest.FixtureRequest) -> None:
    from equinorm import testing

    assert request.getfixturevalue("assert_equivariant") is testing.assert_equivariant
