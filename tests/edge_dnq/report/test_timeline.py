from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dnq.errors import EdgeDnqError
from edge_dnq.report.colors import BLUE, GREY, ORANGE, ActionStyle
from edge_dnq.report.timeline import THUMBNAILS, TimelineRecorder, write_timeline
from tests.edge_dnq.test_playback import moment

pytest.importorskip("matplotlib")

STYLES = {
    "w8a8": ActionStyle("w8a8", BLUE, 1.0),
    "w4a4": ActionStyle("w4a4", ORANGE, 0.6),
    "skip": ActionStyle("skip", GREY, 0.08),
}


def recorded(frames: int, action: str = "w8a8") -> TimelineRecorder:
    recorder = TimelineRecorder()
    for index in range(frames):
        recorder.add(moment(index, 1.0 + index % 3, action))
    return recorder


def pixels(path: Path, color: str) -> int:
    """Return how many pixels of a picture have exactly this colour."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    picture = cv2.imread(str(path))
    return int((picture == (blue, green, red)).all(axis=2).sum())


def test_colours_are_those_of_the_actions(tmp_path: Path) -> None:
    write_timeline(tmp_path / "w8a8.png", recorded(30, "w8a8"), STYLES, "clip")
    write_timeline(tmp_path / "w4a4.png", recorded(30, "w4a4"), STYLES, "clip")
    assert pixels(tmp_path / "w4a4.png", ORANGE) > 10_000
    assert pixels(tmp_path / "w8a8.png", ORANGE) < 1_000
    assert pixels(tmp_path / "w8a8.png", BLUE) > 10_000


@pytest.mark.parametrize(("frames", "suffix"), [(1, ".png"), (2, ".svg"), (5_000, ".png")])
def test_any_length(tmp_path: Path, frames: int, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    write_timeline(path, recorded(frames), STYLES, "clip")
    assert path.stat().st_size > 1_000


def test_thumbnails_are_bounded_and_spread() -> None:
    recorder = recorded(5_000)
    assert len(recorder._thumbnails) <= 4 * THUMBNAILS
    positions = [thumbnail.position for thumbnail in recorder.thumbnails(10)]
    ideal = (np.arange(10) + 0.5) * 500
    assert np.abs(np.array(positions) - ideal).max() < 5_000 / THUMBNAILS
    assert [t.position for t in recorded(3).thumbnails(3)] == [0, 1, 2]


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgeDnqError, match=r"\.png"):
        write_timeline(tmp_path / "run.gif", recorded(2), STYLES, "clip")
    assert list(tmp_path.iterdir()) == []
