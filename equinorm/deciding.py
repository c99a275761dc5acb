"""The verb ``decide``: a verdict on one grid, or on both families of grids, with its reason and its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from equinorm.questions import FAMILIES, Words, read_action, read_domain, read_grids, read_subject
from proofs.emit.document import evidence
from proofs.emit.text import evidence_lines
from theory.calculus.compile import compile_term
from theory.decision.decide import decide as decide_claim
from theory.decision.reasons import reason
from theory.decision.verdicts import Proof, Verdict
from theory.spec.claims import Claim
from theory.spec.errors import refuse
from theory.spec.layers import DEFAULT_EPS, Normalization, parse_eps
from theory.spec.terms import InverseRoot, Term, walk

VERDICTS = ("equivariant", "not_equivariant", "unknown")


@dataclass(frozen=True)
class Decision:
    """The answer to one question: a verdict for each grid that was asked about.

    ``verdict`` is ``equivariant`` only if it is so on every grid; else ``not_equivariant`` if it fails on one.
    """

    words: Words
    layer: Normalization | None
    term: Term
    verdicts: tuple[tuple[str, Verdict], ...]

    @property
    def deciding(self) -> tuple[str, Verdict]:
        """The grid and verdict that the whole answer rests on: a refutation before an unknown before a proof."""
        order = ("not_equivariant", "unknown", "equivariant")
        return min(self.verdicts, key=lambda named: order.index(named[1].name))

    @property
    def verdict(self) -> str:
        """``equivariant``, ``not_equivariant`` or ``unknown``."""
        return self.deciding[1].name

    @property
    def reason(self) -> str:
        """Why, and on which family where there are two."""
        if len(self.verdicts) == 1:
            return reason(self.verdicts[0][1])
        return "; ".join(f"on {name} grids {found.name}: {reason(found)}" for name, found in self.verdicts)

    def document(self) -> dict[str, Any]:
        """The answer as plain data, its words as on the command line."""
        import equinorm

        words = self.words
        # Each piece of evidence once: the values of a counterexample are evaluated anew in many digits.
        found = [evidence(verdict) for _, verdict in self.verdicts]
        by_grid = [
            {"grid": name, "verdict": verdict.name, "reason": reason(verdict), "evidence": each}
            for (name, verdict), each in zip(self.verdicts, found, strict=True)
        ]
        return {
            "layer": None if self.layer is None else str(self.layer),
            "term": str(self.term),
            "action": words.action,
            "scope": words.scope,
            "axes": words.axes,
            "grid": words.grid,
            "batch": words.batch,
            "channels": words.channels,
            "domain": str(self.verdicts[0][1].claim.domain),
            "nyquist": words.nyquist,
            "eps": str(self.verdicts[0][1].claim.eps),
            "verdict": self.verdict,
            "reason": self.reason,
            "evidence": self._evidence(found),
            "by_grid": by_grid,
            "version": equinorm.__version__,
        }

    def certificates(self) -> tuple[str, ...]:
        """The canonical text of a certificate for each grid, which the kernel accepts.

        Raises:
            SpecificationError: a verdict without one: unknown, or evidence too large to be written.
        """
        from proofs.emit.certificates import accepted_certificate, canonical

        found = []
        for name, verdict in self.verdicts:
            one = accepted_certificate(verdict)
            if one is None:
                given = f"grid={name}, verdict={verdict.name}"
                raise refuse(
                    given, "a verdict with evidence that can be written", "there is no certificate for this one"
                )
            found.append(canonical(one))
        return tuple(found)

    def _evidence(self, found: list[dict[str, Any] | None]) -> dict[str, Any] | None:
        """The evidence of the whole answer, from that on each grid: of the deciding one, or of all where all hold."""
        grids = [name for name, _ in self.verdicts]
        if self.verdict != Proof.name or len(grids) == 1:
            name, _ = self.deciding
            one = found[grids.index(name)]
            return None if one is None else {**one, "content": {"grid": name, **one["content"]}}
        content = [
            {"grid": name, **each["content"]} for name, each in zip(grids, found, strict=True) if each is not None
        ]
        return {"kind": "proof", "content": {"families": content}}

    @property
    def claimed(self) -> str:
        """What is claimed of the term, in words; ``text`` and ``latex`` say on which grids."""
        words, claim = self.words, self.verdicts[0][1].claim
        arrays = {"all": "all real arrays", "nyquist-free": "Nyquist-free arrays"}
        domain = arrays.get(str(claim.domain), f"arrays of band {claim.domain}")
        if words.nyquist == "project" and words.domain == "all":
            domain += " (policy `project`: the claim is about arrays without energy at the Nyquist bins)"
        if any(isinstance(node, InverseRoot) for node in walk(self.term)):
            domain += ", wherever both sides are defined"
        return f"{words.action}s along {', '.join(words.axes)}, {words.scope}, {domain}"

    def _grids(self, name: str) -> str:
        band = self.verdicts[0][1].claim.domain.band
        if name not in FAMILIES:
            return f"grid {name}"
        return f"{name} grids" + (f" on which band {band} is narrow enough, 2K < N" if band is not None else "")

    def text(self) -> str:
        """The answer for a terminal."""
        lines = [f"verdict: {self.verdict}"]
        if self.layer is not None:
            lines.append(f"layer:   {self.layer}")
        lines += [f"term:    {self.term}", f"claim:   {self.claimed}"]
        for name, found in self.verdicts:
            lines += ["", f"{self._grids(name)}: {found.name}", f"  {reason(found)}"]
            lines += [f"  {line}" for line in evidence_lines(found)]
        return "\n".join(lines)

    def latex(self) -> str:
        r"""The answer as LaTeX that compiles by itself, or is ``\input`` where amsmath and amssymb are loaded."""
        from equinorm.report.cells import escape_latex
        from equinorm.report.latex import stand_alone
        from proofs.emit import latex
        from proofs.emit.typesetting import definition

        layer = f"{escape_latex(str(self.layer))}: " if self.layer is not None else ""
        names = self.verdicts[0][1].claim.grid.layout.names
        lines = [
            r"\begin{sloppypar}\noindent",
            f"{layer}{definition(self.term, names)}.",
            f"Claim: {escape_latex(self.claimed)}.",
            r"\end{sloppypar}",
        ]
        for name, found in self.verdicts:
            grids, verdict = self._grids(name), found.name.replace("_", " ")
            heading = escape_latex(f"{grids[:1].upper()}{grids[1:]}: {verdict}.")
            lines += ["", rf"\paragraph{{{heading}}}", *latex.evidence_lines(found)]
        return stand_alone("\n".join(lines), ("amsmath", "amssymb"), "Evidence")


def decide(
    layer: str | None = None,
    *,
    center: str | None = None,
    scale: str | None = None,
    affine: str | None = None,
    term: str | None = None,
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
) -> Decision:
    """Decide whether a layer or a term is equivariant.

    Args:
        layer: a catalogue name or ``norm[center=C, scale=CHW, affine=C]``.
        center: the axes of the centring, or ``empty``, or ``absent``; the steps stand in place of a layer.
        scale: the axes of the scaling.
        affine: the axes of the affine step.
        term: a term of x, par, mean, rsqrt, eps, numbers, + - * ^, in place of a layer.
        action: ``shift`` or ``translation``.
        scope: ``common`` or ``per-sample``.
        axes: the axes that move.
        domain: ``all``, ``nyquist-free`` or a band such as ``"3"``.
        nyquist: ``symmetric`` or ``project``.
        statistics: ``batch`` or ``running``.
        eps: a positive number as text, such as ``"1e-5"``.
        batch: the number of samples; every number from 2 up if left out.
        channels: the number of channels; every number from 2 up if left out.
        grid: ``5x7``, ``odd`` or ``even``; both families if left out.

    Returns:
        The decision with its verdict, reason and evidence. The conditions behind it generalise Theorems 1 and 2 of
        Scanvic, Barthélemy and Tachella (2025, arXiv 2505.19805).

    Raises:
        SpecificationError: options that contradict each other or name nothing.

    >>> decide("LayerNorm-AF", grid="odd").verdict
    'equivariant'
    >>> decide("LayerNorm-C", grid="5x7").verdict
    'not_equivariant'
    """
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
    return _answered(words)


def _answered(words: Words) -> Decision:
    subject = read_subject(words)
    if isinstance(subject, Normalization):
        named, term, eps = subject, compile_term(subject), subject.eps
    else:
        named, term = None, subject
        eps = DEFAULT_EPS if words.eps is None else parse_eps(words.eps)
    action, domain = read_action(words), read_domain(words)
    claims = [(name, Claim(term, action, grid, domain, eps)) for name, grid in read_grids(words)]
    return Decision(words, named, term, tuple((name, decide_claim(claim)) for name, claim in claims))
