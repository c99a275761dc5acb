"""ResNet-18 against PyTorch's own layers, across array libraries, and its He initialisation and calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from array_api_compat import array_namespace

from numerics.resnet.architecture import BLOCKS, EPSILON, PARAMETERS, POSITIONS, feature_shapes
from numerics.resnet.convolution import convolve, max_pool, pad
from numerics.resnet.forward import batch_norm_inputs
from numerics.resnet.initialization import calibrate, he_state
from theory.spec.errors import SpecificationError


def relative_error(found, expected):
    found, expected = np.asarray(found, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def tolerance(position, dtype):
    """Rounding of two passes up to ``position``: Σ λ √n u over their convolutions, n products in each sum.

    Higham, Mary (2019), A new approach to probabilistic rounding error analysis. One sum exceeds λ √n u with
    probability below 2 exp(−λ²/2); the root mean square over a whole map stays below λ = 2. Two passes are compared.
    """
    products = []
    for name, shape in PARAMETERS.items():
        if len(shape) == 4:
            products.append(math.prod(shape[1:]))
        if name == f"{position}.running_mean":
            break
    unit = np.finfo(dtype).eps / 2
    return 2 * 2 * unit * sum(math.sqrt(count) for count in products)


def random_state(seed):
    """A state in which every tensor matters: no weight is 1, no bias or mean 0, no variance 1."""
    random = np.random.default_rng(seed)
    state = he_state(seed)
    for name, value in state.items():
        if value.ndim == 1:
            positive = name.endswith(("bn1.weight", "bn2.weight", "downsample.1.weight", "running_var"))
            state[name] = random.uniform(0.5, 1.5, value.shape) if positive else random.normal(0, 0.2, value.shape)
    return state


def images_of(shape, dtype=np.float64, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed: no independent ResNet-18 to compare with")


def torch_resnet(torch):
    """torchvision's ResNet-18 from torch.nn modules, under torchvision's names."""
    nn = torch.nn

    class BasicBlock(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.relu = nn.ReLU()
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1 or inputs != outputs:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x):
            y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            return self.relu(y + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.relu = nn.ReLU()
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
            self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
            self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
            self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))

        def forward(self, x):
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    return ResNet().eval()


def torch_maps(torch, state, images):
    """The inputs of all BatchNorm2d modules in the order in which they are called."""
    network = torch_resnet(torch).to(torch.as_tensor(images).dtype)
    tensors = {name: torch.tensor(value) for name, value in state.items()}
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    maps = {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _, args, __, name=name: maps.update({name: args[0].numpy()}))
    with torch.no_grad():
        network(torch.as_tensor(images))
    return maps


@pytest.mark.parametrize(
    ("size", "batch", "dtype"),
    [
        ((224, 224), 1, np.float32),
        ((193, 193), 1, np.float64),
        ((65, 98), 3, np.float32),
        ((65, 98), 3, np.float64),
    ],
)
def test_all_twenty_inputs_agree_with_torch(torch, size, batch, dtype):
    state, images = random_state(3), images_of((batch, 3, *size), dtype)
    expected = torch_maps(torch, state, images)
    found = dict(batch_norm_inputs(state, images))
    assert list(found) == list(expected) == list(POSITIONS)
    for position, values in found.items():
        assert values.dtype == dtype
        assert values.shape == expected[position].shape == (batch, *feature_shapes(*size)[position])
        assert relative_error(values, expected[position]) < tolerance(position, dtype), position


def test_parameter_names_and_shapes_are_those_of_the_torch_network(torch):
    expected = {
        name: tuple(value.shape)
        for name, value in torch_resnet(torch).state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert dict(PARAMETERS) == expected
    assert list(PARAMETERS) == list(expected)


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_other_libraries_give_the_same_maps_in_their_own_arrays(library):
    xp = pytest.importorskip(library, reason=f"{library} is not installed")
    state, images = random_state(4), images_of((2, 3, 65, 66))
    expected = dict(batch_norm_inputs(state, images))
    theirs = xp.asarray(images)
    for position, values in batch_norm_inputs(state, theirs):
        assert array_namespace(values) is array_namespace(theirs)
        assert relative_error(np.asarray(values), expected[position]) < tolerance(position, np.float64)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("chunk", [1, 5000, 1 << 20])
def test_convolution_is_its_definition_for_every_chunk_size(monkeypatch, stride, chunk):
    monkeypatch.setattr("numerics.resnet.convolution.CHUNK_BYTES", chunk)
    random = np.random.default_rng(0)
    array, filters = random.standard_normal((3, 5, 9, 8)), random.standard_normal((4, 3, 3, 3))
    found = convolve(np, array, filters, stride)
    rows, columns = (9 - 3) // stride + 1, (8 - 3) // stride + 1
    assert found.shape == (4, 5, rows, columns)
    for h in range(rows):
        for w in range(columns):
            window = array[:, :, stride * h : stride * h + 3, stride * w : stride * w + 3]
            expected = np.einsum("ocij,cbij->ob", filters, window)
            # 27 products per entry: the deterministic bound n u Σ|f||x| of either sum, twice.
            bound = 2 * 27 * np.finfo(float).eps * np.einsum("ocij,cbij->ob", abs(filters), abs(window))
            assert np.all(abs(found[:, :, h, w] - expected) <= bound)


@pytest.mark.parametrize("size", [7, 8])
def test_pooling_takes_the_maximum_of_what_lies_in_the_window(size):
    array = np.random.default_rng(2).random((2, 3, size, size))
    found = max_pool(np, pad(np, array, 1), 0)
    for h in range(found.shape[2]):
        for w in range(found.shape[3]):
            window = array[:, :, max(0, 2 * h - 1) : 2 * h + 2, max(0, 2 * w - 1) : 2 * w + 2]
            assert np.array_equal(found[:, :, h, w], window.max(axis=(2, 3)))
    assert found.shape[2:] == ((size - 1) // 2 + 1,) * 2


def test_maps_are_copies_that_the_caller_may_overwrite():
    state, images = random_state(5), images_of((1, 3, 64, 64))
    before = images.copy()
    expected = {position: values.copy() for position, values in batch_norm_inputs(state, images)}
    for position, values in batch_norm_inputs(state, images):
        assert np.array_equal(values, expected[position])
        assert values.flags.c_contiguous
        values[...] = np.nan
    assert np.array_equal(images, before)


def test_he_initialisation_has_the_stated_spread_and_is_reproducible():
    state = he_state(7)
    assert list(state) == list(PARAMETERS)
    for name, shape in PARAMETERS.items():
        assert state[name].shape == shape
        if len(shape) == 4:
            variance = 2 / (shape[0] * shape[2] * shape[3])
            # The mean of n squared normals has relative deviation √(2/n); seven of them are never reached.
            assert abs(np.mean(state[name] ** 2) / variance - 1) < 7 * math.sqrt(2 / math.prod(shape))
    again = he_state(7)
    assert all(np.array_equal(state[name], again[name]) for name in PARAMETERS)
    assert not np.array_equal(state["conv1.weight"], he_state(8)["conv1.weight"])
    with pytest.raises(SpecificationError, match="seed=-1"):
        he_state(-1)


def test_calibrated_statistics_are_those_of_the_maps_in_evaluation_mode():
    images = images_of((3, 3, 65, 65))
    start = random_state(6)
    state = calibrate({name: value for name, value in start.items() if "running" not in name}, images)
    for position, values in batch_norm_inputs(state, images):
        deviation = values.std(axis=(0, 2, 3), keepdims=True)
        # Summation order differs; per entry the error is a rounding of the largest value, not of the mean.
        slack = np.finfo(float).eps * math.prod(values.shape) ** 0.5 * abs(values).max()
        mean, variance = state[f"{position}.running_mean"], state[f"{position}.running_var"]
        assert np.allclose(values.mean(axis=(0, 2, 3)), mean, rtol=0, atol=slack)
        assert np.allclose(deviation.ravel() ** 2, variance, rtol=0, atol=slack * abs(values).max())
    assert all(np.array_equal(state[name], start[name]) for name in start if "running" not in name)


def test_calibration_keeps_the_scale_of_maps_through_all_blocks():
    images = images_of((3, 3, 65, 65))
    state = calibrate(he_state(0), images)
    for position, values in batch_norm_inputs(state, images):
        scale = np.sqrt(state[f"{position}.running_var"] + EPSILON).reshape(1, -1, 1, 1)
        mean = state[f"{position}.running_mean"].reshape(1, -1, 1, 1)
        normalized = (values - mean) / scale
        assert abs(normalized.mean()) < np.finfo(float).eps * math.prod(values.shape) ** 0.5
        assert 0.9 < normalized.std() <= 1


def test_what_is_missing_or_misshapen_is_named_before_any_work():
    state, images = he_state(0), images_of((1, 3, 32, 32))
    name = f"{BLOCKS[-1].name}.bn2.running_var"
    with pytest.raises(SpecificationError, match=rf"{name}=missing: expected a tensor of shape \(512,\)"):
        batch_norm_inputs({key: value for key, value in state.items() if key != name}, images)
    with pytest.raises(SpecificationError, match=r"conv1.weight=tensor of shape \(2,\): expected shape \(64, 3,"):
        batch_norm_inputs({**state, "conv1.weight": np.zeros(2)}, images)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 4, 32, 32), (0, 3, 32, 32)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(SpecificationError, match="expected shape"):
        batch_norm_inputs(he_state(0), np.zeros(shape))


def test_integer_images_are_refused():
    with pytest.raises(SpecificationError, match="expected float32 or float64"):
        calibrate(he_state(0), np.zeros((1, 3, 32, 32), dtype=np.uint8))
