"""How a target is named: ``module:function``, or ``torch:module.Class(arguments)``.

The arguments are Python literals, read one by one with ``ast.literal_eval``; nothing else of the text is evaluated.
Without parentheses ``torch:nn.functional.relu`` is what it looks like, a function of the module ``torch``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from theory.spec.errors import SpecificationError, refuse

LONGEST = 1000

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class Spelling:
    """What a target's text names; ``arguments`` are pairs of a keyword (or None) and a literal's source.

    ``module`` is None where the path alone tells, part by part, what is a module and what an attribute of one; then
    ``arguments`` is what the class at its end is called with, else None.
    """

    text: str
    module: str | None
    path: str
    arguments: tuple[tuple[str | None, str], ...] | None = None


def parse_target(text: str) -> Spelling:
    """Read a target's name; nothing is imported.

    Raises:
        SpecificationError: no such spelling, or an argument that is no literal.

    >>> parse_target("torch:torch.nn.GroupNorm(1, 8, eps=1e-3)").arguments
    ((None, '1'), (None, '8'), ('eps', '0.001'))
    """
    module, colon, path = (part.strip() for part in text.partition(":"))
    if len(text) > LONGEST or not colon or not module or not path:
        raise _misspelled(text)
    if "(" in path:
        if module != "torch":
            raise refuse(f"target={text}", "module:function", "only torch:module.Class(arguments) takes arguments")
        return _with_arguments(text, path)
    if module.endswith(".py") or not _DOTTED.fullmatch(module) or not _DOTTED.fullmatch(path):
        raise _misspelled(text)
    return Spelling(text, module, path)


def _misspelled(text: str) -> SpecificationError:
    return refuse(f"target={text[:LONGEST]}", "module:function or torch:module.Class(arguments)", _hint(text))


def _hint(text: str) -> str:
    """What may have been meant by a spelling that is none; empty where that is not plain."""
    module, _, path = text.partition(":")
    if path.count("(") > path.count(")"):
        return "a closing parenthesis is missing"
    folder, _, file = module.rpartition("/")
    name = file.removesuffix(".py")
    if name != module and _DOTTED.fullmatch(name) and _DOTTED.fullmatch(path):
        within = f", from within {folder}" if folder not in ("", ".") else ""
        return f"a module is named without folders and .py: {name}:{path}{within}"
    return ""


def _with_arguments(text: str, path: str) -> Spelling:
    try:
        call = ast.parse(path, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _misspelled(text) from None
    if not isinstance(call, ast.Call):
        raise _misspelled(text)
    name = ast.unparse(call.func)
    if not _DOTTED.fullmatch(name) or "." not in name:
        raise _misspelled(text)
    given = [(None, node) for node in call.args] + [(keyword.arg, keyword.value) for keyword in call.keywords]
    arguments = []
    for place, (keyword, node) in enumerate(given):
        source = ast.unparse(node)
        if not _is_literal(source) or (place >= len(call.args) and keyword is None):
            raise refuse(f"target={text}", "Python literals as arguments", f"{source} is none")
        arguments.append((keyword, source))
    return Spelling(text, None, name, tuple(arguments))


def _is_literal(source: str) -> bool:
    try:
        ast.literal_eval(source)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
