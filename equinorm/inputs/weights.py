"""Trained weights of a ResNet-18 from a file, checked before anyone computes with them.

Formats: what torch.save writes (.pth, .pt; both forms, no code is run and PyTorch is not needed), .safetensors, .npz.
Names and shapes are torchvision's (`numerics.resnet.architecture.PARAMETERS`). Handled: the prefix ``module.`` of data
parallel training, a state dict inside a training checkpoint, half precision (exactly, as float32), further entries
such as ``fc.weight`` and ``num_batches_tracked``. Everything else is refused on one line.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equinorm.inputs.checkpoints import read_checkpoint
from equinorm.inputs.stored_tensors import StoredTensor, Unreadable, printable
from equinorm.inputs.tensor_files import read_npz, read_safetensors
from numerics.resnet.architecture import PARAMETERS
from theory.spec.errors import SpecificationError, refuse

LARGEST_FILE = 512 << 20
"""Bytes of a file that are read; a ResNet-18 in float32 has 45 MB, a checkpoint with two moments per weight 140 MB."""

PARALLEL_PREFIX = "module."
WANTED = "a state dict of torchvision's ResNet-18"
READERS: Mapping[str, Callable[[bytes], dict[str, StoredTensor]]] = {
    ".pth": read_checkpoint,
    ".pt": read_checkpoint,
    ".safetensors": read_safetensors,
    ".npz": read_npz,
}


@dataclass(frozen=True)
class Weights:
    """A state for `numerics.resnet.forward.batch_norm_inputs`, and where it comes from.

    Attributes:
        path: the file, as it was given.
        digest: SHA-256 of the file in hexadecimal.
        state: the tensors of `PARAMETERS` in their order, float32 or float64.
        ignored: names of tensors in the file that are no part of the computation (the classifier, counters).
    """

    path: str
    digest: str
    state: dict[str, NDArray[Any]]
    ignored: tuple[str, ...]


def load_weights(path: str | Path) -> Weights:
    """Read the file at ``path``, by its extension.

    Raises:
        SpecificationError: no such file, another extension, larger than `LARGEST_FILE`; damaged, cut, or with code
            inside; a tensor that is missing, misshapen, no floating dtype, not finite, or a negative variance;
            the state dict of a deeper network.
    """
    stored, digest = read_tensors(path, WANTED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in reading
        state, ignored = _select(stored, f"weights={printable(path)}")
    return Weights(str(path), digest, state, ignored)


def read_tensors(path: str | Path, wanted: str = "a file of tensors") -> tuple[dict[str, StoredTensor], str]:
    """The tensors of the file at ``path``, by its extension, and the SHA-256 of the file in hexadecimal.

    ``wanted`` says in errors what the file should be.

    Raises:
        SpecificationError: no such file, another extension, larger than `LARGEST_FILE`; damaged, cut, or with code
            inside.
    """
    given = f"weights={printable(path)}"
    reader = READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise refuse(given, f"a file ending in {', '.join(READERS)}")
    data = _read(Path(path), given)
    with warnings.catch_warnings():
        # The parsers underneath warn of oddities in damaged bytes; what matters about them is refused in one line.
        warnings.simplefilter("ignore")
        try:
            stored = reader(data)
        except Unreadable as error:
            raise refuse(given, wanted, str(error)) from None
    return stored, hashlib.sha256(data).hexdigest()


def _select(stored: Mapping[str, StoredTensor], given: str) -> tuple[dict[str, NDArray[Any]], tuple[str, ...]]:
    """The network's tensors, checked, and the names of all others."""
    count = len(stored)
    stored = {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in stored.items()}
    if len(stored) < count:
        raise refuse(given, WANTED, f"it holds tensors twice, with and without the prefix {PARALLEL_PREFIX}")
    missing = [name for name in PARAMETERS if name not in stored]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        shape = PARAMETERS[missing[0]]
        raise refuse(given, WANTED, f"{missing[0]} is missing (shape {shape}){more}; it has {_some(stored)}")
    ignored = tuple(name for name in stored if name not in PARAMETERS)
    deeper = [name for name in ignored if name.startswith("layer") and not name.endswith("num_batches_tracked")]
    if deeper:
        raise refuse(given, WANTED, f"it also has {deeper[0]}, so it belongs to a deeper network")
    return {name: _checked(name, stored[name], given) for name in PARAMETERS}, ignored


def _read(path: Path, given: str) -> bytes:
    try:
        if not path.is_file():
            raise refuse(given, "a file", "it is a folder or a device" if path.exists() else "there is no such file")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise refuse(given, f"at most {LARGEST_FILE} bytes", f"it has {size}")
        return path.read_bytes()
    except SpecificationError:
        raise
    except (OSError, ValueError) as error:
        raise refuse(given, "a file that can be read", printable(getattr(error, "strerror", None) or error)) from None


def _checked(name: str, tensor: StoredTensor, given: str) -> NDArray[Any]:
    """The values of ``tensor``, whose shape is compared before they are fetched."""
    if tensor.shape != PARAMETERS[name]:
        raise refuse(given, f"{name} of shape {PARAMETERS[name]}", f"it has shape {printable(tensor.shape)}")
    try:
        values = tensor.values()
    except Unreadable as error:
        raise refuse(given, WANTED, f"{name} {error}") from None
    if not np.all(np.isfinite(values)):
        bad = values.size - np.count_nonzero(np.isfinite(values))
        raise refuse(given, f"finite numbers in {name}", f"{bad} of {values.size} are NaN or infinite")
    if name.endswith("running_var") and np.any(values < 0):
        raise refuse(given, f"variances >= 0 in {name}", f"the smallest is {values.min()}")
    return values


def _some(stored: Mapping[str, StoredTensor]) -> str:
    names = ", ".join(list(stored)[:3])
    return f"{names}, …" if len(stored) > 3 else names or "no tensors"
