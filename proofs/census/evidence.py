"""The evidence that is kept: of a whole census the manifest, and the certificates of the five layers of the paper.

For each layer of the catalogue a file, ``LayerNorm-AF.jsonl``, with one certificate for each block, in the order of the
blocks. Each is the line of that layer in the file of its block, whose sum the manifest names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from proofs.census.manifest import COMMITTED, MANIFEST, file_name, key_of, read
from theory.decision.blocks import Block, all_layers, blocks
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import refuse
from theory.spec.layers import Normalization

CERTIFICATES = COMMITTED.parent / "certificates"
"""The folder of the certificates of the paper's layers."""


def place_of(layer: Normalization) -> int:
    """The place of a layer among all layers, which is its line in the file of each block; epsilon is the same to it."""
    steps = (layer.center, layer.scale, layer.affine)
    return next(i for i, other in enumerate(all_layers()) if (other.center, other.scale, other.affine) == steps)


def keep(census: Path, into: Path = COMMITTED.parent) -> tuple[Path, ...]:
    """Copy what is kept of a census, and return the files.

    Args:
        census: the folder that ``equinorm census --out`` wrote, with all its blocks.
        into: the folder of the manifest and of the folder ``certificates``.

    Raises:
        SpecificationError: a folder without the whole census, or with a file whose sum is not that of its manifest.
    """
    manifest = census / MANIFEST
    if not manifest.is_file() or [entry.key for entry in read(manifest)] != [key_of(block) for block in blocks()]:
        raise refuse(f"census={census}", "the folder of a whole census", "write one by equinorm census --out")
    places = {name: place_of(entry.layer) for name, entry in CATALOGUE.items()}
    kept: dict[str, list[str]] = {name: [] for name in places}
    for block, entry in zip(blocks(), read(manifest), strict=True):
        lines = _lines(census, block, entry.sha256)
        for name, place in places.items():
            kept[name].append(lines[place])
    written = [into / MANIFEST]
    written[0].write_bytes(manifest.read_bytes())
    (into / CERTIFICATES.name).mkdir(exist_ok=True)
    for name, texts in kept.items():
        path = into / CERTIFICATES.name / f"{name}.jsonl"
        path.write_text("".join(texts), encoding="ascii", newline="\n")
        written.append(path)
    return tuple(written)


def _lines(census: Path, block: Block, sha256: str) -> list[str]:
    data = (census / file_name(block)).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise refuse(f"census={census}", f"{file_name(block)} as its manifest has it", "run the census anew")
    return data.decode("ascii").splitlines(keepends=True)
