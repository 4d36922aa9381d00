"""Frames spread uniformly over a clip: what training and evaluation look at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_dnq.errors import SourceError


def uniform_indices(length: int, count: int) -> list[int]:
    """Return ``count`` frame indices: the centres of equal parts of ``length`` frames.

    Indices repeat where the clip has fewer frames than asked for.
    """
    return [min(length - 1, int((index + 0.5) * length / count)) for index in range(count)]


def sample_clip(path: str | Path, count: int) -> npt.NDArray[np.uint8]:
    """Decode ``path`` and return ``count`` frames spread uniformly over it.

    The whole file is decoded because containers lie about their length and seeking is not exact.

    Returns:
        RGB uint8 [count, H, W, 3]; frames of another size than the first are resized to it.

    Raises:
        SourceError: the file is missing or gives no frame.
    """
    from edge_dnq.video.sources import open_source

    with open_source(str(path)) as source:
        frames = [frame.image for frame in source]
    if not frames:
        raise SourceError(f"{path} holds no frames: expected a video file")
    height, width = frames[0].shape[:2]
    return np.stack(
        [
            frame if frame.shape[:2] == (height, width) else cv2.resize(frame, (width, height))
            for frame in (frames[index] for index in uniform_indices(len(frames), count))
        ]
    ).astype(np.uint8)
