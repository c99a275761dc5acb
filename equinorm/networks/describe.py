"""What a module is: its kind, its specification where its class fixes it, and what about it cannot be equivariant.

Only a class of PyTorch itself is read, and only where the module runs that class's own code: a subclass that changes
the computation, and any other class, is a stranger, of which nothing is known here. The attributes that are read are
those that the computation uses; a name says nothing.

Notation: ``conv[3, stride=2, padding=zeros]``, ``pool[max, 2, stride=2]``, ``resample[bilinear, 2]``, and the normalizations
of :mod:`theory.spec.layers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from equinorm.networks.grids import FIRST, LAST, Axes
from equinorm.networks.normalizations import normalization
from theory.spec.layers import Normalization

Module = Any

KINDS = {
    "activation": "activation",
    "batchnorm": "normalization",
    "conv": "convolution",
    "instancenorm": "normalization",
    "normalization": "normalization",
    "pixelshuffle": "resampling",
    "pooling": "pooling",
    "upsampling": "resampling",
}
"""The kind of a layer by the module of PyTorch that defines it."""

TRANSPOSED = ("ConvTranspose2d",)
HOME = "torch.nn.modules."


@dataclass(frozen=True)
class Description:
    """What is known of a module before it runs.

    Attributes:
        kind: normalization, pooling, activation, convolution, resampling, or other.
        name: of its class.
        specification: the short spelling; empty for a stranger.
        layer: the normalization, where it is one of the language.
        strides: input samples for one output sample, along H and W; None where only the sizes tell.
        notes: what about it breaks a symmetry, in words.
        known: True where its class is PyTorch's, which computes in the dtype of its input.
    """

    kind: str
    name: str
    specification: str = ""
    layer: Normalization | None = None
    strides: tuple[Fraction, Fraction] | None = None
    notes: tuple[str, ...] = ()
    known: bool = False


def torch_class(module: Module) -> type | None:
    """The class of PyTorch whose code ``module`` runs, or None for a stranger."""
    own = type(module)
    for base in own.__mro__:
        if base.__module__.startswith(HOME):
            same = all(getattr(own, name, None) is getattr(base, name, None) for name in ("forward", "_conv_forward"))
            return base if same and "forward" not in vars(module) else None
    return None


def likely_axes(module: Module, before: Axes) -> Axes:
    """Where the map of the module's input stands if the sizes do not tell; ``before``: in the layer before."""
    base = torch_class(module)
    if base is None:
        return before
    if base.__name__ in ("LayerNorm", "RMSNorm"):
        return LAST if len(module.normalized_shape) == 1 else FIRST
    if base.__name__ == "Linear":
        return LAST
    return before if _kind(base) in ("activation", "other") else FIRST


def describe(module: Module, shape: Sequence[int], axes: Axes) -> Description:
    """What ``module`` is, whose input has ``shape`` and its map on ``axes``."""
    base = torch_class(module)
    name = type(module).__name__
    if base is None:
        return Description("other", name)
    kind = _kind(base)
    found: dict[str, Any] = {}
    if kind == "normalization":
        layer = normalization(module, base.__name__, shape, axes)
        found = {"layer": layer, "specification": "" if layer is None else str(layer)}
    elif kind == "convolution" and base.__name__ != "Linear":
        found = _convolution(module, transposed=base.__name__ in TRANSPOSED)
    elif kind == "pooling":
        found = _pooling(module, base.__name__)
    elif kind == "resampling":
        found = _resampling(module, base.__name__)
    elif kind == "activation":
        found = {"notes": ("not a polynomial: its harmonics have no bound, and alias",)}
    found.setdefault("specification", base.__name__.lower())
    return Description(kind=kind, name=name, known=True, **found)


def _kind(base: type) -> str:
    if base.__name__ == "Linear":
        return "convolution"
    if base.__name__ == "MultiheadAttention":
        return "other"
    return KINDS.get(base.__module__.removeprefix(HOME), "other")


def _convolution(module: Module, transposed: bool) -> dict[str, Any]:
    kernel, stride = tuple(module.kernel_size), tuple(module.stride)
    words, notes = [_pair(kernel)], []
    if max(stride) > 1:
        words.append(f"stride={_pair(stride)}")
    if max(module.dilation) > 1:
        words.append(f"dilation={_pair(module.dilation)}")
    if module.groups > 1:
        words.append("depthwise" if module.groups == module.in_channels else f"groups={module.groups}")
    if transposed:
        words.append("transposed")
        if any(size > step for size, step in zip(kernel, stride, strict=True)):
            notes.append("continues the map by zeros: not circular at its border")
        if max(stride) > 1:
            notes.append("inserts zeros between samples: images of the spectrum")
        strides = tuple(Fraction(1, step) for step in stride)
    else:
        padded = module.padding != "valid" and (module.padding == "same" or max(module.padding) > 0)
        if padded and max(kernel) > 1:
            words.append(f"padding={module.padding_mode}")
            if module.padding_mode != "circular":
                notes.append(f"padding {module.padding_mode}: not circular at the border of the map")
        elif max(kernel) > 1:
            words.append("padding=none")
            notes.append("no padding: the map shrinks")
        if max(stride) > 1:
            notes.append(_strided(stride))
        strides = tuple(Fraction(step) for step in stride)
    return {"specification": f"conv[{', '.join(words)}]", "notes": tuple(notes), "strides": strides}


def _pooling(module: Module, name: str) -> dict[str, Any]:
    statistic = "max" if "Max" in name else "lp" if name.startswith("LP") else "mean"
    notes = ["a maximum: not a polynomial"] if statistic == "max" else []
    if not hasattr(module, "kernel_size") or "Fractional" in name or "Unpool" in name:
        size = getattr(module, "output_size", None)
        spelled = statistic if size is None else f"{statistic}, to {_pair(size)}"
        return {"specification": f"pool[{spelled}]", "notes": tuple(notes)}
    kernel = _two(module.kernel_size)
    stride = kernel if module.stride is None else _two(module.stride)
    words = [statistic, _pair(kernel)]
    if max(stride) > 1:
        words.append(f"stride={_pair(stride)}")
        notes.append(_strided(stride))
    if max(_two(getattr(module, "padding", 0))) > 0:
        border = "minus infinity" if statistic == "max" else "zeros"
        words.append(f"padding={border.replace('minus infinity', '-inf')}")
        notes.append(f"padding with {border}: not circular at the border of the map")
    strides = (Fraction(stride[0]), Fraction(stride[1]))
    return {"specification": f"pool[{', '.join(words)}]", "notes": tuple(notes), "strides": strides}


def _resampling(module: Module, name: str) -> dict[str, Any]:
    if "Shuffle" in name or "Unshuffle" in name:
        return {"notes": ("channels become neighbors: another grid",)}
    factor = module.scale_factor if module.scale_factor is not None else f"to {_pair(module.size)}"
    notes = [] if module.mode == "nearest" else ["repeats the border of the map: not circular there"]
    notes.append("interpolates by a kernel of few samples: images of the spectrum")
    if module.align_corners:
        notes.append("aligns corners: another spacing")
    return {"specification": f"resample[{module.mode}, {_pair(factor)}]", "notes": tuple(notes)}


def _strided(stride: Sequence[int]) -> str:
    return f"stride {_pair(stride)}: what lies above the coarser grid's Nyquist frequency aliases"


def _two(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)  # type: ignore[return-value]


def _pair(value: Any) -> str:
    """One number where both axes have the same, else HxW."""
    if not isinstance(value, (tuple, list)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return _pair(value[0]) if len(set(value)) == 1 else "x".join(map(_pair, value))
