"""Torch modules: what passes and what fails, in every precision and mode, and that each is left as it was found."""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from equinorm.testing import NotEquivariant, Undecided, assert_equivariant
from theory.spec.errors import SpecificationError

torch = pytest.importorskip("torch", reason="torch, of the extra 'torch', is missing")
nn = torch.nn


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


class ChannelNorm(nn.Module):
    """LayerNorm over C, with a float32 affine step."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Any) -> Any:
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)


class Mixed(nn.Module):
    """Statistics in float32, whatever comes in."""

    def forward(self, x: Any) -> Any:
        return nn.functional.instance_norm(x.float()).to(x.dtype)


class Narrow(nn.Module):
    """A tensor that is neither parameter nor buffer, so no conversion reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = torch.randn(8, 8, 1, 1)

    def forward(self, x: Any) -> Any:
        return nn.functional.conv2d(x, self.filter)


def circular(**options: Any) -> Any:
    return nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular", **options)


PASS: list[tuple[Callable[[], Any], dict[str, Any]]] = [
    (circular, {}),
    (circular, {"action": "shift"}),
    (partial(circular, stride=2), {"action": "shift", "shape": (2, 8, 12, 16)}),
    (partial(circular, stride=2), {"domain": 3, "shape": (2, 8, 16, 16)}),
    (lambda: nn.Conv1d(8, 8, 3, padding=1, padding_mode="circular"), {"shape": (2, 8, 15), "axes": (-1,)}),
    (ChannelNorm, {"action": "shift"}),
    (lambda: nn.BatchNorm2d(8), {}),
    (lambda: nn.BatchNorm2d(8).eval(), {}),
    (lambda: nn.BatchNorm2d(8), {"action": "shift"}),
    (nn.ReLU, {"action": "shift"}),
    (lambda: nn.InstanceNorm2d(8), {}),
    (lambda: nn.InstanceNorm2d(8), {"dtype": "float32"}),
    (lambda: nn.InstanceNorm2d(8, affine=True).half(), {}),
    (lambda: nn.GroupNorm(2, 8), {}),
    (lambda: nn.Dropout(0.5).eval(), {}),
    (lambda: nn.AdaptiveAvgPool2d(1), {}),
    (lambda: nn.AdaptiveMaxPool2d(1), {"action": "shift"}),
    (Mixed, {}),
    (Narrow, {}),
    (lambda: nn.Sequential(circular(), nn.BatchNorm2d(8), nn.ReLU(inplace=True), circular()), {"action": "shift"}),
]

FAIL: list[tuple[Callable[[], Any], dict[str, Any], str]] = [
    (lambda: nn.Conv2d(8, 8, 3, padding=1), {}, "Conv2d"),
    (lambda: nn.Conv2d(8, 8, 3, padding=1), {"action": "shift"}, "Conv2d"),
    (partial(circular, stride=2), {"shape": (2, 8, 12, 16)}, "stride"),
    (ChannelNorm, {}, "ChannelNorm"),
    (nn.ReLU, {}, "ReLU"),
    (nn.GELU, {}, "GELU"),
    (lambda: nn.InstanceNorm2d(8), {"shape": (2, 8, 14, 16)}, "InstanceNorm2d"),
    (lambda: nn.LayerNorm((15, 17)).requires_grad_(False), {"dtype": "float32"}, "LayerNorm"),
    (lambda: nn.AdaptiveMaxPool2d(1), {}, "AdaptiveMaxPool2d"),
    (lambda: nn.Sequential(circular(), nn.MaxPool2d(3, 1, 1)), {"action": "shift"}, "Sequential"),
]


@pytest.mark.parametrize(("make", "options"), PASS)
def test_sound_modules_pass(make: Callable[[], Any], options: dict[str, Any]) -> None:
    assert_equivariant(make(), **options)


@pytest.mark.parametrize(("make", "options", "name"), FAIL)
def test_others_fail(make: Callable[[], Any], options: dict[str, Any], name: str) -> None:
    module = make()
    if isinstance(module, nn.LayerNorm):
        module.weight.copy_(1 + torch.arange(17.0).expand(15, 17))
    with pytest.raises(NotEquivariant, match=name):
        assert_equivariant(module, **options)


