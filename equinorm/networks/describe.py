"""What a module is: its kind, its specification where its class fixes it, and what about it cannot be equivariant.

Only a class of PyTorch itself is read, and only where the module runs that class's own code: a subclass that changes
the computation, and any other class, is a stranger, of which nothing is known here. The attributes that are read are
those that the computation uses; a name says nothing.

Notation: ``conv[3, stride=2, padding=zeros]``, ``pool[max, 2, stride=2]``, ``resample[bilinear, 2]``, and the
normalizations of :mod:`theory.spec.layers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from equinorm.networks.grids import FIRST, LAST, Axes
from equinorm.networks.normalizations import normalization
from theory.spec.actions import ActionKind
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
NOT_POLYNOMIAL = {"max": "a maximum: not a polynomial", "lp": "a root of powers: not a polynomial"}
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
        borders: what about it breaks shifts and translations, in words.
        aliases: what about it breaks translations only.
        remarks: what else is known of it.
        known: True where its class is PyTorch's, which computes in the dtype of its input.
    """

    kind: str
    name: str
    specification: str = ""
    layer: Normalization | None = None
    strides: tuple[Fraction, Fraction] | None = None
    borders: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    known: bool = False

    def notes(self, kind: ActionKind) -> tuple[str, ...]:
        """What about the layer breaks equivariance under ``kind``."""
        return self.borders if kind is ActionKind.SHIFT else (*self.borders, *self.aliases)


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
    kind = "other" if base.__name__ == "Linear" and len(shape) != 4 else _kind(base)
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
        found = {"aliases": ("not a polynomial: its harmonics have no bound, and alias",)}
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
    words, borders, aliases = [_pair(kernel)], [], []
    if max(stride) > 1:
        words.append(f"stride={_pair(stride)}")
    if max(module.dilation) > 1:
        words.append(f"dilation={_pair(module.dilation)}")
    if module.groups > 1:
        words.append("depthwise" if module.groups == module.in_channels else f"groups={module.groups}")
    if transposed:
        words.append("transposed")
        if any(size > step for size, step in zip(kernel, stride, strict=True)):
            borders.append("continues the map by zeros: not circular at its border")
        if max(stride) > 1:
            aliases.append("inserts zeros between samples: images of the spectrum")
        strides = tuple(Fraction(1, step) for step in stride)
    else:
        if max(kernel) > 1:
            padded = module.padding != "valid" and (module.padding == "same" or max(module.padding) > 0)
            mode = module.padding_mode if padded else "none"
            words.append(f"padding={mode}")
            if mode == "none":
                borders.append("no padding: the map shrinks")
            elif mode != "circular":
                borders.append(f"padding {mode}: not circular at the border of the map")
        aliases += _strided(stride)
        strides = tuple(Fraction(step) for step in stride)
    found = {"borders": tuple(borders), "aliases": tuple(aliases)}
    return {"specification": f"conv[{', '.join(words)}]", "strides": strides, **found}


def _pooling(module: Module, name: str) -> dict[str, Any]:
    statistic = "max" if "Max" in name else "lp" if name.startswith("LP") else "mean"
    aliases = () if statistic == "mean" else (NOT_POLYNOMIAL[statistic],)
    if not hasattr(module, "kernel_size") or "Fractional" in name or "Unpool" in name:
        size = getattr(module, "output_size", None)
        spelled = statistic if size is None else f"{statistic}, to {_pair(size)}"
        return {"specification": f"pool[{spelled}]", "aliases": aliases}
    kernel = _two(module.kernel_size)
    stride = kernel if module.stride is None else _two(module.stride)
    words, borders = [statistic, _pair(kernel)], []
    if max(stride) > 1:
        words.append(f"stride={_pair(stride)}")
    if max(_two(getattr(module, "padding", 0))) > 0:
        filling = "-inf" if statistic == "max" else "zeros"
        words.append(f"padding={filling}")
        borders.append(f"padding {filling}: not circular at the border of the map")
    strides = (Fraction(stride[0]), Fraction(stride[1]))
    found = {"borders": tuple(borders), "aliases": (*aliases, *_strided(stride))}
    return {"specification": f"pool[{', '.join(words)}]", "strides": strides, **found}


def _resampling(module: Module, name: str) -> dict[str, Any]:
    if "Shuffle" in name:
        return {"aliases": ("channels become neighbors, or the other way round: another grid",)}
    factor = module.scale_factor if module.scale_factor is not None else f"to {_pair(module.size)}"
    borders = [] if module.mode == "nearest" else ["repeats the border of the map: not circular there"]
    if module.align_corners:
        borders.append("aligns corners: another spacing")
    aliases = ("interpolates by few samples: images of the spectrum",)
    return {"specification": f"resample[{module.mode}, {_pair(factor)}]", "borders": tuple(borders), "aliases": aliases}


def _strided(stride: Sequence[int]) -> tuple[str, ...]:
    if max(stride) == 1:
        return ()
    return (f"stride {_pair(tuple(stride))}: what lies above the coarser grid's Nyquist frequency aliases",)


def _two(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _pair(value: Any) -> str:
    """One number where both axes have the same, else HxW."""
    if not isinstance(value, (tuple, list)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return _pair(value[0]) if len(set(value)) == 1 else "x".join(map(_pair, value))
