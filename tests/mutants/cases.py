"""Questions with known answers, each there for a side condition that would give another answer if it were weaker.

The answers are consequences of the definitions, worked out by hand in the names or measured (:mod:`tests.theory.brute`
measures each of them too).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from equinorm.deciding import Decision, decide
from proofs.emit.certificates import canonical, certificate
from proofs.kernel.checking import verdict as refusal

YES, NO, OPEN = "equivariant", "not_equivariant", "unknown"


class KernelRejects(AssertionError):
    """The kernel rejects the evidence for an answer."""


@dataclass(frozen=True)
class Case:
    """A question in the words of the command line, and the verdicts that may be given."""

    name: str
    options: dict[str, str | int] = field(hash=False)
    allowed: tuple[str, ...]

    def ask(self) -> Decision:
        return decide(**self.options)  # type: ignore[arg-type]

    def run(self) -> None:
        """Ask, let the kernel check the evidence, and compare the verdict with the answer."""
        decision = self.ask()
        for _, verdict in decision.verdicts:
            found = certificate(verdict)
            reason = None if found is None else refusal(canonical(found))
            if reason is not None:
                raise KernelRejects(f"{self.name}: {reason}")
        answer = decision.verdict
        assert answer in self.allowed, f"{self.name}: {answer}, and not {' or '.join(self.allowed)}"


def case(name: str, allowed: str | tuple[str, ...], *, grid: str, **options: str | int) -> Case:
    """A case with two samples and two channels where the question does not say."""
    given: dict[str, str | int] = {"grid": grid, "batch": 2, "channels": 2, **options}
    if grid in ("odd", "even"):
        del given["batch"], given["channels"]
    return Case(name, given, (allowed,) if isinstance(allowed, str) else allowed)


SHIFT = {"action": "shift"}
APART = {"action": "shift", "scope": "per-sample"}
HEIGHT = {"action": "shift", "scope": "per-sample", "axes": "H"}
EMPTY_C = {"center": "empty"}

# Small ones first: where a rule is lost, the search for a counterexample that is not there ends soon.
CASES = (
    case("mean square of three samples", YES, grid="1x3", batch=1, channels=1, term="mean(x^2, W)"),
    case("square of five samples, band 1", YES, grid="3x5", batch=1, channels=1, term="x^2", domain="1", axes="W"),
    case("channels of three samples centered", YES, grid="1x3", batch=1, layer="norm[center=C]"),
    case("a gain for each channel of three samples", YES, grid="1x3", batch=1, term="x*par(C)"),
    case("a root of three samples under shifts", YES, grid="1x3", batch=1, layer="norm[scale=C]", **SHIFT),
    # The mean over the moving axis, and the band.
    case("mean square of odd maps", YES, grid="odd", term="mean(x^2, HW)"),
    case("mean square of all even maps", NO, grid="4x4", term="mean(x^2, HW)"),
    case("mean square of all even maps of any size", NO, grid="even", term="mean(x^2, HW)"),
    case("mean square without the Nyquist bin", YES, grid="even", term="mean(x^2, HW)", domain="nyquist-free"),
    case("mean of the 4th power, L = N", NO, grid="4x4", term="mean(x^4, HW)", domain="1"),
    case("mean of the 4th power, L < N", YES, grid="5x5", term="mean(x^4, HW)", domain="1"),
    case("mean of the cube, L = N, Nyquist-free", NO, grid="6x6", term="mean(x^3, HW)", domain="nyquist-free"),
    case(
        "mean of the cube, L < N on the smallest map only", NO, grid="even", term="mean(x^3, HW)", domain="nyquist-free"
    ),
    case("mean of the cube, L > N", NO, grid="5x5", term="mean(x^3, HW)"),
    case("4th powers of three centered samples", (YES, OPEN), grid="1x3", term="mean((x - mean(x, W))^4, W)"),
    # Closing and degrees.
    case("square, 2L = N", NO, grid="4x4", term="x^2", domain="1"),
    case("square, 2L < N", YES, grid="5x5", term="x^2", domain="1"),
    case("square of all odd maps", NO, grid="5x5", term="x^2"),
    case("cube, 2L > N", NO, grid="5x5", term="x^3", domain="1"),
    case("cube, L = N - 1", NO, grid="7x7", term="x^3", domain="2"),
    case("a power far above the samples", NO, grid="5x5", term="x^64"),
    case("sum of degrees 1 and 3", NO, grid="5x5", term="x + x^3", domain="1"),
    case("product of degrees 1 and 2", NO, grid="5x5", term="x*mean(x^2, C)", domain="1"),
    # Pointwise functions.
    case("a root has no degree", NO, grid="7x7", layer="LayerNorm-C", domain="1"),
    case("a root of a map under translations", NO, grid="5x5", layer="LayerNorm-C"),
    case("a root of a map under shifts", YES, grid="even", layer="LayerNorm-C", **SHIFT),
    case("a root of one, added", NO, grid="5x5", term="x*rsqrt(x^2 + 1)"),
    case("a root of twice a square", NO, grid="5x5", term="x*rsqrt(2*x^2 + 1)"),
    case("a root of the map itself", NO, grid="5x5", term="rsqrt(x + 10)"),
    case("a root of an invariant", YES, grid="odd", layer="InstanceNorm"),
    # Means over entries.
    case("samples that move apart, averaged", NO, grid="5x5", layer="norm[center=B]", **APART),
    case("samples that move apart, averaged, band 1", NO, grid="5x5", layer="norm[center=B]", domain="1", **APART),
    case("samples that move apart, squares averaged", NO, grid="5x5", layer="norm[center=HW, scale=B]", **APART),
    case("samples that move apart, invariants averaged", YES, grid="odd", layer="BatchNorm", scope="per-sample"),
    case(
        "samples that move apart, channels and then samples averaged",
        NO,
        grid="5x5",
        term="mean(mean(x, C), B)",
        **APART,
    ),
    case("samples that move alike, averaged", YES, grid="even", layer="norm[center=B]"),
    case("channels averaged", YES, grid="odd", layer="LayerNorm-AF", scope="per-sample"),
    # Parameters.
    case("a gain that varies along the map", NO, grid="5x5", term="x*par(H)"),
    case("a bias that varies along the map", NO, grid="5x5", term="x + par(H)", **SHIFT),
    case("a bias of period 2 on two samples", NO, grid="2x3", term="x + par(H)", **SHIFT),
    case("a gain that is a sum and varies", NO, grid="5x5", term="x*(par(H) + par(C))", **SHIFT),
    case("a bias that is a product and varies", NO, grid="5x5", term="x + 2*par(H)", **SHIFT),
    case("a gain that varies along the axis at rest", YES, grid="5x5", term="x*par(H)", axes="W"),
    case("a gain for each channel", YES, grid="even", term="x*par(C) + par(C)", scope="per-sample"),
    case("the mean of a parameter", YES, grid="even", term="x*mean(par(BHW), BHW)", scope="per-sample"),
    case("the mean of a parameter and a square", NO, grid="4x4", term="mean(x^2 + par(H), HW)"),
    case("the mean of a parameter times a square", NO, grid="4x4", term="mean(x^2*par(H), HW)"),
    case("two parameters are two", NO, grid="5x5", term="x + par(H) - par(H)"),
    # Products and sums.
    case("a product of two maps under shifts", YES, grid="even", term="x*mean(x, C)", **SHIFT),
    case("a product of two maps", NO, grid="5x5", term="x*mean(x, C)"),
    case("a sum of a map and a square", NO, grid="5x5", term="x + x^2"),
    case("a map and a number, averaged over samples", NO, grid="5x5", term="mean(x + 1, B)", **APART),
    case("twice a square minus the square", NO, grid="5x5", term="2*x^2 - x^2"),
    case("like terms cancel", YES, grid="5x5", term="x^2 + x - 2*x^2 + x^2"),
    case(
        "means that cancel when expanded",
        YES,
        grid="4x4",
        term="(x + mean(x, C))*(x - mean(x, C)) - x^2 + mean(x, C)^2",
    ),
    # Two samples.
    case("two samples alternate", YES, grid="2x3", layer="norm[center=H, scale=B]", **HEIGHT),
    case("three samples do not", NO, grid="3x3", layer="norm[center=H, scale=B]", **HEIGHT),
    case("four samples do not", NO, grid="4x3", layer="norm[center=H, scale=B]", **HEIGHT),
    case("not if channels are centered too", NO, grid="2x3", layer="norm[center=CH, scale=B]", **HEIGHT),
    case("odd powers of two samples move", NO, grid="2x3", term="mean((x - mean(x, H))^3, B)", **HEIGHT),
    case("with a number added they move", NO, grid="2x3", term="mean(((x - mean(x, H))*par(C) + 1)^2, B)", **HEIGHT),
    case("times the map they move", NO, grid="2x3", term="mean((x - mean(x, H))*x*par(C), B)", **HEIGHT),
    case("translations see the Nyquist bin", NO, grid="2x3", term="(x - mean(x, H))^2", axes="H"),
    # Degenerate axes, and several axes.
    case("centering over no axes", YES, grid="5x4", scale="C", affine="C", **EMPTY_C),
    case("an axis of one sample", YES, grid="1x1", layer="norm[center=C, scale=C, affine=HW]"),
    case("a map of two samples varies", NO, grid="2x2", layer="LayerNorm-C"),
    case("every moving axis counts, H", NO, grid="5x5", layer="norm[scale=W]"),
    case("every moving axis counts, W", NO, grid="5x5", layer="norm[scale=H]"),
)
