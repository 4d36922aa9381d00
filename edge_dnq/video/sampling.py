"""Frames spread evenly over a whole clip, for training and evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import SourceError
from edge_dnq.video.decoding import check_video_file, open_video, to_rgb
from edge_dnq.video.opencv import cv2

UInt8 = NDArray[np.uint8]


def sample_indices(total: int, n: int) -> NDArray[np.int64]:
    """Return the centres of ``n`` equal segments of ``total`` frames; short clips repeat frames."""
    return (2 * np.arange(n, dtype=np.int64) + 1) * total // (2 * n)


def sample_clip(path: str | Path, n: int) -> UInt8:
    """Decode ``n`` frames spread uniformly over a video file.

    Args:
        path: The video.
        n: How many frames; a shorter clip repeats some.

    Returns:
        RGB frames, uint8 [n, H, W, 3]. Where the size changes within the video, frames are
        resized to the first one's.

    Raises:
        SourceError: the file is missing, empty, not a video, or gives no frame.
    """
    if n < 1:
        raise SourceError(f"cannot sample {n} frames of {path}: ask for at least 1")
    path = Path(path)
    check_video_file(path)
    frames, total = _decode(path, n, None)
    if total == 0:
        raise SourceError(f"{path} gives no frame: it is truncated or holds no video")
    if frames is None:
        # The container's count was wrong; the true one is known now.
        frames, _ = _decode(path, n, total)
    if frames is None:
        raise SourceError(f"{path} gives another number of frames each time it is read")
    return frames


def _decode(path: Path, n: int, total: int | None) -> tuple[UInt8 | None, int]:
    """Read through the video once, keeping the frames that ``total`` frames would ask for.

    Returns:
        The frames, or None if there were not ``total`` of them, and how many there were.
    """
    capture = open_video(str(path))
    try:
        # Containers give a negative or absurd count when they do not know.
        expected = total or max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        indices = sample_indices(expected, n)
        wanted = set(indices.tolist())
        kept: dict[int, UInt8] = {}
        count = 0
        while capture.grab():
            if count in wanted:
                ok, image = capture.retrieve()
                if not ok:
                    break
                kept[count] = to_rgb(image)
            count += 1
    finally:
        capture.release()
    if count != expected or not kept:
        return None, count
    return _stack([kept[index] for index in indices.tolist()]), count


def _stack(frames: list[UInt8]) -> UInt8:
    height, width = frames[0].shape[:2]
    resized = [
        frame if frame.shape[:2] == (height, width) else cv2.resize(frame, (width, height))
        for frame in frames
    ]
    return np.stack(resized).astype(np.uint8, copy=False)
