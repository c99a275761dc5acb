r"""LaTeX files that compile by themselves and can be included in a paper.

Such a file opens with a preamble that LaTeX passes over when it is inside a document already: the kernel sets
``\@nodocument`` to ``\relax`` at ``\begin{document}``, so that a comparison tells the two cases apart.
"""

from __future__ import annotations

from collections.abc import Sequence


def stand_alone(body: str, packages: Sequence[str] = (), title: str = "", definitions: Sequence[str] = ()) -> str:
    r"""``body`` as a file for both uses; ``packages`` and ``definitions`` are what a document that inputs it needs."""
    needs = ", ".join(packages) or "nothing"
    opening = [
        f"% {title}: written by equinorm. Compile this file by itself, or \\input it (packages: {needs}).",
        r"\makeatletter",
        r"\ifx\@nodocument\relax\let\equinormend\relax\else",
        r"\documentclass{article}",
        *(rf"\usepackage{{{package}}}" for package in packages),
        *definitions,
        r"\def\equinormend{\end{document}}",
        r"\begin{document}",
        r"\fi",
        r"\makeatother",
    ]
    return "\n".join([*opening, body, r"\equinormend", ""])
