"""The published experiment as a practised user of PyTorch would write it: what our times are measured against.

For each of the 11 variants and both transformations: fresh displacements per image; the input moved, the layer on both,
its output moved; cosine over channels, averaged over pixels. Shifts roll sample by sample; translations go through
``rfft2`` and ``irfft2`` with a phase for each sample. All cores, no gradients, float32, and nothing shared between
variants, as the authors book it.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Tensor = Any
EPS_COMMON, EPS_CONVNEXT = 1e-5, 1e-6


def layers(shape: tuple[int, ...], drawn: Callable[[tuple[int, ...]], Tensor]) -> dict[str, Callable[[Tensor], Tensor]]:
    """The 11 variants for inputs of shape (B, C, H, W); ``drawn`` draws affine parameters from N(0, 1)."""
    _, channels, height, width = shape
    functional = torch.nn.functional
    found: dict[str, Callable[[Tensor], Tensor]] = {}
    fresh = {"device": drawn((1,)).device, "dtype": drawn((1,)).dtype}
    zeros, ones = torch.zeros(channels, **fresh), torch.ones(channels, **fresh)
    per_channel, whole = (channels, 1, 1), (channels, height, width)
    for name, draw in (("default", False), ("drawn", True)):
        gain, bias = (drawn((channels,)), drawn((channels,))) if draw else (ones, zeros)
        found[f"BatchNorm training {name}"] = lambda x, g=gain, b=bias: functional.batch_norm(
            x, None, None, g, b, training=True, eps=EPS_COMMON
        )
        found[f"BatchNorm evaluation {name}"] = lambda x, g=gain, b=bias: functional.batch_norm(
            x, zeros, ones, g, b, training=False, eps=EPS_COMMON
        )
        gain, bias = (drawn(whole), drawn(whole)) if draw else (torch.ones(whole, **fresh), torch.zeros(whole, **fresh))
        found[f"LayerNorm-CHW {name}"] = lambda x, g=gain, b=bias: functional.layer_norm(x, whole, g, b, EPS_COMMON)
        gain, bias = (
            (drawn(per_channel), drawn(per_channel)) if draw else (ones.view(per_channel), zeros.view(per_channel))
        )
        found[f"LayerNorm-C {name}"] = lambda x, g=gain, b=bias: _layer_norm_c(x) * g + b
        found[f"LayerNorm-AF {name}"] = lambda x, g=gain, b=bias: _layer_norm_af(x) * g + b
    found["InstanceNorm"] = lambda x: functional.instance_norm(x, eps=EPS_COMMON)
    return found


def _layer_norm_c(x: Tensor) -> Tensor:
    centered = x - x.mean(1, keepdim=True)
    return centered / torch.sqrt(centered.pow(2).mean(1, keepdim=True) + EPS_CONVNEXT)


def _layer_norm_af(x: Tensor) -> Tensor:
    centered = x - x.mean(1, keepdim=True)
    return centered / torch.sqrt(centered.pow(2).mean((1, 2, 3), keepdim=True) + EPS_CONVNEXT)


def translate(x: Tensor, displacements: Tensor, symmetric: bool) -> Tensor:
    """Each sample translated by its own displacement (B, 2); the policy ``one-sided``, or ``symmetric``."""
    height, width = x.shape[-2:]
    rows = torch.fft.fftfreq(height, device=x.device) * displacements[:, :1]
    columns = torch.fft.rfftfreq(width, device=x.device) * displacements[:, 1:]
    by_row, by_column = torch.exp(-2j * torch.pi * rows), torch.exp(-2j * torch.pi * columns)
    if symmetric:
        if height % 2 == 0:
            by_row[:, height // 2] = by_row[:, height // 2].real + 0j
        if width % 2 == 0:
            by_column[:, width // 2] = by_column[:, width // 2].real + 0j
    spectrum = torch.fft.rfft2(x) * by_row[:, None, :, None] * by_column[:, None, None, :]
    return torch.fft.irfft2(spectrum, s=(height, width))


def shift(x: Tensor, displacements: Tensor) -> Tensor:
    """Each sample rolled by its own displacement (B, 2)."""
    steps = displacements.tolist()
    return torch.stack([torch.roll(one, (int(h), int(w)), (-2, -1)) for one, (h, w) in zip(x, steps, strict=True)])


@torch.no_grad()
def experiment(x: Tensor, generator: Any, symmetric: bool) -> dict[tuple[str, str], Tensor]:
    """1 - cosine of each sample, by variant and transformation, for maps (B, C, H, W)."""

    def drawn(shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=generator, device=x.device, dtype=x.dtype)

    sizes = torch.tensor(x.shape[-2:], device=x.device, dtype=x.dtype)
    found = {}
    for name, layer in layers(tuple(x.shape), drawn).items():
        for kind in ("shift", "translation"):
            displacements = torch.rand((len(x), 2), generator=generator, device=x.device, dtype=x.dtype) * sizes
            if kind == "shift":
                displacements = displacements.floor()
                left, right = layer(shift(x, displacements)), shift(layer(x), displacements)
            else:
                left = layer(translate(x, displacements, symmetric))
                right = translate(layer(x), displacements, symmetric)
            cosine = torch.nn.functional.cosine_similarity(left, right, dim=1)
            found[name, kind] = 1 - cosine.mean((-2, -1))
    return found
