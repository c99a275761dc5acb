"""Small networks of PyTorch with random weights, for the tests of the audit; imported where torch is there only.

``sound`` is equivariant to translations on odd grids throughout: circular convolutions of stride 1 and LayerNorm-AF.
A planted fault takes the place of one of its layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def mean(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x.mean(axes, keepdim=True)


class LayerNormAF(nn.Module):
    """norm[center=C, scale=CHW, affine=C]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(1 + 0.1 * torch.randn(channels, 1, 1))
        self.bias = nn.Parameter(0.1 * torch.randn(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        c = x - mean(x, (1,))
        return c * torch.rsqrt(mean(c * c, (1, 2, 3)) + 1e-5) * self.gain + self.bias


class RMSNorm2d(nn.Module):
    """The root mean square over ``axes``; with ``about`` the variance about that mean is taken instead."""

    def __init__(self, axes: tuple[int, ...], about: bool = False, eps: float = 1e-5, outside: bool = False) -> None:
        super().__init__()
        self.axes, self.about, self.eps, self.outside = axes, about, eps, outside

    def forward(self, x: Tensor) -> Tensor:
        c = x - mean(x, self.axes) if self.about else x
        square = mean(c * c, self.axes)
        return x / (square.sqrt() + self.eps) if self.outside else x * torch.rsqrt(square + self.eps)


class InstanceNorm2d(nn.Module):
    """A LayerNorm over C, H and W by the name of another."""

    def forward(self, x: Tensor) -> Tensor:
        c = x - mean(x, (1, 2, 3))
        return c * torch.rsqrt(mean(c * c, (1, 2, 3)) + 1e-5)


class Square(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x


def circular(inputs: int, outputs: int, **options: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="circular", **options)


FAULTS = {
    "RMSNorm over W": (3, lambda: RMSNorm2d((3,))),
    "RMSNorm over C": (1, lambda: RMSNorm2d((1,))),
    "LayerNorm over C": (3, lambda: LayerNormC(6)),
    "zero padding": (2, lambda: nn.Conv2d(6, 6, 3, padding=1)),
    "ReLU": (3, nn.ReLU),
    "ReLU in place": (3, lambda: nn.ReLU(inplace=True)),
    "GELU": (1, nn.GELU),
    "square": (3, Square),
    "stride": (2, lambda: circular(6, 6, stride=3)),
    "pooling": (3, lambda: nn.AvgPool2d(3)),
    "upsampling": (3, lambda: nn.Upsample(scale_factor=2)),
}
"""What stands in the place of a layer of ``sound``, and in which."""


class LayerNormC(nn.Module):
    """Over the channels, which stand last within, as ConvNeXt has it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def sound(channels: int = 6) -> nn.Sequential:
    torch.manual_seed(0)
    norms = [LayerNormAF(channels) for _ in range(2)]
    return nn.Sequential(circular(3, channels), norms[0], circular(channels, channels), norms[1], circular(channels, 4))


def planted(place: int, layer: nn.Module) -> nn.Sequential:
    network = sound()
    network[place] = layer
    return network


class Residual(nn.Module):
    """A block of a ResNet, with one ReLU for two places."""

    def __init__(self, inputs: int, outputs: int, stride: int, padding: str) -> None:
        super().__init__()
        options = {"padding": 1, "padding_mode": padding, "bias": False}
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, **options)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, **options)
        self.downsample: nn.Module | None = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        passed = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += passed
        return self.relu(y)


def resnet(padding: str = "zeros", width: int = 8) -> nn.Module:
    """A ResNet-18, of ``width`` channels in place of 64."""
    torch.manual_seed(0)
    stem = nn.Conv2d(3, width, 7, 2, 3, padding_mode=padding, bias=False)
    layers: list[nn.Module] = [stem, nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = width
    for stage in range(4):
        outputs = width * 2**stage
        layers += [Residual(inputs, outputs, 1 if stage == 0 else 2, padding), Residual(outputs, outputs, 1, padding)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)).eval()


class GRN(nn.Module):
    """Global response normalization of channels that stand last (Woo et al., 2023, arXiv 2301.00808)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.randn(channels))

    def forward(self, x: Tensor) -> Tensor:
        norms = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        return x + self.gain * x * norms / (norms.mean(-1, keepdim=True) + 1e-6)


class ConvNeXtBlock(nn.Module):
    def __init__(self, channels: int, padding: str) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, padding_mode=padding, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.wider, self.gelu, self.grn = nn.Linear(channels, 4 * channels), nn.GELU(), GRN(4 * channels)
        self.narrower = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + self.narrower(self.grn(self.gelu(self.wider(y)))).permute(0, 3, 1, 2)


def convnext(padding: str = "zeros") -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 4, 4), ConvNeXtBlock(8, padding), ConvNeXtBlock(8, padding))


class Join(nn.Module):
    """Two maps, side by side along the channels."""

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return torch.cat([x, skip], dim=1)


class UNet(nn.Module):
    def __init__(self, padding: str) -> None:
        super().__init__()
        options = {"padding": 1, "padding_mode": padding}
        self.down1, self.down2 = nn.Conv2d(3, 4, 3, **options), nn.Conv2d(4, 8, 3, **options)
        self.pool, self.middle = nn.MaxPool2d(2, return_indices=True), nn.Conv2d(8, 8, 3, **options)
        self.up2 = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear")
        self.join, self.out2, self.out1 = Join(), nn.Conv2d(16, 4, 3, **options), nn.Conv2d(8, 3, 3, **options)

    def forward(self, x: Tensor) -> Tensor:
        first = torch.relu(self.down1(x))
        second = torch.relu(self.down2(self.pool(first)[0]))
        y = self.middle(self.pool(second)[0])
        y = torch.relu(self.out2(self.join(self.up2(y), second)))
        return self.out1(self.join(self.up1(y), first))


def unet(padding: str = "zeros") -> nn.Module:
    torch.manual_seed(0)
    return UNet(padding)
