"""Whole numbers: neither True nor 1.5 is one, in whichever verb it is given, and nothing is written for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import equinorm
from theory.spec.errors import SpecificationError

VERBS: dict[str, Callable[..., Any]] = {
    "hunt": partial(equinorm.hunt, "LayerNorm-C", grid="3x3", batch=1, channels=2),
    "plot": partial(equinorm.plot, "LayerNorm-C", grid="8x8", batch=1, channels=1),
    "identify": partial(equinorm.identify, np.tanh, shape="2x2x3x3"),
    "self_test": partial(equinorm.self_test, ["3x3"], dtype="float64"),
    "measure": partial(equinorm.measure, crop=8),
    "audit": partial(equinorm.audit, "no.such.module:network"),
}
ASKED = [(verb, "seed") for verb in VERBS] + [
    ("hunt", "max_examples"),
    ("measure", "crop"),
    ("measure", "batch_size"),
    ("measure", "workers"),
]


@pytest.mark.parametrize("value", [True, False, 1.5, 1.0, "1", np.float64(1)], ids=repr)
@pytest.mark.parametrize(("verb", "option"), ASKED)
def test_a_whole_number_is_an_int(verb: str, option: str, value: object, tmp_path: Path) -> None:
    given = {option: value}
    if verb in ("hunt", "plot", "measure"):
        given["out"] = tmp_path / "out"
    with pytest.raises(SpecificationError) as raised:
        VERBS[verb](**given)
    assert str(raised.value).startswith(f"{option.replace('batch_size', 'batch-size')}={value!r}: expected a whole")
    assert list(tmp_path.iterdir()) == []
