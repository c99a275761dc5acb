"""The hunt: for each mutant the first check that fails, and the table of who was killed by what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.mutants.changes import Mutant
from tests.mutants.checks import Check


@dataclass(frozen=True)
class Fate:
    """What happened to a mutant: the check that noticed it and what it said, or ``None`` for a survivor."""

    mutant: Mutant
    killer: Check | None
    said: str = ""

    @property
    def by_kernel(self) -> bool:
        """True if the kernel rejected the mutant's evidence."""
        return self.said.startswith("KernelRejects")


def first_failure(checks: Iterable[Check]) -> tuple[Check | None, str]:
    """The first check that does not pass; an exception counts, since a verdict was asked for and not given."""
    for check in checks:
        try:
            check.run()
        except Exception as error:
            return check, f"{type(error).__name__}: {error}".splitlines()[0]
    return None, ""


def hunt(mutants: Iterable[Mutant], checks: Sequence[Check]) -> list[Fate]:
    """Make each change in turn and run the checks until one fails.

    Raises:
        RuntimeError: a check fails without any change, before or after the hunt.
    """
    fates = []
    _expect_sound(checks)
    for mutant in mutants:
        with mutant.alive():
            fates.append(Fate(mutant, *first_failure(checks)))
    _expect_sound(checks)
    return fates


def _expect_sound(checks: Sequence[Check]) -> None:
    killer, said = first_failure(checks)
    if killer is not None:
        raise RuntimeError(f"without any mutant: {killer.name}: {said}")


def _killer(fate: Fate) -> str:
    if fate.killer is None:
        return "NOTHING: it survives"
    return f"the kernel, {fate.killer.name}" if fate.by_kernel else fate.killer.name


def report(fates: Sequence[Fate]) -> str:
    """The table, and the count."""
    width = max(len(fate.mutant.name) for fate in fates)
    lines = [f"{'mutant':<{width}}  killed by", "-" * (width + 40)]
    lines += [f"{fate.mutant.name:<{width}}  {_killer(fate)}" for fate in fates]
    killed = sum(fate.killer is not None for fate in fates)
    kernel = sum(fate.by_kernel for fate in fates)
    lines += ["", f"{len(fates)} mutants, {killed} killed, {len(fates) - killed} survive; {kernel} by the kernel"]
    return "\n".join(lines)