def test_running_statistics_that_vary_over_nothing_that_moves() -> None:
    module = nn.BatchNorm2d(8)
    module(torch.randn(4, 8, 5, 5) * 3 + 1)
    assert_equivariant(module.eval())
    assert_equivariant(module.train())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_judged_in_float64_or_not_at_all(dtype: Any) -> None:
    module = nn.InstanceNorm2d(8, affine=True).to(dtype)
    name = str(dtype).removeprefix("torch.")
    assert_equivariant(module)
    with pytest.raises(Undecided, match=f"layer: {name} by torch.*\n.*\n.*let the layer compute in float64"):
        assert_equivariant(module, dtype=name)
    assert_equivariant(module, dtype=name, tolerance=0.02)
    assert module.weight.dtype is dtype


def test_float64_refused_is_said() -> None:
    module = Narrow()
    assert_equivariant(module)
    module.filter = torch.randn(8, 8, 3, 3)
    with pytest.raises(NotEquivariant, match=r"float32 by torch, training mode, float64 refused: RuntimeError: .*"):
        assert_equivariant(nn.Sequential(module, nn.Upsample((15, 17))))
    with pytest.raises(SpecificationError, match="it raised RuntimeError"):
        assert_equivariant(Narrow(), dtype="float64")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.Dropout(0.1), "it is random; dropout rests after .eval()"),
        (lambda: nn.Sequential(circular(), nn.Dropout2d(0.5)), "it is random"),
        (lambda: nn.LazyConv2d(3, 3), "call it once first"),
        (lambda: nn.Conv2d(3, 3, 3), "it raised RuntimeError"),
        (lambda: nn.ReLU, "make one of its class first"),
        (lambda: nn.functional.relu, 'like="torch"'),
        (lambda: nn.MaxPool2d(2, return_indices=True), "returned: tuple"),
        (lambda: nn.AvgPool2d(2), "takes"),
    ],
)
def test_modules_that_cannot_be_judged_are_named(make: Callable[[], Any], said: str) -> None:
    if said == "takes":
        with pytest.raises(SpecificationError, match="moves the output"):
            assert_equivariant(make(), action="shift")
        return
    with pytest.raises(SpecificationError) as caught:
        assert_equivariant(make())
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


class Average(nn.Module):
    """In training it subtracts an average over its own calls."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 8, 1, 1))

    def forward(self, x: Any) -> Any:
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(dim=(0, 2, 3), keepdim=True)
        return x - self.mean


def test_state_is_named_and_left() -> None:
    module = Average()
    buffer = module.mean
    with pytest.raises(SpecificationError, match="it keeps state from call to call"):
        assert_equivariant(module)
    assert module.mean is buffer
    assert not buffer.any()
    assert_equivariant(module.eval())


class Counting(nn.Module):
    """Changes all it can: mode, attributes, parameters, buffers, gradients, random numbers."""

    def __init__(self, harmless: bool, copies: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 1, 1))
        self.frozen = nn.Parameter(torch.ones(8, 1, 1), requires_grad=False)
        self.norm, self.other = nn.BatchNorm2d(8), nn.Identity()
        self.register_buffer("seen", torch.zeros(()))
        self.calls, self.harmless, self.copies = 0, harmless, copies

    def __deepcopy__(self, memo: Any) -> Any:
        if not self.copies:
            raise RuntimeError("no copies")
        found = Counting(self.harmless)
        found.load_state_dict(copy.deepcopy(self.state_dict(), memo))
        return found.train(self.training)

    def forward(self, x: Any) -> Any:
        self.calls += 1
        self.seen += 1
        self.weight.data += 0 if self.calls % 2 else 1e-300
        self.frozen.requires_grad_(True)
        random.random(), np.random.random(), torch.rand(1)
        with torch.enable_grad():
            self.weight.sum().backward()
        y = self.norm(x).detach()
        self.other.train(not self.other.training)
        return y * self.weight.detach().to(y.dtype) if self.harmless else torch.relu(y)


def state(module: Any) -> dict[str, Any]:
    """Everything that must stay, by value and by identity."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {
        "values": {name: tensor.detach().clone() for name, tensor in tensors.items()},
        "tensors": {name: id(tensor) for name, tensor in tensors.items()},
        "gradients": {name: (id(t.grad), None if t.grad is None else t.grad.clone()) for name, t in tensors.items()},
        "need": {name: tensor.requires_grad for name, tensor in tensors.items()},
        "modes": [part.training for part in module.modules()],
        "calls": getattr(module, "calls", None),
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "grad": torch.is_grad_enabled(),
        "tf32": (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32),
    }


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize("harmless", [True, False])
@pytest.mark.parametrize("wrapped", [False, True])
def test_everything_is_left_as_found(training: bool, copies: bool, harmless: bool, wrapped: bool) -> None:
    module = Counting(harmless, copies)
    module(torch.randn(2, 8, 5, 5))
    module.train(training)
    module.weight.requires_grad_(True)
    module.frozen.requires_grad_(False)
    before = state(module)
    layer = (lambda x: module(x)) if wrapped else module
    if harmless:
        assert_equivariant(layer)
    else:
        with pytest.raises(NotEquivariant):
            assert_equivariant(layer)
    after = state(module)
    for name in before:
        assert same(before[name], after[name]), name


