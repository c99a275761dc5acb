"""What an audit found: the rows, what follows from them, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equinorm.networks.page import page
from equinorm.networks.rows import Row
from equinorm.networks.tables import LEGEND, NUMBERS, finding, full_table, notes, numbers, plain_lines, verdict
from numerics.bounds import Judgement
from theory.spec.actions import ActionKind

MOST_NAMED = 8
"""Names in a sentence; the table has all of them."""


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        rows: one for each call of a layer, in the order in which they end.
        output: the row that compares the output of the network.
        unseen: functions that went through no module: their name, the module whose code calls them, how often.
        kinds: the actions that were tried.
        facts: versions, options, pictures, dtype and device: plain data.
    """

    rows: tuple[Row, ...]
    output: Row
    unseen: tuple[tuple[str, str, int], ...]
    kinds: tuple[ActionKind, ...]
    facts: Mapping[str, Any]

    def first(self, kind: ActionKind | None = None) -> Row | None:
        """The first layer whose own defect exceeds the rounding bound, under ``kind`` or under any action."""
        kinds = self.kinds if kind is None else (kind,)
        return next((row for row in self.rows if any(row.exceeds(one) for one in kinds)), None)

    @property
    def lines(self) -> tuple[Row, ...]:
        """The rows of all tables: those of layers, and that of the output."""
        return (*self.rows, self.output)

    def holds(self, kind: ActionKind | None = None) -> bool | None:
        """Whether all is equivariant, layers and output; None where that of the output could not be told."""
        if kind is None:
            found = [self.holds(one) for one in self.kinds]
            return False if False in found else None if None in found else True
        if any(row.exceeds(kind) for row in self.lines):
            return False
        known = kind in self.output.own and not self._left_out(kind)
        return True if known and self.output.own[kind].judgement is Judgement.WITHIN else None

    def entered(self, kind: ActionKind) -> Row | None:
        """The layer before which a defect enters between layers; `output` where it does behind the last one.

        It receives more than rounding under ``kind``, and the layers before it are equivariant. None where there is no
        such layer, or where a layer is at fault before.
        """
        for row in self.rows:
            if row.receives(kind):
                return row
            if row.exceeds(kind):
                return None
        return self.output if self.output.exceeds(kind) else None

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            **self.facts,
            "first": {kind.value: _title(self.first(kind)) for kind in self.kinds} | {"any": _title(self.first())},
            "entered": {kind.value: _title(self.entered(kind)) for kind in self.kinds},
            "equivariant": {kind.value: self.holds(kind) for kind in self.kinds},
            "network": self._layer(self.output),
            "layers": [self._layer(row) for row in self.rows],
            "not_seen": [{"function": name, "module": place, "calls": count} for name, place, count in self.unseen],
        }

    def _layer(self, row: Row) -> dict[str, Any]:
        about = row.about
        found: dict[str, Any] = {
            "layer": row.name,
            "call": row.turn + 1,
            "class": about.name,
            "kind": about.kind,
            "specification": about.specification or None,
            "input": list(row.shapes[0]),
            "output": list(row.shapes[1]),
            "notes": notes(row, self.kinds),
        }
        for kind in self.kinds:
            # JSON has no infinity, which an error relative to zero is.
            values = [None if value is None or not np.isfinite(value) else value for value in numbers(row, kind)]
            found[kind.value] = {
                "verdict": verdict(row, kind) or None,
                "reason": row.verdicts[kind.value][1] if row.verdicts else None,
                "finding": finding(row, kind) or None,
                **dict(zip(NUMBERS, values, strict=True)),
                "displacements": [list(sample) for sample in row.own[kind].displacements] if kind in row.own else None,
            }
        return found

    def csv(self) -> str:
        """One line for each row, below the names of the columns."""
        return full_table(self.lines, self.kinds).csv()

    def html(self) -> str:
        """A page that needs nothing else."""
        return page(self)

    def text(self) -> str:
        """The answer for a terminal."""
        lines = [self.heading(), *self.details()]
        for kind in self.kinds:
            lines += ["", f"{kind.value}s:", *plain_lines(self.lines, kind)]
        lines += ["", *LEGEND, *self.remarks(), *self.not_seen(), *(self.conclusion(kind) for kind in self.kinds)]
        return "\n".join(lines)

    def heading(self) -> str:
        """What was looked at."""
        facts = self.facts
        return (
            f"{facts['model']} ({facts['class']}, {facts['mode']}, {facts['weights'] or 'weights as made'}); "
            f"{facts['dtype']} on {facts['device']}"
        )

    def details(self) -> list[str]:
        """On what, and how it moves."""
        facts = self.facts
        scope = "each by its own displacement" if facts["batch"] > 1 else "by one displacement"
        height, width = facts["steps"]
        shape = "x".join(map(str, facts["shape"]))
        found = [
            f"{facts['batch']} images of {shape}, moved {scope}: {', '.join(facts['images'])}",
            *([facts["treatment"]] if facts["treatment"] else []),
            *facts["remarks"],
        ]
        if ActionKind.SHIFT in self.kinds:
            steps = f"{height} and {width}" if height != width else str(height)
            found.append(f"shifts of the images: multiples of {steps} pixels, whole on every map that divides them")
        if ActionKind.TRANSLATION in self.kinds:
            found.append(f"translations: Nyquist policy {facts['nyquist']}")
        return found

    def not_seen(self) -> list[str]:
        """The functions that no hook sees."""
        if not self.unseen:
            return []
        named = [
            f"{name} in {place or 'the network'}" + (f" ({count} times)" if count > 1 else "")
            for name, place, count in self.unseen
        ]
        shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
        return [f"not seen, since no module computes it: {shown}"]

    def remarks(self) -> list[str]:
        """What the words in the tables mean, where they stand there."""
        found = []
        if any(row.verdicts for row in self.rows):
            found.append(
                "the verdict is about the specification, for every gain and bias; own is that of these weights"
            )
        if any("G" in row.about.specification.partition("affine=")[2].partition(",")[0] for row in self.rows):
            found.append("G: groups of channels; C is then the channels of a group")
        return found

    def conclusion(self, kind: ActionKind) -> str:
        """The first layer that is above rounding under ``kind``, and why; or where else the output's defect enters."""
        row, entered, output = self.first(kind), self.entered(kind), self.output
        if row is not None:
            own, why = row.own[kind], notes(row, (kind,))
            said = (
                f"the first layer whose own defect exceeds rounding is {row.title}, "
                f"{row.about.specification or row.about.name}: {own.error:.1e} against {own.bound:.1e}"
                + (f" ({why})" if why else "")
                + self._passed(kind, self.rows[: self.rows.index(row)], " before it")
            )
            return f"{kind.value}s: {said}" + (f"; {self._between(kind, entered)}" if entered is not None else "")
        compared = sum(kind in one.own for one in self.rows)
        said = f"no own defect exceeds rounding, of {compared} layers compared{self._passed(kind, self.rows, '')}"
        if entered is not None:
            said = f"{self._between(kind, entered)}; {said}"
        if output.exceeds(kind):
            own = output.own[kind]
            said = f"the output is not equivariant: {own.error:.1e} against {own.bound:.1e}; {said}"
        elif kind not in output.own:
            said += f"; the output was not compared: {output.reason}"
        elif output.own[kind].judgement is Judgement.UNDECIDABLE:
            said += f"; of the output it cannot be told, rounding may make {output.own[kind].bound:.1e}"
        elif self._left_out(kind):
            said += f"; not all of the output was compared: {output.reason}"
        else:
            said += f"; the output moves along up to rounding, {output.own[kind].error:.1e}"
        return f"{kind.value}s: {said}"

    def _left_out(self, kind: ActionKind) -> bool:
        """Whether outputs were left out though others were compared under ``kind``."""
        return kind in self.output.own and self.output.partly

    def _between(self, kind: ActionKind, entered: Row) -> str:
        """Where a defect enters between layers."""
        last = f"after {self.rows[-1].title}" if self.rows else "in code outside of all layers"
        place = last if entered is self.output else f"before {entered.title}"
        before = self.rows if entered is self.output else self.rows[: self.rows.index(entered)]
        doubt = ", or in a layer that was not compared" if any(kind not in row.own for row in before) else ""
        return f"a defect enters between layers, {place}{doubt}"

    def _passed(self, kind: ActionKind, rows: Sequence[Row], where: str) -> str:
        """The layers that were not compared, with the reasons where nothing was."""
        nothing = not any(kind in row.own for row in self.rows)
        passed = [row for row in rows if row.reason and (nothing or row.about.kind != "other")]
        if not passed:
            return ""
        named = [f"{row.title} ({row.reason})" if nothing else row.title for row in passed[:MOST_NAMED]]
        more = f" and {len(passed) - MOST_NAMED} more" if len(passed) > MOST_NAMED else ""
        return f"; not compared{where}: {', '.join(named)}{more}"


def _title(row: Row | None) -> str | None:
    return None if row is None else row.title


def told_apart(found: Audit) -> dict[str, Any]:
    """All that is told of an audit, as plain data: for another process."""
    told = {"text": found.text(), "document": found.document(), "csv": found.csv(), "html": found.html()}
    return {**told, "holds": found.holds()}
