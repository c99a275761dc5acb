"""Device functions on the processor: their source compiled as C++ behind a shim, and a launcher that runs it.

The shim (emulation.cpp) lets the threads of a block take turns from barrier to barrier, in one order or the other. What
depends on the order, or reads what another thread has yet to write, gives other numbers then.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numerics.experiment.device import REALS, Block, source

SHIM = Path(__file__).with_name("emulation.cpp")
STATUS = {1: "there is no such function of so many arguments", 2: "some threads end while others wait at a barrier"}
ALONE = threading.Lock()
"""What is shared by the threads of a block is shared by all who call a library."""
NUMBERS = {"int": np.int32, "Index": np.int64, "double": np.float64}


@cache
def signatures() -> dict[str, list[str]]:
    """The types that each device function takes, read off its source with the macros written out."""
    text = re.sub(r"\\\n", "\n", source())
    macro = re.search(r"#define COSINES\(N\)(.*?)\n\n", text, re.DOTALL)
    assert macro is not None
    numbers = re.findall(r"^COSINES\((\d+)\)", text, re.MULTILINE)
    text = text.replace(macro.group(0), "") + "".join(macro.group(1).replace("##N", number) for number in numbers)
    found = re.findall(r'extern "C" __global__ void (\w+)\(([^)]*)\)', text)
    return {name: [_type(parameter) for parameter in parameters.split(",")] for name, parameters in found}


def _type(parameter: str) -> str:
    return " ".join(parameter.replace("__restrict__", "").replace("*", " * ").split()[:-1])


def build(folder: Path) -> dict[str, ctypes.CDLL]:
    """The libraries for each dtype; skips the test where there is no compiler."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++, which compiles the device functions for the processor, is not installed")
    given = folder / "device.cu"
    given.write_text(source(), encoding="utf-8")
    names = " ".join(f"TRY({name})" for name in signatures())
    started = {}
    for dtype, real in REALS.items():
        library = folder / f"{dtype}.so"
        options = ["-std=c++17", "-O1", "-w", "-shared", "-fPIC", f"-DREAL={real}", f'-DSOURCE="{given}"']
        command = [compiler, *options, f"-DFUNCTIONS(TRY)={names}", str(SHIM), "-o", str(library)]
        started[library, dtype] = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for process in started.values():
        _, said = process.communicate()
        assert process.returncode == 0, said
    return {dtype: ctypes.CDLL(str(library)) for library, dtype in started}


@dataclass
class Emulation:
    """A launcher; ``backwards`` lets threads and blocks come in the other order, ``last`` runs only the last block."""

    libraries: dict[str, ctypes.CDLL]
    backwards: bool = False
    last: bool = False

    def launch(self, name: str, dtype: str, blocks: int, block: Block, arguments: Sequence[Any]) -> None:
        """Check types as a GPU would not, and run."""
        types = signatures()[name]
        held = [_held(kind, each, dtype) for kind, each in zip(types, arguments, strict=True)]
        places = (ctypes.c_void_p * len(held))(*(ctypes.addressof(each) for each in held))
        first = ctypes.c_longlong(blocks - 1 if self.last else 0)
        size = ctypes.c_longlong(blocks)
        run = self.libraries[dtype].run
        with ALONE:
            status = run(name.encode(), first, size, *block, places, len(held), int(self.backwards))
        assert status == 0, f"{name}: {STATUS[status]}"


def _held(kind: str, value: Any, dtype: str) -> Any:
    """An argument in memory, of the type that the function takes."""
    if kind.endswith("*"):
        assert value.flags.c_contiguous
        assert value.dtype == (np.float64 if "double" in kind else dtype), kind
        return ctypes.c_void_p(value.ctypes.data)
    assert type(value) is NUMBERS[kind], kind
    return (ctypes.c_char * value.nbytes).from_buffer_copy(value.tobytes())
