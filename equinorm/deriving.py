"""The verb ``derive``: the synthesised theorems of every block, for a terminal, for LaTeX and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from equinorm.checks import check_choice
from equinorm.progress import Listener, Progress
from theory.decision.blocks import Block, blocks
from theory.decision.markup import latex
from theory.decision.notation import spell
from theory.decision.synthesis import PAPER, Theorem, theorems
from theory.spec.actions import ActionKind, Scope
from theory.spec.axes import BCHW
from theory.spec.grids import ODD

Kind = TypeVar("Kind")

LAYERS = {
    "paper": "layers with all three steps and a non-empty centring",
    "all": "all layers",
}
LEGEND = (
    "mX, sX, aX: X is an axis of the centring, of the scaling, of the affine step; m, s, a: the layer has that step",
    "E: the layer centres over no axes, so that only its bias is left",
)


@dataclass(frozen=True)
class Derived:
    """The theorems of the blocks that were asked for."""

    theorems: tuple[Theorem, ...]

    def find(self, kind: ActionKind, scope: Scope, axes: str, arrays: str, layers: str = PAPER) -> Theorem:
        """One theorem.

        Raises:
            KeyError: a block that was not asked for.
        """
        for theorem in self.theorems:
            block, action = theorem.block, theorem.block.action
            if (action.kind, action.scope, block.axes) == (kind, scope, axes) and (
                (block.arrays, theorem.layers) == (arrays, layers)
            ):
                return theorem
        raise KeyError((kind, scope, axes, arrays, layers))

    def document(self) -> dict[str, Any]:
        """All theorems as plain data."""
        import equinorm

        return {"theorems": [theorem_document(theorem) for theorem in self.theorems], "version": equinorm.__version__}

    def text(self) -> str:
        """All theorems for a terminal; grids with the same conditions stand together."""
        lines = [*LEGEND]
        for _, group in groupby(self.theorems, key=lambda theorem: (theorem.block.action, theorem.block.layout)):
            found = list(group)
            lines += ["", f"{describe_action(found[0].block)}:"]
            for grids, alike in merged(found):
                lines.append(f"  {grids}")
                lines += [f"    {LAYERS[t.layers]}: equivariant iff {t.text}   [{counted(t)}]" for t in alike]
        return "\n".join(lines)

    def latex(self) -> str:
        """All theorems as a LaTeX fragment that needs amsmath and amsthm with an environment ``theorem``."""
        lines = ["% mX, sX, aX: X is an axis of the centring, of the scaling, of the affine step."]
        for _, group in groupby(self.theorems, key=lambda theorem: (theorem.block.action, theorem.block.layout)):
            found = list(group)
            for grids, alike in merged(found):
                for theorem in alike:
                    action = describe_action(theorem.block)
                    lines += [
                        rf"\begin{{theorem}}[{action}; {grids}{published(theorem)}]",
                        f"Among {LAYERS[theorem.layers]}, a layer is equivariant if and only if",
                        rf"\[ {latex(theorem.formula)} \]",
                        *(rf"with ${name} = {latex(meaning)}$." for name, meaning in theorem.names),
                        rf"({counted(theorem)}.)",
                        r"\end{theorem}",
                    ]
        return "\n".join(lines)


def describe_action(block: Block) -> str:
    """The action of a block in words: ``translations of H and W, common``."""
    action = block.action
    return f"{action.kind.value}s of {' and '.join(block.axes)}, {action.scope.value}"


def published(theorem: Theorem) -> str:
    """Which statement of arXiv 2505.19805 a theorem is, to stand behind its grids; empty for the others."""
    action, numbers = theorem.block.action, {ActionKind.SHIFT: 1, ActionKind.TRANSLATION: 2}
    theirs = action.scope is Scope.COMMON and len(action.moving) > 1 and theorem.block.size == ODD
    return f"; Theorem {numbers[action.kind]} of arXiv 2505.19805" if theirs and theorem.layers == PAPER else ""


def counted(theorem: Theorem) -> str:
    """How many layers of the table are equivariant, and that each row was compared with the printed formula."""
    minimal = "" if theorem.exact else ", not proved shortest"
    return f"{theorem.equivariant} of {theorem.rows} layers, every row checked{minimal}"


def merged(found: Sequence[Theorem]) -> list[tuple[str, tuple[Theorem, ...]]]:
    """The blocks of one action, those with the same conditions together, each with the names of its grids."""
    by_block: dict[Block, list[Theorem]] = {}
    for theorem in found:
        by_block.setdefault(theorem.block, []).append(theorem)
    same: dict[tuple[str, ...], list[Block]] = {}
    for block, both in by_block.items():
        same.setdefault(tuple(theorem.text for theorem in both), []).append(block)
    return [("; ".join(block.arrays for block in alike), tuple(by_block[alike[0]])) for alike in same.values()]


def theorem_document(theorem: Theorem) -> dict[str, Any]:
    """One theorem as plain data, its words as on the command line."""
    block = theorem.block
    return {
        "action": block.action.kind.value,
        "scope": block.action.scope.value,
        "axes": block.axes,
        "grid": str(block.size),
        "domain": str(block.domain),
        "setting": theorem.layers,
        "layers": theorem.rows,
        "equivariant": theorem.equivariant,
        "condition": theorem.text,
        "ascii": spell(theorem.formula, ascii_only=True),
        "latex": latex(theorem.formula),
        "names": {name: spell(meaning) for name, meaning in theorem.names},
        "shortest": theorem.exact,
    }


def derive(
    action: str | None = None,
    scope: str | None = None,
    *,
    axes: str | None = None,
    workers: int | None = None,
    progress: Listener | None = None,
) -> Derived:
    """Derive the conditions on reduced dimensions: decide all 4 913 layers and minimise the truth tables.

    Args:
        action: ``shift`` or ``translation``; both if left out.
        scope: ``common`` or ``per-sample``; both if left out.
        axes: ``HW``, ``H`` or ``W``, the moving axes; all three if left out.
        workers: the number of processes; one for each processor if left out.
        progress: told how far the work is.

    Returns:
        The theorems. Those of common shifts and translations of H and W on odd grids, over the paper's layers, are
        Theorems 1 and 2 of Scanvic, Barthélemy and Tachella (2025, arXiv 2505.19805).

    Raises:
        SpecificationError: a word that names no action, scope or moving axes.
    """
    kinds = _chosen("action", action, {kind.value: kind for kind in ActionKind})
    scopes = _chosen("scope", scope, {scope.value: scope for scope in Scope})
    asked = blocks(kinds, scopes, BCHW)
    if axes is not None:
        known = tuple(dict.fromkeys(block.axes for block in asked))
        axes = next((name for name in known if sorted(name) == sorted(axes)), axes)
        check_choice("axes", axes, known)
        asked = tuple(block for block in asked if block.axes == axes)
    count = Progress("deriving", 1.0, progress)
    return Derived(theorems(asked, workers, lambda done, total: count.step(done / total - count.done)))


def _chosen(name: str, value: str | None, known: dict[str, Kind]) -> tuple[Kind, ...]:
    if value is None:
        return tuple(known.values())
    return (known[check_choice(name, value, known)],)
