from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import SourceError
from edge_dnq.video.sampling import sample_clip, sample_indices

from .conftest import WriteVideo, numbers, ramp


@given(st.integers(1, 500), st.integers(1, 64))
def test_indices_are_even(total: int, n: int) -> None:
    indices = sample_indices(total, n)
    assert indices.shape == (n,)
    assert 0 <= indices[0] <= indices[-1] < total
    gaps = np.diff(indices)
    assert gaps.size == 0 or gaps.max() - gaps.min() <= 1
    np.testing.assert_array_less(np.abs(indices - (np.arange(n) + 0.5) * total / n), 1)


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
@pytest.mark.parametrize("n", [1, 5, 16, 25])
def test_clip(write_video: WriteVideo, name: str, codec: str, n: int) -> None:
    clip = sample_clip(write_video(ramp(16), name, codec=codec), n)
    assert (clip.shape, clip.dtype) == ((n, 32, 48, 3), np.uint8)
    assert numbers(clip) == sample_indices(16, n).tolist()


def test_one_frame(write_video: WriteVideo) -> None:
    assert numbers(sample_clip(write_video(ramp(1)), 4)) == [0, 0, 0, 0]


def test_a_truncated_video_is_sampled_over_what_is_there(write_video: WriteVideo) -> None:
    path = write_video(ramp(20), "a.ts", codec="mp4v")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = numbers(sample_clip(path, 4))
    assert found == sorted(set(found))
    assert 5 < found[-1] < 12


def test_changing_size(tmp_path: Path) -> None:
    images = ramp(8, 32, 48)[:4] + ramp(8, 64, 40)[4:]
    path = tmp_path / "changing.mjpeg"
    path.write_bytes(b"".join(cv2.imencode(".jpg", image)[1].tobytes() for image in images))
    clip = sample_clip(path, 8)
    assert clip.shape == (8, 32, 48, 3)
    assert numbers(clip) == list(range(8))


def test_refusals(write_video: WriteVideo, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("text")
    bad = [tmp_path / "missing.mp4", tmp_path / "text.mp4", write_video([], "none.avi"), tmp_path]
    for path in bad:
        with pytest.raises(SourceError) as caught:
            sample_clip(path, 4)
        assert "\n" not in str(caught.value)
    with pytest.raises(SourceError, match="at least 1"):
        sample_clip(tmp_path, 0)
