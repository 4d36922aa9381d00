from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dnq.errors import EdgeDnqError
from edge_dnq.synthetic import render_clip, write_clip


def test_a_written_clip_decodes_to_about_the_same_frames(tmp_path: Path) -> None:
    clip = render_clip(4, frames=10, size=96)
    path = write_clip(tmp_path / "new" / "clip.mp4", clip, fps=12)
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(12)
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1][..., ::-1])
    assert len(frames) == 10
    error = np.abs(np.stack(frames).astype(float) - clip.frames).mean()
    assert error < 12
    assert [p.name for p in path.parent.iterdir()] == ["clip.mp4"]


def test_only_mp4_is_written(tmp_path: Path) -> None:
    with pytest.raises(EdgeDnqError, match=r"written as \.mp4"):
        write_clip(tmp_path / "clip.gif", render_clip(0, frames=1, size=32))
