"""Arrays as native code wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dnq.manifest import TensorSpec

Array = NDArray[Any]


def checked_inputs(specs: Sequence[TensorSpec], values: Sequence[Array]) -> tuple[Array, ...]:
    """Return ``values`` as dense arrays, having compared them with the specs.

    Raises:
        ValueError: another number, shape or type than the specs say.
    """
    if len(values) != len(specs):
        raise ValueError(f"the program takes {len(specs)} inputs, got {len(values)}")
    for spec, value in zip(specs, values, strict=True):
        if value.shape != spec.shape or value.dtype != spec.dtype:
            raise ValueError(
                f"input {spec.name} must be {spec.dtype} {list(spec.shape)}, "
                f"got {value.dtype} {list(value.shape)}"
            )
    return tuple(np.ascontiguousarray(value) for value in values)