def test_the_check_of_the_state_can_fail() -> None:
    module = Counting(True)
    before = state(module)
    module(torch.randn(2, 8, 5, 5))
    after = state(module)
    unchanged = {name for name in before if same(before[name], after[name])}
    assert unchanged == {"tensors", "grad", "tf32"}


@pytest.mark.parametrize("kept", [True, False])
def test_a_layer_that_raises_leaves_all_as_found(kept: bool) -> None:
    class Broken(Counting):
        def forward(self, x: Any) -> Any:
            super().forward(x)
            raise KeyboardInterrupt if kept else RuntimeError

    module = Broken(True, False).eval()
    before = state(module)
    with pytest.raises(KeyboardInterrupt if kept else SpecificationError):
        assert_equivariant(module)
    after = state(module)
    for name in before:
        assert same(before[name], after[name]), name


def test_random_state_is_left_where_the_layer_is_a_plain_function() -> None:
    module = nn.Linear(1, 1)
    before = state(module)
    with pytest.raises(SpecificationError, match="random"):
        assert_equivariant(lambda x: x + torch.rand_like(x) + random.random(), like="torch")
    after = state(module)
    assert same(before, after)


MODULE = circular()


def test_functions_carry_their_modules_along() -> None:
    module = nn.BatchNorm2d(8)

    class Holder:
        def __init__(self) -> None:
            self.inner = module

        def __call__(self, x: Any) -> Any:
            return self.inner(x)

        def method(self, x: Any) -> Any:
            return self(x)

    inner = nn.Sequential(module)
    layers: list[Any] = [
        lambda x: module(x),
        module.forward,
        partial(lambda first, x: first(x), module),
        Holder(),
        Holder().method,
        lambda x: (lambda y: inner(y))(x),
    ]
    for layer in layers:
        before = state(module)
        assert_equivariant(layer)
        assert same(before, state(module)), layer
    assert_equivariant(lambda x: MODULE(x))


def test_gradients_are_off_within() -> None:
    seen = []
    assert_equivariant(lambda x: seen.append(torch.is_grad_enabled()) or x, like="torch")
    assert not any(seen)
    assert torch.is_grad_enabled()


def test_hooks_and_warnings_do_not_disturb() -> None:
    module = nn.Sequential(circular(), nn.InstanceNorm2d(8))
    calls: list[int] = []
    module.register_forward_hook(lambda *given: calls.append(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_equivariant(module)
    assert calls
    parametrized = nn.utils.parametrizations.spectral_norm(circular())
    before = state(parametrized)
    assert_equivariant(parametrized.eval())
    parametrized.train()
    assert same(before["values"], state(parametrized)["values"])


def test_scripted_modules() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.trace(circular(), torch.randn(2, 8, 15, 17))
    assert_equivariant(module)


def test_the_device_of_a_module_is_its_own() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    module = circular().cuda()
    before = torch.cuda.get_rng_state_all()
    assert_equivariant(module)
    assert_equivariant(circular(), device="cuda")
    assert_equivariant(module, dtype="float32")
    with pytest.raises(NotEquivariant, match="torch on cuda:0"):
        assert_equivariant(nn.Conv2d(8, 8, 3, padding=1).cuda())
    with pytest.raises(SpecificationError, match="it is random"):
        assert_equivariant(nn.Dropout(0.5).cuda(), device="cuda")
    assert same(before, torch.cuda.get_rng_state_all())
    assert module.weight.is_cuda
