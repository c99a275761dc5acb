"""From pictures to rows: the units that are not done yet are measured, and all parts are joined in their order.

A run has two forms. :func:`run_experiment` keeps the rows in the main memory. :func:`run_in_folder` keeps every part in
a folder as soon as it is made, goes on where an earlier run of the same command was stopped, and joins the parts
without ever holding more than a few of them; what it writes is the same byte for byte however often it was stopped,
and whoever measured which unit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from equinorm.experiment.listing import Listed, Unit, digest, digest_of_times, latest, listing, units
from equinorm.experiment.memory import peak
from equinorm.experiment.options import Options
from equinorm.experiment.parts import MANIFEST, Parts, Tell, cannot_write
from equinorm.experiment.setting import (
    Setting,
    calibrated,
    described,
    forget,
    kind_of_machine,
    no_usable_picture,
    plain,
    sources,
    versions,
)
from equinorm.experiment.single_threaded import single_threaded
from equinorm.experiment.summary import Group, Tally
from equinorm.experiment.table import joined, table_writer
from equinorm.experiment.unit import Part, work_of_picture
from equinorm.experiment.workforce import Done, Here, Workforce
from equinorm.files import Workshop
from equinorm.inputs.images import Picture
from equinorm.progress import Listener, Progress
from numerics.backends import Backend

RUN = "run.json"
DISPLACEMENTS = "uniform over the map, one for each image, position and transformation, for all layers alike"


@dataclass(frozen=True)
class Run:
    """The rows of one run and the facts that go with them, plain data for ``run.json``; no clock is in them."""

    table: pa.Table
    facts: dict[str, Any]


@dataclass(frozen=True)
class Finished:
    """What a run in a folder leaves in the main memory: facts, the summary, and the largest peak of any process."""

    facts: dict[str, Any]
    groups: tuple[Group, ...]
    peak: int


@dataclass
class Census:
    """What became of the pictures, part by part in the order of the list."""

    used: list[dict[str, str]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    rows: int = 0
    batches: int = 0

    def add(self, part: Part) -> None:
        """Take the pictures of ``part`` in."""
        self.used += [{"name": name, "group": group} for name, group in part.used]
        self.skipped += [{"name": name, "reason": reason} for name, reason in part.skipped]
        self.rows += part.rows.num_rows
        self.batches += bool(part.used)

    def facts(self, setting: Setting) -> dict[str, Any]:
        """Those of the run.

        Raises:
            SpecificationError: not one picture was usable.
        """
        if not self.used:
            first = f"; {self.skipped[0]['name']}: {self.skipped[0]['reason']}" if self.skipped else ""
            raise no_usable_picture(len(self.skipped), first)
        return {
            "verb": "measure",
            **versions(),
            "options": setting.options.document(),
            "device": setting.device,
            "weights": setting.description,
            "displacements": DISPLACEMENTS,
            "images": {"used": self.used, "skipped": self.skipped},
            "batches": self.batches,
            "rows": self.rows,
        }


def run_experiment(
    options: Options,
    force: Workforce | Backend,
    pictures: Sequence[Picture],
    weights: str | Path | None = None,
    listener: Listener | None = None,
) -> Run:
    """Measure every layer on the maps of ``pictures``, in their order, and keep the rows in the main memory.

    Args:
        options: dtype, policy, crop, batch size and seed.
        force: those who measure; a backend stands for this process.
        pictures: files that may be pictures; those that cannot be used are skipped and named in the facts.
        weights: a file for :func:`equinorm.inputs.weights.load_weights`; left out, He's.
        listener: is told the progress after each map.

    Raises:
        SpecificationError: weights that cannot be used or make infinite maps, or no usable picture.
    """
    workforce = Here(force) if isinstance(force, Backend) else force
    listed = listing(pictures)
    try:
        setting = _setting(options, workforce, described(weights), lambda: calibrated(options, listed))
        parts: dict[int, Part] = {}
        for done in _measured(setting, workforce, units(listed, options.batch_size), digest(listed), listener):
            parts[done.number] = Part.decode(done.data)
    finally:
        forget()
    census = Census()
    for number in sorted(parts):
        census.add(parts[number])
    facts = census.facts(setting)
    return Run(joined([parts[number].rows for number in sorted(parts)]), facts)


def run_in_folder(
    shop: Workshop,
    options: Options,
    workforce: Workforce,
    pictures: Sequence[Picture],
    weights: str | Path | None = None,
    listener: Listener | None = None,
    tell: Tell = lambda line: None,
) -> Finished:
    """The same, with every part kept in ``shop`` at once, and the result delivered at its target.

    ``tell`` hears what was found there: parts of an earlier run, damaged ones among them.

    Raises:
        SpecificationError: as `run_experiment`; parts of another command in the shop; a disk that is full.
    """
    listed = listing(pictures)
    todo = units(listed, options.batch_size)
    parts = Parts(shop, tell)
    try:
        description = described(weights)
        key = f"{digest(listed)} {digest_of_times(listed)}"
        question = _question(options, workforce, description, listed)
        known = parts.statistics(question)
        setting = _setting(options, workforce, description, lambda: known or calibrated(options, listed))
        count = setting.description.get("calibrated_on", 0)
        key = setting.key(key)
        parts.begin(question, setting.statistics, count, key, len(todo))
        if parts.rows:
            tell(f"{len(parts.rows)} of {len(todo)} batches were done before")
        missing = [unit for unit in todo if unit.number not in parts.rows]
        largest = 0
        for done in _measured(setting, workforce, missing, key, listener):
            parts.add(done.number, done.data)
            largest = max(largest, done.peak)
        facts, groups = _join(shop, parts, setting)
    except BaseException:
        if parts.begun and parts.kept:  # else they are another command's
            tell(f"{parts.kept} of {len(todo)} batches are kept in {shop.folder}; the same command goes on")
        raise
    finally:
        forget()
    return Finished(facts, groups, max(largest, peak()))


def _join(shop: Workshop, parts: Parts, setting: Setting) -> tuple[dict[str, Any], tuple[Group, ...]]:
    """Write the files of the result and put them in place.

    Raises:
        SpecificationError: they cannot be written, or not one picture was usable.
    """
    try:
        return _joined(shop, parts, setting)
    except OSError as error:
        raise cannot_write(shop, error) from error


def _joined(shop: Workshop, parts: Parts, setting: Setting) -> tuple[dict[str, Any], tuple[Group, ...]]:
    product, census, tally = shop.start_product(), Census(), Tally()
    with table_writer(product, sum(parts.rows.values())) as writer:
        for part in parts:
            writer.add(part.rows)
            tally.add(part.rows)
            census.add(part)
    if not census.used:
        shop.discard()
    facts = census.facts(setting)
    facts["files"] = {file.name: sha256(file) for file in sorted(product.iterdir())}
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    (product / RUN).write_text(text + "\n", encoding="utf-8")
    shop.deliver()
    return facts, tally.groups()


def _measured(
    setting: Setting, workforce: Workforce, todo: Sequence[Unit], key: str, listener: Listener | None
) -> Iterator[Done]:
    """The parts of ``todo``, with progress counted over these alone."""
    pictures = sum(len(unit.listed) for unit in todo)
    total = float(work_of_picture(setting.options.crop) * pictures)
    progress = Progress("measuring", total, listener, count=pictures, noun="pictures")
    if todo:
        with closing(workforce.measure(setting, todo, key, progress.step)) as parts:
            yield from parts


def _setting(
    options: Options,
    workforce: Workforce,
    description: dict[str, Any],
    calibration: Callable[[], tuple[bytes, int]],
) -> Setting:
    """The setting; ``calibration`` gives He's statistics where the weights come from no file."""
    statistics = b""
    if description["kind"] == "he":
        with single_threaded():
            statistics, count = calibration()
        description = {**description, "seed": options.seed, "calibrated_on": count}
    return Setting(options, workforce.device, plain(kind_of_machine()), plain(description), statistics)


