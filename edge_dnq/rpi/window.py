"""The prediction of a camera: over the last seconds, as a camera's video never ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_dnq.session import Prediction

MOST = 1024
"""Executed frames kept; a fast device looks back less far."""


class RecentLogits:
    """Mean logits of the frames that were executed in the last seconds, the newest at least.

    Args:
        labels: The bundle's classes.
        seconds: How far back.
    """

    def __init__(self, labels: Sequence[str], seconds: float) -> None:
        self._labels, self._seconds = labels, seconds
        self._kept: deque[tuple[float, NDArray[np.float32]]] = deque(maxlen=MOST)
        self._frames: deque[float] = deque(maxlen=MOST)

    def reset(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._frames.clear()

    def add(self, at: float, logits: NDArray[np.float32] | None) -> None:
        """Take a frame's time and, where a program ran, its logits."""
        self._frames.append(at)
        if logits is not None:
            self._kept.append((at, logits))
        while self._frames[0] <= at - self._seconds:
            self._frames.popleft()
        while len(self._kept) > 1 and self._kept[0][0] <= at - self._seconds:
            self._kept.popleft()

    def prediction(self, top: int = 5) -> Prediction:
        """Return the prediction; there has been an executed frame since the last reset."""
        mean = np.mean([logits for _, logits in self._kept], axis=0, dtype=np.float64)
        weights = np.exp(mean - mean.max())
        scores = weights / weights.sum()
        best = np.argsort(-mean, kind="stable")[:top]
        ranked = [(self._labels[index], float(scores[index])) for index in best]
        return Prediction(*ranked[0], ranked, len(self._kept), len(self._frames))
