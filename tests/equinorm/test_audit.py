"""The audit names the layer that is at fault, and no other: planted faults, and three networks with two paddings."""

from __future__ import annotations

import copy
import random
from dataclasses import replace

import numpy as np
import pytest

from equinorm.auditing import Audit, audit
from theory.spec.actions import ActionKind

torch = pytest.importorskip("torch", reason="torch is not installed: the audit looks at its networks")
networks = pytest.importorskip("tests.equinorm.networks")

SHIFT, TRANSLATION = ActionKind.SHIFT, ActionKind.TRANSLATION
SHIFTS_KEPT = ("RMSNorm over W", "RMSNorm over C", "LayerNorm over C", "ReLU", "ReLU in place", "GELU", "square")
SHIFTS_KEPT += ("stride", "pooling", "upsampling")


def images(size: int, batch: int = 3, width: int | None = None) -> np.ndarray:
    """Noise: every frequency is there."""
    return np.random.default_rng(0).standard_normal((batch, 3, size, width or size))


def above(found: Audit, kind: ActionKind) -> list[str]:
    return [row.title for row in found.rows if row.exceeds(kind)]


@pytest.mark.parametrize("batch", [1, 3])
def test_a_sound_network_has_no_defect(batch: int) -> None:
    found = audit(networks.sound(), images=images(15, batch))
    assert (found.first(), len(found.rows)) == (None, 5)
    assert all(row.own[kind].error <= row.own[kind].bound < 1e-11 for row in found.rows for kind in found.kinds)
    assert all(row.carried[kind].output < 1e-12 for row in found.rows for kind in found.kinds)
    assert [row.about.specification for row in found.rows[1::2]] == ["norm[center=C, scale=CHW, affine=C]"] * 2
    assert found.rows[1].verdicts["translation"][0] == "equivariant"


@pytest.mark.parametrize("fault", networks.FAULTS)
def test_exactly_the_planted_layer_is_named(fault: str) -> None:
    place, make = networks.FAULTS[fault]
    found = audit(networks.planted(place, make()), images=images(15))
    assert {name.partition(".")[0] for name in above(found, TRANSLATION)} == {str(place)}
    assert above(found, SHIFT) == ([] if fault in SHIFTS_KEPT else above(found, TRANSLATION))
    row = found.first()
    assert row is not None
    # What comes before carries nothing, what comes from it does.
    assert row.carried[TRANSLATION].input < 1e-12 < 1e-4 < row.carried[TRANSLATION].output
    assert row.carried[TRANSLATION].difference == row.carried[TRANSLATION].output - row.carried[TRANSLATION].input


@pytest.mark.parametrize(
    ("layer", "specification", "remark"),
    [
        (networks.RMSNorm2d((3,)), "norm[scale=W]", ""),
        (networks.RMSNorm2d((1, 2, 3), about=True), "norm[scale=CHW]", "mean square of x - mean(x, CHW)"),
        (networks.RMSNorm2d((1, 2, 3), eps=0.1, outside=True), "norm[scale=CHW]", "place of epsilon: outside the root"),
        (networks.InstanceNorm2d(), "norm[center=CHW, scale=CHW]", "its name is that of InstanceNorm"),
    ],
)
def test_a_stranger_is_recognized_by_its_values(layer: object, specification: str, remark: str) -> None:
    found = audit(networks.planted(3, layer), images=images(15))
    row = found.rows[3]
    assert row.about.kind == "normalization"
    assert row.about.specification == specification
    assert remark in "; ".join(row.about.remarks)
    assert bool(row.about.remarks) == bool(remark)
    assert remark in found.text()
    # Its verdict, where there is one, is that of the calculus, and the numbers agree.
    if row.verdicts:
        assert (row.verdicts["translation"][0] == "not_equivariant") == row.exceeds(TRANSLATION)


