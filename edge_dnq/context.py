"""What a policy is told beside the frame: how much changed, and how sure recognition is.

All of it is there anyway and costs microseconds. Plain float64 arithmetic without transcendental
functions, rounded to float32 once, so that every language gives the same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dnq.manifest import CONTEXT_FEATURES
from edge_dnq.video.pixels import difference

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

FEATURES = CONTEXT_FEATURES
"""Change since the last executed frame, change since the last frame, margin of the last executed
frame, margin of the running mean, frames since the last execution."""

MARGIN_LIMIT = 8.0
"""A margin is the largest logit less the second largest; larger margins count as this one."""

GAP_LIMIT = 16
"""Longer gaps, in frames, count as this one."""

MEMORY = 8
"""The running mean is that of all executed frames up to this many, then an exponential one whose
newest frame weighs 1 / MEMORY."""


class Context:
    """The context of one video.

    For every frame that the policy sees: :meth:`look`, then, where a program ran on it,
    :meth:`execute`. Frames held by a longer skip are not seen.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin another video."""
        self._last: UInt8 | None = None
        self._executed: UInt8 | None = None
        self._mean: Float64 | None = None
        self._count = 0
        self._gap = GAP_LIMIT
        self._margin = self._mean_margin = 0.0

    def look(self, pixels: UInt8) -> Float32:
        """Return the context of the next frame, float32 [1, FEATURES], every value in 0..1.

        Args:
            pixels: The policy's frame, uint8 [P, P, 3]; kept until the next one.
        """
        values = (
            change(pixels, self._executed),
            change(pixels, self._last),
            self._margin,
            self._mean_margin,
            self._gap / GAP_LIMIT,
        )
        self._last = pixels
        self._gap = min(self._gap + 1, GAP_LIMIT)
        return np.array([values], np.float32)

    def execute(self, logits: Float32) -> None:
        """Take the logits, float32 [K], of the program that ran on the last frame."""
        exact = logits.astype(np.float64)
        self._count = min(self._count + 1, MEMORY)
        mean = exact if self._mean is None else self._mean + (exact - self._mean) / self._count
        self._mean, self._executed, self._gap = mean, self._last, 1
        self._margin, self._mean_margin = margin(exact), margin(mean)


def change(pixels: UInt8, earlier: UInt8 | None) -> float:
    """Return the mean absolute difference of two frames in 0..1; 1 where there is no earlier."""
    if earlier is None:
        return 1.0
    return difference(pixels, earlier) / (255.0 * pixels.size)


def margin(logits: Float64) -> float:
    """Return the largest of [K] logits less the second largest, limited and scaled to 0..1."""
    if len(logits) < 2:
        return 1.0
    second, first = np.partition(logits, -2)[-2:].tolist()
    return float(min(first - second, MARGIN_LIMIT) / MARGIN_LIMIT)
