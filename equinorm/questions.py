"""From the words of the command line to claims: what is asked, on which grids, and on which arrays."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from equinorm.checks import check_choice, check_whole
from theory.spec.actions import Action, ActionKind, NyquistPolicy, Scope
from theory.spec.axes import BCHW, parse_axes, parse_step
from theory.spec.catalogue import CATALOGUE, find_layer
from theory.spec.errors import refuse
from theory.spec.grids import (
    ALL,
    EVEN,
    LARGEST_COUNT,
    LARGEST_SIZE,
    NYQUIST_FREE,
    ODD,
    Domain,
    Grid,
    Size,
    band,
    grid_of,
)
from theory.spec.layers import DEFAULT_EPS, Normalization, parse_eps, parse_statistics
from theory.spec.syntax import parse
from theory.spec.terms import Term

FAMILIES = {"odd": ODD, "even": EVEN}


@dataclass(frozen=True)
class Words:
    """The options of ``decide`` as they were typed; ``None`` for one that was left out."""

    layer: str | None = None
    center: str | None = None
    scale: str | None = None
    affine: str | None = None
    term: str | None = None
    action: str = "translation"
    scope: str = "common"
    axes: str = "HW"
    domain: str = "all"
    nyquist: str = "symmetric"
    statistics: str | None = None
    eps: str | None = None
    batch: int | None = None
    channels: int | None = None
    grid: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kind = int if field.name in ("batch", "channels") else str
            if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
                raise refuse(f"{field.name}={value!r}", "a whole number" if kind is int else "text")


def read_subject(words: Words) -> Normalization | Term:
    """The layer or the term that is asked about.

    Raises:
        SpecificationError: none of them, or two that contradict each other.
    """
    steps = {"center": words.center, "scale": words.scale, "affine": words.affine}
    named = [f"--{name}" for name, value in steps.items() if value is not None]
    ways = [way for way, used in (("--layer", words.layer), ("--term", words.term)) if used is not None]
    ways += named[:1]
    if len(ways) != 1:
        given = " and ".join(ways) if ways else "no function"
        raise refuse(given, "one of --layer, --term, or the steps --center, --scale, --affine", "give exactly one")
    if words.term is not None:
        if words.statistics is not None:
            raise refuse(f"statistics={words.statistics}", "no --statistics beside --term", "a term has no statistics")
        return parse(words.term)
    if words.layer is not None:
        layer = find_layer(words.layer)
        if words.layer in CATALOGUE:
            # The claim is about every epsilon; what an implementation happens to use matters to measurements only.
            layer = replace(layer, eps=DEFAULT_EPS)
        for option, value in (("eps", words.eps), ("statistics", words.statistics)):
            if value is not None and f"{option}=" in words.layer:
                raise refuse(f"{option}={value}", f"{option} once", f"it stands in --layer {words.layer} already")
    else:
        center, scale, affine = (
            parse_step("absent" if value is None else value, BCHW, name) for name, value in steps.items()
        )
        layer = Normalization(center, scale, affine)
    if words.eps is not None:
        layer = replace(layer, eps=parse_eps(words.eps))
    if words.statistics is not None:
        layer = replace(layer, statistics=parse_statistics(words.statistics))
    return layer


def read_action(words: Words) -> Action:
    """The action. Raises SpecificationError for words that it does not know and axes that do not move."""
    kind = ActionKind(check_choice("action", words.action, [kind.value for kind in ActionKind]))
    scope = Scope(check_choice("scope", words.scope, [scope.value for scope in Scope]))
    moving = parse_axes(words.axes)
    if not moving or not moving <= BCHW.spatial:
        raise refuse(f"axes={words.axes}", "H, W or HW", "only spatial axes move")
    return Action(kind, moving, scope)


def read_domain(words: Words) -> Domain:
    """The domain; the policy ``project`` turns all real arrays into the Nyquist-free ones.

    Raises:
        SpecificationError: an unknown domain, or the policy ``one-sided``, of which nothing is decided.
    """
    policy = check_choice("nyquist", words.nyquist, [policy.value for policy in NyquistPolicy])
    if policy == NyquistPolicy.ONE_SIDED.value:
        raise refuse(
            "nyquist=one-sided",
            "`symmetric` or `project`",
            "on even sizes `one-sided` is no product of one operator per axis, so it is measured and not decided",
        )
    if words.domain == "nyquist-free":
        return NYQUIST_FREE
    if words.domain == "all":
        return NYQUIST_FREE if policy == NyquistPolicy.PROJECT.value else ALL
    if not re.fullmatch(r"[0-9]{1,99}", words.domain):
        raise refuse(f"domain={words.domain}", "`all`, `nyquist-free`, or a band K >= 0")
    limit = int(words.domain)
    if 2 * limit >= LARGEST_SIZE:
        expected = f"a band K with 2K < {LARGEST_SIZE}"
        raise refuse(f"domain={limit}", expected, "beyond that exact work takes too long")
    return band(limit)


def read_grids(words: Words) -> tuple[tuple[str, Grid], ...]:
    """The grids asked about, each with its name: one, or both families where ``--grid`` was left out."""
    for name, count in (("batch", words.batch), ("channels", words.channels)):
        if count is not None:
            check_whole(name, count, 1, LARGEST_COUNT)
    names = list(FAMILIES) if words.grid is None else [words.grid]
    return tuple((name, _grid(name, words)) for name in names)


def _grid(text: str, words: Words) -> Grid:
    if text in FAMILIES:
        height = width = FAMILIES[text]
    else:
        match = re.fullmatch(r"([0-9]{1,99})x([0-9]{1,99})", text)
        if match is None:
            raise refuse(f"grid={text}", "two sizes such as 5x7, or `odd`, or `even`")
        height, width = Size(int(match[1])), Size(int(match[2]))
        for size in (height, width):
            if not 1 <= size.least <= LARGEST_SIZE:
                raise refuse(f"grid={text}", f"sizes from 1 to {LARGEST_SIZE}", "beyond that exact work takes too long")
    sizes: dict[str, Size | int] = {"H": height, "W": width}
    if words.batch is not None:
        sizes["B"] = words.batch
    if words.channels is not None:
        sizes["C"] = words.channels
    return grid_of(sizes)