def _question(
    options: Options, workforce: Workforce, description: dict[str, Any], listed: Sequence[Listed]
) -> dict[str, Any]:
    """What the parts of a run answer, named as a refusal to mix them tells it."""
    return {
        "options": options.document(),
        "device": workforce.device,
        "versions": kind_of_machine(),
        "weights": description,
        "pictures": {
            "number": len(listed),
            "names and sizes": digest(listed),
            "times of their last changes": digest_of_times(listed),
        },
    }


def already_there(
    folder: Path, options: Options, device: str, pictures: Sequence[Picture], weights: str | Path | None
) -> dict[str, Any] | None:
    """The facts of the complete result in ``folder``, if this very command made it from the files as they are now.

    As ``make`` does, it trusts a result that is younger than all pictures, the weights and the sources that compute;
    and it compares the bytes of the tables with what was written.
    """
    try:
        text = (folder / RUN).read_text(encoding="utf-8")
        facts = cast(dict[str, Any], json.loads(text))
        made = (folder / RUN).stat().st_mtime_ns
        for name, known in facts["files"].items():
            if sha256(folder / name) != known:
                return None
        images = facts["images"]
        names = sorted(picture["name"] for picture in (*images["used"], *images["skipped"]))
        before = (facts["options"], facts["device"], names, {name: facts[name] for name in versions()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if before != (options.document(), device, sorted(picture.name for picture in pictures), versions()):
        return None
    description = described(weights)
    if any(facts["weights"].get(name) != value for name, value in description.items()):
        return None
    others = sources() if weights is None else [*sources(), Path(weights)]
    changed = max(latest(listing(pictures)), *(file.stat().st_mtime_ns for file in others))
    return facts if changed < made else None


def tidy(
    shop: Workshop, options: Options, workforce: Workforce, pictures: Sequence[Picture], weights: str | Path | None
) -> None:
    """Remove the parts of a result that is complete; those of another command stay."""
    try:
        known = json.loads((shop.folder / MANIFEST).read_bytes())["question"]
    except FileNotFoundError:  # a delivered run was stopped while it cleared up
        known = None
    except (ValueError, KeyError, TypeError):
        return
    if known is None or known == _question(options, workforce, described(weights), listing(pictures)):
        shop.discard()


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
