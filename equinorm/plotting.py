"""The verb ``plot``: four charts of any layer and any input, each with its numbers and with what is predicted."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinorm.checks import check_whole
from equinorm.files import replacing_folder
from equinorm.progress import Listener, Progress
from equinorm.questions import Words, read_action, read_domain, read_grids
from equinorm.report.curves.computed import PARTS, Panel, Seen, see
from equinorm.report.curves.files import document, names, write
from equinorm.report.curves.maps import Maps, noise, own
from equinorm.report.curves.reading import read_maps
from equinorm.report.curves.subjects import read_drawn
from equinorm.report.curves.words import SENTENCES, TITLES
from numerics.backends import DTYPES
from theory.spec.errors import refuse

GRID, BATCH, CHANNELS = "16x16", 2, 4
"""The noise that is drawn where no input is given."""


@dataclass(frozen=True)
class Plotted:
    """What the charts show; ``out`` is the folder that was written, if any."""

    seen: Seen
    seed: int
    out: Path | None

    @property
    def panel(self) -> Panel:
        """The numbers of all four charts."""
        return self.seen.panels[0]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that were written, by their names within the folder."""
        return () if self.out is None else names()

    def document(self) -> dict[str, Any]:
        """All numbers as plain data."""
        import equinorm

        found = document(self.seen)
        (subject,) = found.pop("subjects")
        out = None if self.out is None else str(self.out)
        return {
            "verb": "plot",
            "version": equinorm.__version__,
            "seed": self.seed,
            **subject,
            **found,
            "out": out,
            "files": list(self.files),
        }

    def text(self) -> str:
        """The answer for a terminal."""
        maps = self.seen.input
        shape = "x".join(map(str, maps.given.shape))
        lines = [
            f"subject: {self.panel.name}",
            f"input:   {maps.described}, {shape}, {self.seen.dtype}, seed {self.seed}",
            *(line for kind, sentence in SENTENCES.items() for line in ("", TITLES[kind], f"  {sentence(self.panel)}")),
        ]
        if self.out is not None:
            lines += ["", f"{len(self.files)} files in {self.out}: {', '.join(self.files)}"]
        return "\n".join(lines)


def plot(
    layer: str | None = None,
    *,
    center: str | None = None,
    scale: str | None = None,
    affine: str | None = None,
    term: str | None = None,
    input: str | Path | None = None,
    scope: str = "common",
    axes: str = "HW",
    domain: str = "all",
    nyquist: str = "symmetric",
    statistics: str | None = None,
    eps: str | None = None,
    batch: int | None = None,
    channels: int | None = None,
    grid: str | None = None,
    dtype: str = "float64",
    seed: int = 0,
    out: str | Path | None = None,
    progress: Listener | None = None,
) -> Plotted:
    """Draw a layer or a term on an input: spectrum, and error against displacement, map size and band.

    Beside every error stands what rounding may make of it, and beside the bands the threshold that the calculus
    predicts for arrays of this very shape. Parameters are drawn from N(0, 1).

    Args:
        layer: a catalogue name or ``norm[center=C, scale=CHW, affine=C]``; or the steps, or a term, as ``decide``.
        center: the axes of the centring.
        scale: the axes of the scaling.
        affine: the axes of the affine step.
        term: a term of x, par, mean, rsqrt, eps, numbers, + - * ^.
        input: a .npy, .npz or .safetensors file of one array (B, C, H, W) or (C, H, W); noise if left out.
        scope: ``common``, or ``per-sample``: the samples move by one, two, three ... times the displacement.
        axes: the axes that move.
        domain: ``all``, ``nyquist-free`` or a band: what the input loses before the charts but the last.
        nyquist: ``symmetric``, or ``project``, by which all arrays are Nyquist-free ones.
        statistics: ``batch`` or ``running``; running ones are parameters.
        eps: a positive number as text.
        batch: samples of the noise.
        channels: channels of the noise.
        grid: height and width of the noise, as ``16x16``.
        dtype: ``float64`` or ``float32``, in which everything is computed.
        seed: of the noise and of the parameters.
        out: a folder for the charts (SVG, PDF) and their numbers (CSV, JSON), complete or absent; None draws nothing.
        progress: is told the share done.

    Raises:
        SpecificationError: options that contradict each other or name nothing, an input that cannot be used, an
            ``out`` that cannot be written, which is tried before any work begins.

    >>> found = plot(term="x^2", grid="8x8", batch=1, channels=1)
    >>> found.panel.threshold.proved, found.panel.seen
    (1, 1)
    """
    words = Words(
        layer=layer,
        center=center,
        scale=scale,
        affine=affine,
        term=term,
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
    if dtype not in DTYPES:
        raise refuse(f"dtype={dtype}", " or ".join(DTYPES))
    check_whole("seed", seed, 0)
    drawn = read_drawn(words, seed, dtype)
    maps = _maps(words, input, dtype, seed)
    with ExitStack() as stack:
        partial = None if out is None else stack.enter_context(replacing_folder(out))
        working = Progress("computing the curves", PARTS + (partial is not None), progress)
        panel = see(drawn, words, maps, lambda: working.step(1))
        seen = Seen(maps, read_action(words).scope, dtype, (panel,))
        if partial is not None:
            write(seen, partial)
            working.step(1)
    return Plotted(seen, seed, None if out is None else Path(out))


def _maps(words: Words, path: str | Path | None, dtype: str, seed: int) -> Maps:
    moving, domain = read_action(words).moving, read_domain(words)
    if path is None:
        maps = noise(_noise_shape(words), moving, domain, seed, dtype)
    else:
        for name in ("grid", "batch", "channels"):
            if getattr(words, name) is not None:
                raise refuse(f"{name}={getattr(words, name)}", f"no {name} beside an input", "its array has a shape")
        maps = own(read_maps(path), Path(path).name, moving, domain, dtype)
    height, width = maps.given.shape[-2:]
    if domain.band is not None and 2 * domain.band >= min(height, width):
        raise refuse(f"domain={domain.band}", f"a band K with 2K < {min(height, width)}, the samples of an axis")
    return maps


def _noise_shape(words: Words) -> tuple[int, ...]:
    batch, channels = (
        least if value is None else value for value, least in ((words.batch, BATCH), (words.channels, CHANNELS))
    )
    given = Words(grid=words.grid or GRID, batch=batch, channels=channels)
    ((_, grid),) = read_grids(given)
    if not grid.exact:
        raise refuse(f"grid={given.grid}", "two sizes such as 16x16", "a family of grids cannot be drawn")
    return tuple(size.least for size in grid.sizes)
