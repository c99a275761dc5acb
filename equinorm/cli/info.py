"""``equinorm info``: versions of what is installed, array backends found, and why one is missing."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import equinorm
from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer

REQUIRED = (
    "array-api-compat",
    "hypothesis",
    "jinja2",
    "matplotlib",
    "numpy",
    "pillow",
    "pyarrow",
    "safetensors",
    "scikit-image",
    "scipy",
    "sympy",
    "typer",
)
OPTIONAL = ("torch", "cupy-cuda12x", "cupy-cuda13x")


def info(json: JsonFlag = False) -> Answer:
    """Versions, array backends found, and why one is missing."""
    # Backends are found by loading them, which takes seconds where torch or CuPy is installed.
    from numerics.backends import available_backends

    backends = available_backends()
    libraries = {name: installed_version(name) for name in REQUIRED + OPTIONAL}
    data = {
        "version": equinorm.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": libraries,
        "backends": [
            {
                "name": backend.name,
                "usable": backend.usable,
                "description": backend.description or None,
                "reason": backend.reason or None,
            }
            for backend in backends
        ],
    }
    width = max(map(len, libraries))
    lines = [
        f"equinorm {data['version']}",
        f"Python {data['python']} on {data['platform']}",
        "",
        "Libraries",
        *(f"  {name:<{width}}  {found or 'not installed'}" for name, found in libraries.items()),
        "",
        "Array backends",
        *(f"  {backend.name:<{width}}  {backend.description or f'missing: {backend.reason}'}" for backend in backends),
    ]
    return Answer("\n".join(lines), data, as_json=json)


def installed_version(distribution: str) -> str | None:
    """The installed version of ``distribution``, read from its metadata without importing it; None if it is absent."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
