"""Frames of real clips, for the ranges that a checkpoint does not carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_dnq.errors import DataError
from edge_dnq.train.listing import VIDEO_SUFFIXES
from edge_dnq.video.preprocess import network_frame
from edge_dnq.video.sampling import sample_clip, sample_indices

CLIPS, FRAMES = 16, 4


def calibration_frames(path: Path, side: int) -> npt.NDArray[np.uint8]:
    """Return network frames [N, side, side, 3] of a video, or of videos spread over a folder.

    Raises:
        DataError: no video is there.
        SourceError: a video cannot be read.
    """
    if path.is_dir():
        videos = sorted(p for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
        if not videos:
            raise DataError(f"{path} holds no video to calibrate on")
        chosen = sorted({int(i) for i in sample_indices(len(videos), CLIPS)})
        videos, count = [videos[index] for index in chosen], FRAMES
    else:
        videos, count = [path], CLIPS * FRAMES
    frames = [network_frame(frame, side) for video in videos for frame in sample_clip(video, count)]
    return np.stack(frames)
