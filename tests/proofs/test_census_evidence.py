"""What is kept of the census: the certificates of the paper's layers, beside the manifest."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from proofs.census.__main__ import main
from proofs.census.certify import Certifier
from proofs.census.evidence import CERTIFICATES, keep, place_of
from proofs.census.manifest import COMMITTED, MANIFEST, file_name, read, spelled
from proofs.emit.certificates import canonical
from tests.command import HOUSE, environment, run_command
from theory.calculus.compile import compile_term
from theory.calculus.setting import settings
from theory.calculus.simplify import numbered
from theory.decision.blocks import all_layers, blocks
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError

LAYERS = 17**3


def test_the_kept_certificates_are_accepted_by_the_kernel() -> None:
    assert {path.name for path in CERTIFICATES.iterdir()} == {f"{name}.jsonl" for name in CATALOGUE}
    done = run_command("check", str(CERTIFICATES))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "accepted 180, rejected 0")


def test_the_kept_certificates_are_what_is_written_now() -> None:
    certifier = Certifier()
    for name, entry in CATALOGUE.items():
        plain = compile_term(entry.layer)
        texts = []
        for block in blocks():
            claim = replace(block.claim, term=plain)
            texts.append(canonical(certifier.certificate(numbered(plain), claim, settings(claim))[1]))
        assert (CERTIFICATES / f"{name}.jsonl").read_text(encoding="ascii") == "".join(texts)


def test_what_is_kept_is_small() -> None:
    assert sum(path.stat().st_size for path in (COMMITTED, *CERTIFICATES.iterdir())) < 1_000_000


def test_the_source_distribution_holds_what_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling, of the extra 'test', builds the distribution")
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HOUSE / "proofs" / "census", source / "proofs" / "census", ignore=ignored)
    (source / "equinorm").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "equinorm/__init__.py"):
        shutil.copy(HOUSE / name, source / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=source, env=environment(), capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as held:
        names = {name.partition("/")[2] for name in held.getnames()}
    kept = {path.relative_to(HOUSE).as_posix() for path in (COMMITTED, *CERTIFICATES.iterdir())}
    assert len(kept) == 6
    assert kept <= names


@pytest.fixture(scope="module")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of a whole census; its lines name a block and a line."""
    folder, entries = tmp_path_factory.mktemp("census") / "census", []
    folder.mkdir()
    for block, entry in zip(blocks(), read(), strict=True):
        data = "".join(f"{file_name(block)} {line}\n" for line in range(LAYERS)).encode("ascii")
        (folder / file_name(block)).write_bytes(data)
        entries.append(replace(entry, sha256=hashlib.sha256(data).hexdigest()))
    (folder / MANIFEST).write_text(spelled(entries), encoding="utf-8")
    return folder


def test_of_a_census_the_lines_of_the_papers_layers_are_kept(census: Path, tmp_path: Path) -> None:
    written = keep(census, tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        MANIFEST,
        *(f"certificates/{name}.jsonl" for name in CATALOGUE),
    ]
    assert (tmp_path / MANIFEST).read_bytes() == (census / MANIFEST).read_bytes()
    for name, entry in CATALOGUE.items():
        lines = (tmp_path / "certificates" / f"{name}.jsonl").read_text().splitlines()
        place = place_of(entry.layer)
        assert compile_term(all_layers()[place]) == compile_term(entry.layer)
        assert lines == [f"{file_name(block)} {place}" for block in blocks()]


def test_a_census_with_another_sum_or_without_a_block_is_not_kept(census: Path, tmp_path: Path) -> None:
    before = COMMITTED.read_bytes()
    other = shutil.copytree(census, tmp_path / "other")
    changed = other / file_name(blocks()[20])
    changed.write_bytes(changed.read_bytes().replace(b"7\n", b"8\n", 1))
    with pytest.raises(SpecificationError, match=changed.name):
        keep(other, tmp_path)
    (other / MANIFEST).write_text(spelled(read()[1:]), encoding="utf-8")
    with pytest.raises(SpecificationError, match="the folder of a whole census"):
        keep(other, tmp_path)
    assert list(tmp_path.iterdir()) == [other]
    assert main([str(tmp_path)]) == 2
    assert main([]) == 2
    assert COMMITTED.read_bytes() == before
