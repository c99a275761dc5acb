"""The maps of somebody's own file: the one array in it, whole. What cannot be used is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from equinorm.inputs.array_files import opened_arrays
from equinorm.inputs.stored_tensors import printable
from equinorm.report.curves.maps import checked
from theory.spec.axes import BCHW
from theory.spec.errors import refuse


def read_maps(path: str | Path) -> np.ndarray[Any, Any]:
    """The array in the file at ``path`` as (B, C, H, W), float32 or float64.

    Raises:
        SpecificationError: what :func:`equinorm.inputs.array_files.opened_arrays` refuses; more than one array; one
            that is too large to be moved hundreds of times, or with NaN or infinity, the first named by its index.
    """
    given = f"input={printable(path)}"
    with opened_arrays(path) as arrays:
        if len(arrays) != 1:
            some = ", ".join(array.name for array in arrays[:3])
            raise refuse(given, "one array", f"the file holds {len(arrays)} ({some}); save one by itself")
        (array,) = arrays
        checked(array.shape)
        values = np.concatenate(list(array.samples(array.shape[0])))
    if not np.all(np.isfinite(values)):
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise refuse(given, "finite numbers", f"there is {values[index]} at ({', '.join(BCHW.names)}) = {index}")
    return values
