"""A whole report, small: real theorems over a layout without channels, real measurements of one picture."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from equinorm.cli.errors import Status
from equinorm.cli.paper import paper as command
from equinorm.deriving import Derived
from equinorm.experiment.options import Options
from equinorm.files import MARKER
from equinorm.questions import Words
from equinorm.report import published, results, writing
from equinorm.report.certificates import marks
from equinorm.report.classes import ARRAYS, NEITHER, SHIFT, TRANSLATION, classify, differences
from equinorm.report.curves.computed import Seen, see
from equinorm.report.curves.drawing import KINDS
from equinorm.report.curves.files import names
from equinorm.report.curves.maps import noise
from equinorm.report.curves.subjects import read_drawn
from equinorm.report.measured import Measured
from equinorm.report.plan import Plan, full_plan, quick_plan
from equinorm.report.writing import FILES, Paper, write
from numerics.experiment.variants import variants
from numerics.resnet.architecture import POSITIONS, feature_shapes
from tests.command import HOUSE, run_python
from tests.equinorm.test_report_tables import balanced, compiles
from theory.decision.blocks import blocks
from theory.decision.synthesis import theorems
from theory.spec.actions import Scope
from theory.spec.axes import BCHW, Layout
from theory.spec.catalogue import CATALOGUE
from theory.spec.grids import ALL

EVEN_CROP, ODD_CROP = 128, 65  # maps of 64, 32, 16, 8, 4 and of 33, 17, 9, 5, 3 samples
SMALL = Plan(
    quick=True,
    derive_axes="HW",
    pictures=1,
    published=Options(crop=EVEN_CROP),
    split=(
        Options(dtype="float64", crop=EVEN_CROP),
        Options(dtype="float64", nyquist="project", crop=EVEN_CROP),
        Options(dtype="float64", crop=ODD_CROP),
    ),
    left_out=("nearly everything",),
)
WITHOUT_CHANNELS = Layout(tuple(axis for axis in BCHW if axis.name != "C"))
PROVED_BY = {
    TRANSLATION: {("translation", True)},
    SHIFT: {("shift", True), ("translation", False)},
    NEITHER: {("shift", False)},
}
"""For each class the verdicts it rests on: the action, and whether it is respected."""
VOID = {"meta", "link", "br", "img", "hr", "input"}


def small_derivation(axes: str | None, progress: object) -> Derived:
    """All theorems for both axes moving, over 729 layers instead of 4 913."""
    return Derived(theorems(tuple(b for b in blocks(layout=WITHOUT_CHANNELS) if b.axes == axes), workers=1))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "derive", small_derivation)
        yield write(SMALL, tmp_path_factory.mktemp("paper") / "report")


def text_of(paper: Paper, name: str) -> str:
    return (paper.out / name).read_text(encoding="utf-8")


@dataclass
class Page(HTMLParser):
    """What a page is made of; fails on elements that are not closed in order."""

    open: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} closes another element, line {self.getpos()[0]}"

    def handle_data(self, data: str) -> None:
        if not set(self.open) & {"style", "script", "svg"}:
            self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(paper: Paper) -> Page:
    found = Page()
    found.feed(text_of(paper, "index.html"))
    found.close()
    assert found.open == []
    return found


def test_the_folder_holds_the_files_and_nothing_else(paper: Paper) -> None:
    found = {file.relative_to(paper.out).as_posix() for file in paper.out.rglob("*") if file.is_file()}
    assert found == {*paper.files, MARKER}
    assert set(FILES) < set(paper.files)
    assert all((paper.out / name).stat().st_size > 0 for name in paper.files)
    assert [path.name for path in paper.out.parent.iterdir()] == ["report"]


def test_the_same_results_are_written_as_the_same_bytes(paper: Paper, tmp_path: Path) -> None:
    assert writing._write(paper.results, tmp_path) == paper.accepted
    for name in paper.files:
        assert (tmp_path / name).read_bytes() == (paper.out / name).read_bytes(), name


def test_the_page_is_self_contained(page: Page, paper: Paper) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            target = attributes.get(name)
            if target is not None:
                assert target.startswith(("#", "data:")) or target in paper.files, (tag, name, target)
    source = text_of(paper, "index.html")
    assert "@import" not in source
    assert not re.search(r"url\((?!#)", source)
    assert {attributes.get("rel") for attributes in page.named("link")} == {"icon"}


def test_links_and_labels_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    asked = [a["href"][1:] for a in page.named("a") if a["href"].startswith("#")]
    for _, attributes in page.elements:
        asked += attributes.get("aria-labelledby", "").split()
    assert len(asked) > len(CATALOGUE) * len(ARRAYS) * len(Scope)
    assert set(asked) <= set(ids)


def test_every_figure_has_a_text_alternative(page: Page) -> None:
    drawings = page.named("svg")
    assert len(drawings) == 2
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert len(drawing["aria-labelledby"].split()) == 2
    assert all(image.get("alt") for image in page.named("img"))
    assert page.named("html")[0]["lang"] == "en"


def test_curves_stand_on_the_page_and_in_the_folder(paper: Paper, tmp_path: Path) -> None:
    """A full report shows the named layers on two inputs; here one of them, small, stands for both."""
    given = noise((1, 1, 4, 4), BCHW.spatial, ALL, 0, "float64")
    words = Words(layer="InstanceNorm")
    seen = Seen(given, Scope.COMMON, "float64", (see(read_drawn(words, 0, "float64"), words, given),))
    full = Paper(tmp_path, replace(paper.results, curves=(seen, seen)), paper.accepted)
    writing._write(full.results, tmp_path)
    assert {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()} == {*full.files}
    assert len(full.files) == len(paper.files) + 2 * len(names())
    found = Page()
    found.feed((tmp_path / "index.html").read_text(encoding="utf-8"))
    drawings = found.named("svg")
    assert len(drawings) == 2 + 2 * len(KINDS)
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert set(drawing["aria-labelledby"].split()) <= set(ids)
    text = "".join(found.text)
    assert [f"Figure {number}. " in text for number in range(1, 11)] == [True] * 10
    assert "The same on noise" in text
    for name in names("noise-"):
        assert f'href="{name}"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    run = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert [one["input"] for one in run["curves"]] == ["noise", "noise"]


def test_headings_skip_no_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_published_number_stands_on_the_page(page: Page) -> None:
    text = "".join(page.text)
    for estimate in (*published.errors().values(), *published.errors_by_mode().values()):
        assert estimate.mean is not None
        mantissa, power = f"{estimate.mean:.2e}".split("e")
        shown = f"{mantissa}·10−{-int(power)}" if int(power) < -2 else f"{estimate.mean:.3f}"
        assert shown in text


def test_the_page_holds_theorems_counts_and_evidence(page: Page, paper: Paper) -> None:
    text = "".join(page.text)
    for theorem in paper.results.derived.theorems:
        assert f"{theorem.equivariant} of {theorem.rows} layers" in text
    assert len(page.named("math")) > 100
    for one in paper.results.classified:
        assert any(attributes.get("id") == one.anchor for _, attributes in page.elements)
    for rule in paper.results.rules:
        assert rule.mathml in text_of(paper, "index.html")
    assert "nearly everything" in text
    assert "He initialization with seed 0" in text


def test_the_template_holds_sentences_and_no_results() -> None:
    """Outside of expressions and formulas it has no numbers but those of the protocol, and of names and headings."""
    source = (HOUSE / "equinorm" / "report" / "templates" / "page.html.j2").read_text(encoding="utf-8")
    source = re.sub(
        r"\{\{.*?\}\}|\{%.*?%\}|<math.*?</math>|<head>.*?</head>|<script>.*?</script>", "", source, flags=re.S
    )
    source = re.sub(r"<nav.*?</nav>|<h\d>\d|<[^>]*>", "", source, flags=re.S).replace("&nbsp;", " ")
    protocol = r"1 − cosine|10−6|10−18|√2/4|\b1/[24]|relative L2|are 1 and 0|frequency 0|N/2|ResNet-18"
    names = r"2505\.19805|\(2025\b|section 8|Theorem 2|Figure [12]"
    assert re.findall(r".{0,20}\d.{0,20}", re.sub(f"{protocol}|{names}", "", source)) == []


def test_table_1_is_the_published_one(paper: Paper) -> None:
    assert paper.as_published
    found = {(one.layer, one.scope): one.found for one in paper.results.classified if one.arrays.key == "odd"}
    assert found == {(layer, scope): kind for layer, kind in published.equivariance().items() for scope in Scope}


def test_a_class_that_is_not_as_published_is_no_success(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    found = replace(paper.results.findings, agreeing=paper.results.findings.agreeing - 1)
    other = replace(paper, results=replace(paper.results, findings=found))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    for written, status in ((paper, Status.DONE), (other, Status.DOES_NOT_HOLD)):
        monkeypatch.setattr(writing, "paper", lambda *_, written=written: written)
        answer = command(paper.out, quick=True, json=True)
        assert answer.status is status
        assert json.loads(answer.render())["classes"] == published.equivariance()


def test_every_class_links_to_a_certificate_of_each_of_its_verdicts(paper: Paper) -> None:
    """The file that a cell links to states what the cell says, about the layer and the arrays of its row and column."""
    table = writing.table1(paper.results.classified, marks(paper.results.certified))
    linked = 0
    for row, beside in zip(table.rows, table.marks, strict=True):
        cells = [one for one in paper.results.classified if one.layer == row[0]]
        assert [len(found) for found in beside[:-6]] == [0] * 5
        for one, found in zip(cells, beside[-6:], strict=True):
            stated = [json.loads(text_of(paper, mark.file))["statement"] for mark in found]
            actions = {(s["action"], s["claim"] == "equivariant") for s in stated}
            assert actions == PROVED_BY[one.found]
            assert {mark.text for mark in found} == {action[:1].upper() for action, _ in actions}
            for s in stated:
                claim = one.decisions[0].verdicts[0][1].claim
                assert (s["term"], s["scope"]) == (str(claim.term), one.scope.value)
                assert s["domain"] == one.arrays.domain
                assert [axis["size"][0] % 2 for axis in s["axes"][2:]] == [one.arrays.grid == "odd"] * 2
            for mark in found:
                linked += 1
                for name in ("index.html", "table1.md", "table1.tex"):
                    assert mark.file in text_of(paper, name)
    assert linked == paper.accepted == len(paper.results.certified) == len(paper.files) - len(FILES)
    assert linked > len(CATALOGUE) * len(ARRAYS) * len(Scope)


def test_the_kernel_alone_accepts_the_certificates_that_were_written(paper: Paper) -> None:
    files = sorted((paper.out / "certificates").iterdir())
    done = run_python("-S", "-m", "proofs.kernel", *map(str, files))
    assert (done.returncode, done.stdout) == (0, f"accepted {len(files)}, rejected 0\n")
    assert f"accepted {len(files)}, rejected 0" in paper.text()
    assert f"accepted {len(files)}, rejected 0" in text_of(paper, "index.html")


def test_a_rejected_certificate_leaves_no_report(paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *rest = paper.results.certified
    document = json.loads(first.text)
    document["statement"]["term"] += " + par(HW)"
    false = replace(paper.results, certified=(*rest, replace(first, text=json.dumps(document))))
    monkeypatch.setattr(writing, "compute", lambda *_: false)
    with pytest.raises(ArithmeticError, match=f"{first.file}: the kernel rejects"):
        write(SMALL, tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_another_class_is_noticed() -> None:
    one = classify("LayerNorm-C", ARRAYS[0], Scope.COMMON)
    assert differences((one,)) == ()
    assert differences((replace(one, found=NEITHER),)) == (replace(one, found=NEITHER),)


def above_rounding(one: Measured, layer: str) -> float:
    """The share of the errors under translations that exceed their rounding bound."""
    rows = one.rows(transformation="translation", layer=layer)
    pairs = zip(rows.column("relative_l2").to_pylist(), rows.column("rounding_bound").to_pylist(), strict=True)
    found = [error > bound for error, bound in pairs]
    return sum(found) / len(found)


def test_parity_and_policy_part_the_errors(paper: Paper) -> None:
    """The conclusion of the page, on small maps: odd maps and projected ones are at rounding, even ones are not."""
    found = paper.results.findings
    assert found.odd_length.high < 1e-10 * found.even_length.low
    assert found.odd_cosine.high < 1e-10 * found.even_cosine.high
    one_sided, projected, odd = paper.results.split
    for layer in ("InstanceNorm", "LayerNorm-AF"):
        assert above_rounding(one_sided, layer) == 1
        assert above_rounding(projected, layer) == above_rounding(odd, layer) == 0
    assert "LayerNorm-AF" in found.blind
    assert "BatchNorm" not in found.blind
    assert found.leaks["LayerNorm-C"] > 1e6 * found.leaks["InstanceNorm"]


def test_results_hold_every_row_of_every_run(paper: Paper) -> None:
    table = pyarrow.parquet.read_table(paper.out / "results.parquet")
    assert table.num_rows == 4 * len(POSITIONS) * len(variants()) * 2
    assert set(table.column("crop").to_pylist()) == {EVEN_CROP, ODD_CROP}
    assert text_of(paper, "results.csv").count("\n") == table.num_rows + 1


def test_the_run_is_described_without_clock_and_place(paper: Paper) -> None:
    text = text_of(paper, "run.json")
    data: dict[str, Any] = json.loads(text)
    assert data["weights"] == {"kind": "he", "seed": 0, "calibrated_on": 1}
    assert [run["options"] for run in data["runs"]] == [o.document() for o in (SMALL.published, *SMALL.split)]
    assert [image["name"] for image in data["runs"][0]["images"]["used"]] == ["astronaut"]
    assert {"sympy", "numpy", "matplotlib"} <= data["libraries"].keys()
    assert data["options"] == {"quick": True}
    assert str(paper.out) not in text
    assert str(Path.home()) not in text.replace('"/"', "") or str(Path.home()) == "/"
    document = paper.document()
    assert document["classes"] == published.equivariance()
    assert document["files"] == list(paper.files)
    assert document["certificates"] == data["certificates"] == {"accepted": paper.accepted, "rejected": 0}


def test_theorems_stand_in_markdown_word_for_word(paper: Paper) -> None:
    text = text_of(paper, "theorems.md")
    for theorem in paper.results.derived.theorems:
        assert f"`{theorem.text}`" in text
    for rule in paper.results.rules:
        assert f"`{rule.text.replace('|', 'or')}`" in text


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".tex")])
def test_latex_is_balanced(paper: Paper, name: str) -> None:
    assert balanced(text_of(paper, name))


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".tex")])
def test_latex_compiles_by_itself_and_inside_a_document(paper: Paper, name: str, tmp_path: Path) -> None:
    shutil.copy(paper.out / name, tmp_path)
    compiles(tmp_path, name)


def test_plans_measure_the_published_setting_and_both_parities() -> None:
    for plan in (full_plan(), quick_plan()):
        assert plan.published == Options()
        first, last = plan.split[0], plan.split[-1]
        assert {one.dtype for one in plan.split} == {"float64"}
        assert {one.nyquist for one in plan.split if one.crop == first.crop} == {"one-sided", "symmetric", "project"}
        assert all(shape[1] % 2 for shape in feature_shapes(last.crop, last.crop).values())
        assert bool(plan.left_out) == plan.quick
        assert plan.curves is not plan.quick
