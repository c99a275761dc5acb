"""The settings of the suite do what they promise: profiles, and torch that may be required."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import HOUSE, run_python

SKIPPED = {
    "test_inside": "import pytest\ndef test_it(): pytest.importorskip('torch_of_nobody', reason='no torch here')",
    "test_marker": "import pytest\n@pytest.mark.skip(reason='needs torch')\ndef test_it(): pass",
    "test_module": "import pytest\npytest.importorskip('torch_of_nobody', reason='no torch here')",
    "test_other": "import pytest\n@pytest.mark.skip(reason='no terminal')\ndef test_it(): pass",
}


def outcome(folder: Path, tests: dict[str, str], *options: str, **changes: str) -> tuple[int, str]:
    """Exit status and output of pytest on the modules ``tests`` under the suite's conftest."""
    (folder / "conftest.py").write_bytes((HOUSE / "tests" / "conftest.py").read_bytes())
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, text in tests.items():
        (folder / f"{name}.py").write_text(text)
    options = ("-q", "-ra", "-p", "no:cacheprovider", "--continue-on-collection-errors", *options)
    done = run_python("-m", "pytest", *options, str(folder), **changes)
    return done.returncode, done.stdout


@pytest.mark.parametrize("required", ["", "0"])
def test_a_comparison_may_be_skipped(tmp_path: Path, required: str) -> None:
    status, text = outcome(tmp_path, SKIPPED, EQUINORM_REQUIRE_TORCH=required)
    assert status == 0
    assert text.splitlines()[-1].startswith("4 skipped")


def test_a_required_comparison_cannot_be_skipped(tmp_path: Path) -> None:
    status, text = outcome(tmp_path, SKIPPED, EQUINORM_REQUIRE_TORCH="1")
    assert status == 1
    assert text.splitlines()[-1].startswith(
        "1 failed, 1 skipped, 2 errors"
    )  # a setup or a module that fails is an error
    assert text.count("EQUINORM_REQUIRE_TORCH is set") >= 3
    assert "no terminal" in text


@pytest.mark.parametrize(
    ("options", "profile", "count"),
    [((), "", 50), ((), "thorough", 20_000), (("--hypothesis-profile=thorough",), "", 20_000)],
)
def test_profiles(tmp_path: Path, options: tuple[str, ...], profile: str, count: int) -> None:
    changes = {"EQUINORM_PROFILE": profile} if profile else {"EQUINORM_PROFILE": "fast"}
    test = f"""\
from hypothesis import settings
def test_it():
    assert settings().max_examples == {count}
    assert settings().derandomize and settings().deadline is None and settings().database is None
"""
    status, text = outcome(tmp_path, {"test_it": test}, *options, **changes)
    assert (status, "1 passed" in text) == (0, True), text