@pytest.mark.parametrize("padding", ["zeros", "circular"])
def test_resnet(padding: str) -> None:
    found = audit(networks.resnet(padding), images=images(64, 2))
    rows = {row.title: row for row in found.rows}
    assert "4.relu (call 2)" in rows
    shifts = {rows[title].about.specification for title in above(found, SHIFT)}
    assert all("padding=" in specification for specification in shifts)
    assert any(specification.startswith("conv") for specification in shifts) == (padding == "zeros")
    assert all(rows[title].about.kind != "normalization" for title in above(found, TRANSLATION))
    assert rows["1"].about.specification == "norm[center=BHW, scale=BHW, affine=C, statistics=running]"
    assert rows["12"].own.keys() == {SHIFT, TRANSLATION}  # pooled to one pixel: invariant
    assert rows["12"].own[TRANSLATION].error < 1e-14
    assert rows["14"].reason == "its input (2, 64) holds no map"
    assert found.facts["steps"] == [32, 32]
    assert ("iadd" in {name.strip("_") for name, _, _ in found.unseen}) or ("add" in {n for n, _, _ in found.unseen})
    first = found.first(SHIFT)
    assert first is not None
    assert ("padding zeros: not circular at the border of the map" in found.conclusion(SHIFT)) == (padding == "zeros")


@pytest.mark.parametrize("padding", ["zeros", "circular"])
def test_convnext(padding: str) -> None:
    found = audit(networks.convnext(padding), images=images(36))
    rows = {row.title: row for row in found.rows}
    assert rows["1.norm"].about.specification == "norm[center=C, scale=C, affine=C, eps=1/1000000]"
    assert rows["1.norm"].verdicts["shift"][0] == "equivariant"
    assert rows["1.norm"].verdicts["translation"][0] == "not_equivariant"
    assert rows["1.depthwise"].about.specification == f"conv[7, depthwise, padding={padding}]"
    shifts = [] if padding == "circular" else ["1.depthwise", "2.depthwise"]
    assert above(found, SHIFT) == shifts
    assert {"1.norm", "1.gelu", "0"} <= set(above(found, TRANSLATION))
    assert rows["1.wider"].own[TRANSLATION].error < 1e-13
    assert rows["1.grn"].own[SHIFT].error < 1e-13
    assert {name for name, place, _ in found.unseen if place == "1"} == {"add"}


@pytest.mark.parametrize("padding", ["zeros", "circular"])
def test_unet(padding: str) -> None:
    found = audit(networks.unet(padding), images=images(24))
    rows = {row.title: row for row in found.rows}
    assert [rows[name].about.kind for name in ("up2", "up1", "pool", "join")] == [
        "convolution",
        "resampling",
        "pooling",
        "other",
    ]
    assert rows["join"].own[TRANSLATION].error < 1e-13  # two maps that move together
    expected = {"up1"} if padding == "circular" else {"up1", "down1", "down2", "middle", "out1", "out2"}
    assert set(above(found, SHIFT)) == expected
    assert {"pool", "pool (call 2)", "up2", "up1"} <= set(above(found, TRANSLATION))
    assert {name for name, _, _ in found.unseen} == {"relu"}


def test_sizes_that_do_not_divide_are_named() -> None:
    found = audit(networks.planted(2, networks.circular(6, 6, stride=2)), images=images(15))
    assert found.rows[2].reason == "15x15 to 8x8: no grid that the stride induces"
    assert found.rows[3].own[TRANSLATION].error > 1e-6  # 8 is even: the Nyquist bin
    assert found.rows[3].carried[SHIFT].output is None
    assert "not compared before it: 2" in found.conclusion(TRANSLATION)


def test_the_nyquist_bin_can_be_left_out() -> None:
    network = networks.sound()
    assert above(audit(network, images=images(16)), TRANSLATION) == ["1", "3"]
    found = audit(network, images=images(16), nyquist="project")
    assert found.first() is None
    assert found.rows[1].verdicts["translation"][0] == "equivariant"
    stride = audit(networks.planted(2, networks.circular(6, 6, stride=2)), images=images(16), nyquist="project")
    assert above(stride, TRANSLATION) == ["2"]
    assert above(stride, SHIFT) == []


