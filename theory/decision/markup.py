"""Formulas for the page: LaTeX and presentation MathML.

A variable is written as a letter with the rest of its name as an upright subscript: ``sH`` is s with subscript H
("H is a scaling axis"), ``s`` alone is the letter. A caller may give its own symbols.

References: W3C, MathML Core (2023), elements ``math``, ``mrow``, ``msub``, ``mi``, ``mo``.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from theory.decision.formulas import And, Formula, Literal, Truth

_LATEX_SPECIAL = {"_": r"\_", "∅": r"\varnothing"}


def _latex_name(name: str) -> str:
    head, tail = name[0], "".join(_LATEX_SPECIAL.get(character, character) for character in name[1:])
    return rf"{head}_{{\mathrm{{{tail}}}}}" if tail else head


def latex(formula: Formula, symbols: Mapping[str, str] | None = None) -> str:
    r"""Write a formula in LaTeX's mathematical mode, without the dollar signs; ``symbols`` maps names to LaTeX.

    >>> latex(Literal("sH", False))
    '\\lnot s_{\\mathrm{H}}'
    """
    if isinstance(formula, Truth):
        return rf"\text{{{formula.value}}}"
    if isinstance(formula, Literal):
        name = (symbols or {}).get(formula.name) or _latex_name(formula.name)
        return name if formula.positive else rf"\lnot {name}"
    pieces = [latex(part, symbols) for part in formula.parts]
    bracketed = [f"({piece})" if part.parts else piece for piece, part in zip(pieces, formula.parts, strict=True)]
    return (r" \land " if isinstance(formula, And) else r" \lor ").join(bracketed)


def _mathml_name(name: str) -> str:
    head, tail = f"<mi>{escape(name[0])}</mi>", escape(name[1:])
    return f'<msub>{head}<mi mathvariant="normal">{tail}</mi></msub>' if tail else head


def _mathml_row(formula: Formula, symbols: Mapping[str, str]) -> str:
    if isinstance(formula, Truth):
        return f"<mtext>{formula.value}</mtext>"
    if isinstance(formula, Literal):
        name = symbols.get(formula.name) or _mathml_name(formula.name)
        return name if formula.positive else f'<mrow><mo rspace="0">¬</mo>{name}</mrow>'
    pieces = []
    for part in formula.parts:
        inner = _mathml_row(part, symbols)
        if part.parts:
            inner = f'<mrow><mo stretchy="false">(</mo>{inner}<mo stretchy="false">)</mo></mrow>'
        pieces.append(inner)
    return f"<mrow>{('<mo>∧</mo>' if isinstance(formula, And) else '<mo>∨</mo>').join(pieces)}</mrow>"


def mathml(formula: Formula, symbols: Mapping[str, str] | None = None, display: bool = False) -> str:
    """Write a formula as one ``math`` element; ``symbols`` maps names to MathML, ``display`` sets it on its own line.

    >>> mathml(Literal("s"))
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>s</mi></math>'
    """
    mode = ' display="block"' if display else ""
    body = _mathml_row(formula, symbols or {})
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{mode}>{body}</math>'
