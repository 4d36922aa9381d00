"""What sources give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a source.

    Attributes:
        index: Its place in the source, counted from 0, before any sampling.
        time_s: Its time in seconds since the source's beginning.
        image: RGB, uint8 [H, W, 3].
    """

    index: int
    time_s: float
    image: NDArray[np.uint8]