@pytest.mark.parametrize(
    ("layer", "shape", "specification"),
    [
        (torch.nn.BatchNorm2d(6), (15, 15), "norm[center=BHW, scale=BHW, affine=C]"),
        (torch.nn.BatchNorm2d(6, affine=False).eval(), (15, 15), "norm[center=BHW, scale=BHW, statistics=running]"),
        (torch.nn.InstanceNorm2d(6), (15, 15), "norm[center=HW, scale=HW]"),
        (torch.nn.GroupNorm(1, 6), (15, 15), "norm[center=CHW, scale=CHW, affine=C]"),
        (torch.nn.GroupNorm(3, 6), (15, 15), "norm[center=CHW, scale=CHW, affine=GC]"),
        (torch.nn.LayerNorm((6, 15, 17)), (15, 17), "norm[center=CHW, scale=CHW, affine=CHW]"),
        (torch.nn.LayerNorm((15, 17), elementwise_affine=False), (15, 17), "norm[center=HW, scale=HW]"),
        (torch.nn.RMSNorm(17, eps=1e-5), (15, 17), "norm[scale=W, affine=W]"),
    ],
)
def test_classes_of_torch_are_what_their_attributes_say(
    layer: object, shape: tuple[int, int], specification: str
) -> None:
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    found = audit(networks.planted(1, layer), images=images(shape[0], 3, shape[1]))
    row = found.rows[1]
    assert row.about.specification == specification
    for kind in found.kinds:
        assert (row.verdicts[kind.value][0] == "equivariant") != row.exceeds(kind)


class TokensAndTuples(torch.nn.Module):
    """Layouts that hold no map, tuples, and one module in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Conv2d(3, 8, 3, padding=1, padding_mode="circular")
        self.tokens = torch.nn.LayerNorm(8)
        self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        self.twice = torch.nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        x = self.twice(self.embed(x))
        tokens = self.tokens(x.flatten(2).transpose(1, 2))
        mixed, _ = self.attention(tokens, tokens, tokens)
        return {"all": [self.twice(x), self.twice(mixed)]}


def test_tokens_are_named_as_not_compared() -> None:
    found = audit(TokensAndTuples(), images=images(9, 2))
    rows = {row.title: row for row in found.rows}
    assert rows["tokens"].reason == "its input (2, 81, 8) holds no map"
    assert rows["twice (call 3)"].reason == "its input (2, 81, 8) holds no map"
    assert rows["twice (call 2)"].exceeds(TRANSLATION)
    assert "multi_head_attention_forward" in {name for name, _, _ in found.unseen}


def test_the_network_is_left_as_it_was() -> None:
    network = networks.resnet().train()
    network[1].eval()
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    network.float()
    before = copy.deepcopy(network.state_dict())
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    found = audit(network, images=images(64, 2))
    assert found.facts["mode"] == "training and evaluation mode"
    assert found.facts["dtype"] == "float64"
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    assert all(torch.equal(p.grad, g) for p, g in zip(network.parameters(), gradients, strict=True))
    assert [module.training for module in network][:3] == [True, False, True]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]


class Single(torch.nn.Module):
    """Computes in float32 whatever it gets, and says so."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype != torch.float32:
            raise TypeError("float32 only")
        return x


def test_a_network_in_float32_only_is_measured_in_float32() -> None:
    found = audit(torch.nn.Sequential(Single(), *networks.sound()), images=images(15))
    assert found.facts["dtype"] == "float32"
    assert found.first() is None
    assert all(1e-7 < row.own[TRANSLATION].bound < 1e-3 for row in found.rows)


class Masked(torch.nn.Sequential):
    """Sound layers, after which code writes into one pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = super().forward(x).clone()
        y[:, :, 0, 0] = 0
        return y


class Functional(torch.nn.Module):
    """A convolution with zeros beyond the border that is no module, before sound layers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(6, 3, 3, 3))
        self.norm, self.last = networks.LayerNormAF(6), networks.circular(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(torch.nn.functional.conv2d(x, self.weight, padding=1)))


