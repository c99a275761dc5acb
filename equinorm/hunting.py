"""The verb ``hunt``: a search for a counterexample."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from equinorm.checks import check_timeout, check_whole
from equinorm.files import replacing_file
from equinorm.progress import Listener
from equinorm.questions import Words, read_subject
from equinorm.search.answers import Hunted
from equinorm.search.engine import search
from equinorm.search.exact import confirm
from equinorm.search.files import written
from equinorm.search.opened import opened
from equinorm.search.questions import Question, Shape, read_question
from equinorm.search.subjects import Unknown
from equinorm.targets import open_target
from theory.spec.errors import refuse
from theory.spec.layers import Normalization, parse_eps

WAYS = "one of --layer, --term, --target, or the steps --center, --scale, --affine"
MOST_EXAMPLES = 1_000_000
SEED = 20250519


def hunt(
    layer: str | None = None,
    *,
    center: str | None = None,
    scale: str | None = None,
    affine: str | None = None,
    term: str | None = None,
    target: str | None = None,
    action: str = "translation",
    scope: str = "common",
    axes: str = "HW",
    domain: str = "all",
    nyquist: str = "symmetric",
    statistics: str | None = None,
    eps: str | None = None,
    batch: int | None = None,
    channels: int | None = None,
    grid: str | None = None,
    max_examples: int = 1000,
    seed: int = SEED,
    timeout: float = 30.0,
    out: str | Path | None = None,
    listener: Listener | None = None,
) -> Hunted:
    """Search for an array, parameters, sizes and displacements that refute an equivariance.

    Args:
        layer: a catalogue name or ``norm[center=C, scale=CHW, affine=C]``.
        center: the axes of the centring, or ``empty``, or ``absent``; the steps stand in place of a layer.
        scale: the axes of the scaling.
        affine: the axes of the affine step.
        term: a term of x, par, mean, rsqrt, eps, numbers, + - * ^, in place of a layer.
        target: ``module:function`` or ``torch:module.Class(arguments)``, in place of a layer; it runs in a process of
            its own.
        action: ``shift`` (integer, circular) or ``translation`` (real, by Fourier phase).
        scope: ``common`` or ``per-sample``.
        axes: the axes that move.
        domain: ``all`` real arrays, ``nyquist-free`` ones, or a band.
        nyquist: ``symmetric``, ``project`` (then the arrays are Nyquist-free) or ``one-sided``.
        statistics: ``batch`` or ``running``.
        eps: a positive number; drawn if left out.
        batch: the number of samples; drawn if left out.
        channels: the number of channels; drawn if left out.
        grid: ``5x7``, ``odd`` or ``even``; drawn from both families if left out.
        max_examples: the most experiments before the first violation; shrinking it takes up to ten times as many.
        seed: all that is drawn follows from it.
        timeout: seconds for each call of a target.
        out: a file for the counterexample, which :func:`replay` reads; it is only written if there is one.
        listener: is told how far the search is.

    Returns:
        The smallest counterexample found and the largest violation seen. That none was found proves nothing.

    Raises:
        SpecificationError: options that contradict each other or name nothing, a target that is unfit.

    >>> hunt("LayerNorm-C", grid="3x3", batch=1, channels=2).confirmation.exact
    True
    >>> print(hunt("LayerNorm-AF", grid="5x5", max_examples=50).text().splitlines()[-1])
    none found in 50 examples
    """
    check_whole("max_examples", max_examples, 1, MOST_EXAMPLES)
    check_whole("seed", seed, 0)
    check_timeout(timeout)
    words = Words(
        layer=layer,
        center=center,
        scale=scale,
        affine=affine,
        term=term,
        action=action,
        scope=scope,
        axes=axes,
        domain=domain,
        nyquist=nyquist,
        statistics=statistics,
        eps=eps,
        batch=batch,
        channels=channels,
        grid=grid,
    )
    with ExitStack() as stack:
        question, left_out = _question(stack, words, target, timeout)
        # Entered before the search, so that a place that cannot be written is found before any work begins.
        partial = None if out is None else stack.enter_context(replacing_file(out, unless_empty=True))
        found = search(question, max_examples, seed, listener=listener)
        if found.smallest is None:
            return Hunted(question, seed, found, None, left_out)
        trial, reading = found.smallest
        if partial is not None:
            partial.write_text(written(question, trial, reading, seed, found.examples), encoding="ascii")
        return Hunted(question, seed, found, confirm(question, trial), left_out, None if out is None else Path(out))


def _question(stack: ExitStack, words: Words, target: str | None, timeout: float) -> tuple[Question, tuple[Shape, ...]]:
    steps = [name for name in ("center", "scale", "affine") if getattr(words, name) is not None]
    given = {"target": target, "layer": words.layer, "term": words.term}
    named = [f"--{name}" for name in (*(name for name, value in given.items() if value is not None), *steps[:1])]
    if len(named) != 1:
        raise refuse(" and ".join(named) or "no function", WAYS, "give exactly one")
    if target is None:
        subject = read_subject(words)
        eps = None if words.eps is None else parse_eps(words.eps)
        if isinstance(subject, Normalization):
            # Of a layer that is spelled out epsilon may be part of the spelling; of a named one it is not claimed.
            eps = subject.eps if eps is not None or "eps=" in (words.layer or "") else None
            return read_question(words, subject, "layer", _spelled(words, subject), eps), ()
        return read_question(words, subject, "term", str(words.term), eps), ()
    for name in ("statistics", "eps"):
        if (value := getattr(words, name)) is not None:
            remedy = "nothing is known of a target but its values"
            raise refuse(f"{name}={value}", f"no --{name} beside --target", remedy)
    question = read_question(words, Unknown(target, _identity), "target", target, None)
    return opened(question, stack.enter_context(open_target(target, timeout)))


def _identity(x: Any) -> Any:
    return x


def _spelled(words: Words, subject: Normalization) -> str:
    """The name of a layer as it was given, or the spelling of one that was given by its steps or with options."""
    plain = words.layer is not None and words.eps is None and words.statistics is None
    return str(words.layer) if plain else str(subject)
