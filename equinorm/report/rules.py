"""The rules of the calculus as the report prints them: name, statement, and the relation that was derived.

The rules are those that the modules of ``theory.derivations`` export; the relation is what the calculus itself asks.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

import theory.derivations
from theory.calculus.conditions import relation
from theory.derivations.rule import Rule

_MENDED = {
    "<mo><</mo>": "<mo>&lt;</mo>",
    "<mo>></mo>": "<mo>&gt;</mo>",
    "<mo>-</mo>": "<mo>−</mo>",
    "<mo>max</mo>": '<mi>max</mi><mo rspace="0">⁡</mo>',
    "&InvisibleTimes;": "&#x2062;",
}
"""SymPy leaves < and > bare in an operator, writes a hyphen for minus, and names an entity that only a DTD knows."""


@dataclass(frozen=True)
class PrintedRule:
    """A rule: its record, and its relation as text, in LaTeX and in MathML.

    ``account`` tells how the relation follows from the definition: the caption of the file that derives it.
    """

    name: str
    statement: str
    account: str
    text: str
    latex: str
    mathml: str


def printed_rules() -> tuple[PrintedRule, ...]:
    """All rules, in the order of their files, each with its relation derived now.

    >>> [rule.text for rule in printed_rules() if rule.name == "closing"]
    ['2*L < N']
    """
    found = []
    for module in pkgutil.iter_modules(theory.derivations.__path__):
        namespace = importlib.import_module(f"{theory.derivations.__name__}.{module.name}")
        account = inspect.getdoc(namespace) or ""
        rules = [value for value in vars(namespace).values() if isinstance(value, Rule)]
        found += [_printed(rule, account) for rule in rules if _home(rule) == namespace.__name__]
    return tuple(found)


def _home(rule: Rule) -> str:
    """The module that derives a rule: one that merely imports it does not print it again."""
    return rule.derive.__module__


def _printed(rule: Rule, account: str) -> PrintedRule:
    from sympy import latex
    from sympy.printing.mathml import mathml

    derived = relation(rule)
    inner = str(mathml(derived, printer="presentation"))
    for printed, wanted in _MENDED.items():
        inner = inner.replace(printed, wanted)
    marked = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inner}</math>'
    return PrintedRule(rule.name, rule.statement, account, str(derived), str(latex(derived)), marked)
