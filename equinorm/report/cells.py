"""What stands in a cell of a table, and how it is spelled as plain text, in LaTeX and in HTML.

A cell is text, a number, an estimate (mean and standard error) or nothing. Numbers have three significant digits,
standard errors two: decimals from 0.01 to 1000, powers of ten outside, 0 only for an exact zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

NOTHING = "–"

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "—": "---",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "±": r"\ensuremath{\pm}",
    "≥": r"\ensuremath{\ge}",
    "≤": r"\ensuremath{\le}",
    "¬": r"\ensuremath{\lnot}",
    "∧": r"\ensuremath{\land}",
    "∨": r"\ensuremath{\lor}",
    "√": r"\ensuremath{\surd}",
    "ε": r"\ensuremath{\varepsilon}",
    "π": r"\ensuremath{\pi}",
    "₂": r"\ensuremath{{}_2}",
    "⌈": r"\ensuremath{\lceil}",
    "⌉": r"\ensuremath{\rceil}",
    "⌊": r"\ensuremath{\lfloor}",
    "⌋": r"\ensuremath{\rfloor}",
}


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error; a part that is ``None`` is not known."""

    mean: float | None
    error: float | None = None


Cell = str | int | float | Estimate | None


def digits(value: float, significant: int = 3) -> tuple[str, int | None]:
    """Mantissa and power of ten; the power is ``None`` where decimals are shorter.

    >>> digits(1.284e-6), digits(0.4968), digits(0.0)
    (('1.28', -6), ('0.497', None), ('0', None))
    """
    if value == 0:
        return "0", None
    mantissa, exponent = f"{value:.{significant - 1}e}".split("e")
    power = int(exponent)
    if -2 <= power < 3:
        return f"{value:.{max(0, significant - 1 - power)}f}", None
    return mantissa, power


def escape_latex(text: str) -> str:
    r"""``text`` for LaTeX's text mode, its special characters escaped.

    >>> escape_latex("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return "".join(_LATEX.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    r"""``text`` for a cell of a Markdown table.

    >>> escape_markdown("a | b*c")
    'a \\| b\\*c'
    """
    return "".join("\\" + character if character in r"\`*_|<>[]" else character for character in text)


_ESCAPES: dict[str, Callable[[str], str]] = {"latex": escape_latex, "html": escape, "text": escape_markdown}


def _number(value: float, significant: int, style: str) -> str:
    if not math.isfinite(value):
        return {"latex": r"\ensuremath{\infty}"}.get(style, "∞") if value == math.inf else NOTHING
    mantissa, power = digits(value, significant)
    if style == "latex":
        return f"${mantissa}$" if power is None else rf"${mantissa}\cdot 10^{{{power}}}$"
    if style == "html":
        sign = mantissa.replace("-", "−")
        return sign if power is None else f"{sign}·10<sup>{str(power).replace('-', '−')}</sup>"
    return mantissa if power is None else f"{mantissa}e{power:+03d}"


def spell(cell: Cell, style: str = "text") -> str:
    """A cell in one of the styles ``text`` (for Markdown), ``latex`` and ``html``.

    >>> spell(Estimate(1.28e-6, 1.7e-9)), spell(None)
    ('1.28e-06 ± 1.7e-09', '–')
    """
    if isinstance(cell, str):
        return _ESCAPES[style](cell)
    if isinstance(cell, bool) or cell is None:
        return spell(NOTHING if cell is None else ("yes" if cell else "no"), style)
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return _number(cell, 3, style)
    if cell.mean is None:
        return spell(None, style)
    mean = _number(cell.mean, 3, style)
    if cell.error is None:
        return mean
    error = _number(cell.error, 2, style)
    if style == "html":
        return f'{mean} <span class="error">±&nbsp;{error}</span>'
    return rf"{mean} $\pm$ {error}" if style == "latex" else f"{mean} ± {error}"
