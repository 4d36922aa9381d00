"""Writing rendered clips as video files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_dnq.errors import EdgeDnqError
from edge_dnq.staging import staged_file
from edge_dnq.synthetic.clips import SyntheticClip
from edge_dnq.video.opencv import cv2


def write_clip(path: str | Path, clip: SyntheticClip, fps: float | None = None) -> Path:
    """Write ``clip`` as an MPEG-4 video.

    Args:
        path: Where to; the suffix must be ``.mp4``.
        clip: The clip.
        fps: Frames per second; None means the clip's own.

    Raises:
        EdgeDnqError: another suffix, or the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".mp4":
        raise EdgeDnqError(f"cannot write {target}: clips are written as .mp4")
    height, width = clip.frames.shape[1:3]
    with staged_file(target) as temporary:
        writer = cv2.VideoWriter(
            str(temporary),
            cv2.VideoWriter.fourcc(*"mp4v"),
            clip.fps if fps is None else fps,
            (width, height),
        )
        try:
            if not writer.isOpened():
                raise EdgeDnqError(f"cannot write {target}: this OpenCV has no MPEG-4 encoder")
            for frame in clip.frames:
                writer.write(np.ascontiguousarray(frame[..., ::-1]))
        finally:
            writer.release()
        if temporary.stat().st_size == 0:
            raise EdgeDnqError(f"cannot write {target}: the encoder wrote nothing (disk full?)")
    return target
