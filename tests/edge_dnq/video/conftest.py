from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

WriteVideo = Callable[..., Path]


def ramp(count: int, height: int = 32, width: int = 48) -> list[np.ndarray]:
    """Return up to 32 flat grey frames whose value tells their number."""
    return [np.full((height, width, 3), 8 * index + 4, np.uint8) for index in range(count)]


def numbers(images: Iterable[np.ndarray]) -> list[int]:
    """Read the numbers of :func:`ramp` back from the pixels."""
    return [int(image.mean() // 8) for image in images]


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """Write RGB frames as a video file and return its path."""

    def write(
        frames: list[np.ndarray], name: str = "clip.avi", fps: float = 25, codec: str = "MJPG"
    ) -> Path:
        path = tmp_path / name
        height, width = frames[0].shape[:2] if frames else (32, 48)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (width, height))
        assert writer.isOpened()
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        return path

    return write
