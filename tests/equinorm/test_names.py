"""The names that ``import equinorm`` offers: complete, lazy, and hidden by no module."""

from __future__ import annotations

import ast
import importlib

import pytest

import equinorm
from tests.command import HOUSE, run_python

NAMES = [name for name in equinorm.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_what_its_home_defines(name: str) -> None:
    home = importlib.import_module(equinorm._HOME[name])
    assert getattr(equinorm, name) is getattr(home, name)
    assert name in dir(equinorm)


def test_type_checkers_see_the_same_names_from_the_same_homes() -> None:
    tree = ast.parse((HOUSE / "equinorm" / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {
        alias.name: line.module for line in checked.body if isinstance(line, ast.ImportFrom) for alias in line.names
    }
    assert seen == equinorm._HOME
    assert sorted(seen) == sorted(NAMES)


def test_no_module_hides_a_name() -> None:
    modules = {path.stem for path in (HOUSE / "equinorm").iterdir()}
    assert not modules & {*NAMES, "decide", "derive", "measure", "paper"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(equinorm, "unheard_of")
    done = run_python("-c", "from equinorm import unheard_of")
    assert done.stderr.splitlines()[-1].startswith("ImportError: cannot import name 'unheard_of' from 'equinorm'")