def test_a_defect_that_enters_behind_the_layers_is_found() -> None:
    found = audit(Masked(*networks.sound()), images=images(15))
    assert (found.first(), found.holds()) == (None, False)
    for kind in found.kinds:
        assert found.entered(kind) is found.output
        assert found.output.own[kind].error > 1e-3
        assert "the output is not equivariant" in found.conclusion(kind)
        assert "between layers, after 4" in found.conclusion(kind)
    assert "setitem" in {name for name, _, _ in found.unseen}
    assert "(output)" in found.text()


def test_a_defect_that_enters_before_a_layer_is_placed() -> None:
    found = audit(Functional(), images=images(15))
    assert (found.first(), found.holds()) == (None, False)
    assert "a defect enters between layers, before norm" in found.conclusion(SHIFT)
    assert found.document()["entered"] == {"shift": "norm", "translation": "norm"}
    # With a layer at fault later on, both are told.
    network = Functional()
    network.last = torch.nn.Sequential(networks.circular(6, 4), torch.nn.ReLU())
    said = audit(network, images=images(15)).conclusion(TRANSLATION)
    assert "exceeds rounding is last.1" in said
    assert "before norm" in said


def test_what_is_compiled_is_looked_into() -> None:
    compiled = torch.compile(torch.nn.Conv2d(6, 6, 3, padding=1), backend="eager")
    found = audit(networks.planted(2, compiled), images=images(15))
    assert above(found, SHIFT) == ["2"]
    assert found.rows[2].about.specification == "conv[3, padding=zeros]"


def test_where_nothing_is_compared_nothing_is_said_to_hold() -> None:
    found = audit(torch.nn.Conv2d(3, 4, 3), images=images(15))
    assert found.holds() is None
    assert "not compared: (the network) (15x15 to 13x13: no grid that the stride induces)" in found.conclusion(SHIFT)
    assert "the output was not compared: 15x15 to 13x13" in found.conclusion(SHIFT)
    # 6 pixels become 3 and 2: only a shift by 0 is whole on both.
    pooled = torch.nn.Sequential(torch.nn.AvgPool2d(2), torch.nn.Upsample(scale_factor=2), torch.nn.AvgPool2d(3))
    found = audit(pooled, images=images(6), action="shift")
    assert found.facts["steps"] == [6, 6]
    found = replace(found, rows=())
    assert found.holds(SHIFT) is None
    assert "no shift of the images but by 0" in found.conclusion(SHIFT)


def test_what_carries_no_more_than_rounding_enters_nowhere() -> None:
    for network, size in ((networks.sound(), 15), (networks.resnet("circular"), 64)):
        found = audit(network, images=images(size, 2))
        assert not any(row.receives(SHIFT) for row in found.rows[:3])
        first = found.first(SHIFT)
        before = found.rows if first is None else found.rows[: found.rows.index(first) + 1]
        assert not any(row.receives(SHIFT) for row in before)


def test_layers_of_one_size_are_moved_alike() -> None:
    found = audit(networks.planted(0, torch.nn.Conv2d(3, 6, 3, padding=1)), images=images(15))
    row = found.rows[0]
    for kind in found.kinds:
        assert row.own[kind].error == row.carried[kind].output
        told = found.facts["displacements"][kind.value]
        assert told == [list(sample) for sample in row.own[kind].displacements]
        assert found.document()["layers"][0][kind.value]["displacements"] == told


def test_the_words_of_a_table_are_explained_where_they_stand() -> None:
    grouped = audit(networks.planted(1, torch.nn.GroupNorm(3, 6)), images=images(15))
    plain = audit(torch.nn.Conv2d(3, 3, 3, padding=1), images=images(15))
    for said in (grouped.text(), grouped.html()):
        assert "G: groups of channels" in said
        assert "for every gain and bias" in said
    assert "groups of channels" not in plain.text()
    assert "for every gain" not in plain.text()
    assert "difference: output less input" in plain.text()
    assert "exceeds rounding is (the network), conv[3, padding=zeros]" in plain.conclusion(SHIFT)
    assert f"{plain.facts['displacements']['translation'][0][0]}" in plain.html()


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second, other = (
        audit(networks.planted(3, torch.nn.ReLU()), images=images(15), seed=seed).csv() for seed in (1, 1, 2)
    )
    assert first == second != other
