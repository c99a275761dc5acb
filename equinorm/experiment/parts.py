"""The parts of an unfinished run in a folder: whichever moment ends the run, they can be used again.

A part is written under another name, brought to the disk and renamed, so that it is complete or not there. Its name
holds the number of its batch and the SHA-256 of its bytes; a part that was cut or changed is seen, named, and measured
again. ``manifest.json`` says what was asked; a run that asks for something else is refused, and told what differs.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from equinorm.experiment.unit import DamagedPart, Part
from equinorm.files import UNFINISHED, Workshop, write_durably
from theory.spec.errors import refuse

MANIFEST = "manifest.json"
DIGEST = 64
"""Letters of a SHA-256, which say nothing to a user."""
PATTERN = "batch-*.parquet"

Tell = Callable[[str], None]
"""Is told, in a line, what a user may want to know while the work goes on."""


@dataclass
class Parts:
    """The parts in the folder of ``shop``; ``tell`` hears of damaged ones. ``rows`` counts those of each batch."""

    shop: Workshop
    tell: Tell
    key: str = ""
    rows: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def statistics(self, question: Mapping[str, Any]) -> tuple[bytes, int] | None:
        """What an earlier run with the same ``question`` calibrated; None where there is nothing to go on with.

        Raises:
            SpecificationError: the parts answer another question.
        """
        path = self.shop.folder / MANIFEST
        if not path.exists():
            return None
        try:
            known = json.loads(path.read_bytes())
            statistics = base64.b64decode(known["statistics"], validate=True)
            if known["digest"] != _digest(known["question"], statistics, known["calibrated_on"]):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            self.tell(f"{path.name} was damaged: written again")
            return None
        self._compare(known["question"], question)
        return statistics, int(known["calibrated_on"])

    def begin(self, question: Mapping[str, Any], statistics: bytes, calibrated_on: int, key: str, batches: int) -> None:
        """Write the manifest, and find the parts of the run ``key`` that can be used; others are removed."""
        self.key = key
        manifest = {
            "question": question,
            "statistics": base64.b64encode(statistics).decode(),
            "calibrated_on": calibrated_on,
            "digest": _digest(question, statistics, calibrated_on),
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False).encode("utf-8", "surrogateescape")
        folder = self.shop.folder
        if not (folder / MANIFEST).exists() or (folder / MANIFEST).read_bytes() != text:
            self._write(MANIFEST, text)
        for file in folder.glob(f"*{UNFINISHED}"):
            file.unlink()
        for file in sorted(folder.glob(PATTERN)):
            part = self._read(file)
            if part is not None and part.number < batches and part.number not in self.rows:
                self.rows[part.number], self.names[part.number] = part.rows.num_rows, file.name
            else:
                file.unlink()

    def add(self, number: int, data: bytes) -> None:
        """Keep the part of batch ``number``.

        Raises:
            SpecificationError: it cannot be written.
        """
        name = f"batch-{number:08d}-{hashlib.sha256(data).hexdigest()[:32]}.parquet"
        self._write(name, data)
        self.rows[number], self.names[number] = Part.decode(data).rows.num_rows, name

    @property
    def begun(self) -> bool:
        """Whether the parts in the folder are those of this run."""
        return self.key != ""

    @property
    def kept(self) -> int:
        """How many parts lie in the folder."""
        return sum(1 for _ in self.shop.folder.glob(PATTERN))

    def __iter__(self) -> Iterator[Part]:
        """The parts in the order of their batches.

        Raises:
            SpecificationError: one was removed or damaged since it was found.
        """
        for number in sorted(self.names):
            part = self._read(self.shop.folder / self.names[number])
            if part is None:
                raise refuse(self.shop.out, "parts that nobody changes", "start the same command again")
            yield part

    def _read(self, path: Path) -> Part | None:
        """The part at ``path``; None, and a word about it, where it is damaged or of another run."""
        try:
            data = path.read_bytes()
            if path.stem.rpartition("-")[2] != hashlib.sha256(data).hexdigest()[:32]:
                raise DamagedPart("other bytes than were written")
            part = Part.decode(data)
            if part.key != self.key:
                raise DamagedPart("of another run")
            return part
        except (DamagedPart, OSError) as error:
            self.tell(f"{path.name} was damaged ({error}): its batch is measured again")
            return None

    def _write(self, name: str, data: bytes) -> None:
        try:
            write_durably(self.shop.folder / name, data)
        except OSError as error:
            raise cannot_write(self.shop, error) from error

    def _compare(self, known: Mapping[str, Any], question: Mapping[str, Any]) -> None:
        before, now = dict(_flat(known)), dict(_flat(question))
        differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if differing:
            changes = ", ".join(_change(name, before.get(name), now.get(name)) for name in differing)
            raise refuse(
                self.shop.out,
                f"the command whose parts are in {self.shop.folder.name}; what differs: {changes}",
                "give that command again, remove that folder, or choose another out",
            )


def cannot_write(shop: Workshop, error: OSError) -> Exception:
    """The refusal of a disk that is full or worse."""
    reason = error.strerror or str(error)
    return refuse(shop.out, f"a place that can be written ({reason})", "make room; the same command again goes on")


def _digest(question: object, statistics: bytes, calibrated_on: int) -> str:
    text = json.dumps([question, calibrated_on], sort_keys=True)
    return hashlib.sha256(text.encode() + statistics).hexdigest()


def _flat(value: Mapping[str, Any], prefix: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, (*prefix, name))
        else:
            yield ".".join((*prefix, name)), inner


def _change(name: str, before: object, now: object) -> str:
    """A difference in words, with the values where they say something.

    >>> _change("options.batch_size", 2, 3), _change("pictures.names and sizes", 64 * "0", 64 * "1")
    ('batch-size (2, now 3)', 'pictures: names and sizes')
    """
    group, _, last = name.rpartition(".")
    root = group.partition(".")[0]
    label = last.replace("_", "-") if root in ("options", "") else f"{root}: {last}"
    hidden = any(isinstance(value, str) and len(value) == DIGEST for value in (before, now))
    return label if hidden else f"{label} ({before}, now {now})"
