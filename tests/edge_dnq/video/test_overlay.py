from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import EdgeDnqError
from edge_dnq.playback import Moment
from edge_dnq.report.colors import BLUE, GREY, ORANGE, ActionStyle
from edge_dnq.session import Prediction, StepResult
from edge_dnq.video.frame import Frame
from edge_dnq.video.overlay import (
    MAXIMUM_SIDE,
    MINIMUM_HEIGHT,
    OverlayWriter,
    Painter,
    canvas_size,
)
from edge_dnq.video.sources import open_source

STYLES = {
    "w8a8": ActionStyle("w8a8", BLUE, 1.0),
    "w4a4": ActionStyle("w4a4", ORANGE, 0.6),
    "skip": ActionStyle("skip", GREY, 0.08),
}


def moment(
    index: int, height: int = 96, width: int = 128, action: str = "w8a8", label: str = "walk"
) -> Moment:
    step = StepResult(index, action, True, None, None, 1.25, 0.0, 0.0)
    image = np.full((height, width, 3), 128, np.uint8)
    return Moment(
        Frame(index, index / 10, image),
        step,
        Prediction(label, 0.5, [(label, 0.5)], index + 1, index + 1),
    )


@given(height=st.integers(1, 4000), width=st.integers(1, 4000))
def test_canvases_are_even_readable_and_not_huge(height: int, width: int) -> None:
    rows, columns = canvas_size(height, width)
    assert rows % 2 == columns % 2 == 0
    assert 2 <= max(rows, columns) <= MAXIMUM_SIDE
    if max(height, width) / height * MINIMUM_HEIGHT <= MAXIMUM_SIDE:
        assert rows >= MINIMUM_HEIGHT
        # Both sides are rounded to even numbers, by one at most, and none gets under two.
        error = abs(columns / rows * height / width - 1)
        assert min(rows, columns) == 2 or error <= 1.1 * (1 / (rows - 1) + 1 / (columns - 1))


def count(image: np.ndarray, style: ActionStyle) -> int:
    return int((image == np.array(style.rgb)).all(axis=2).sum())


def test_the_strip_shows_the_actions_so_far() -> None:
    painter = Painter(STYLES)
    first = painter.paint(moment(0), (360, 480))
    assert first.shape == (360, 480, 3)
    assert count(first, STYLES["w8a8"]) > 0
    assert count(first, STYLES["w4a4"]) == 0
    for index in range(1, 10):
        last = painter.paint(moment(index, action="w4a4"), (360, 480))
    assert count(last, STYLES["w4a4"]) > count(last, STYLES["w8a8"]) > 0
    # The picture itself stays free between the two bands.
    assert (last[80:260, 100:380] == 128).all()


@pytest.mark.parametrize(
    ("height", "width", "label"),
    [
        (1, 1, "a"),
        (2, 500, "wide"),
        (500, 2, "a very long name " * 9),
        (48, 64, "ü日本"),
        (9, 9, ""),
    ],
)
def test_odd_frames_and_labels_are_drawn(height: int, width: int, label: str) -> None:
    size = canvas_size(height, width)
    drawn = Painter(STYLES).paint(moment(0, height, width, "skip", label), size)
    assert drawn.shape == (*size, 3)


def test_a_video_of_changing_frames_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    with OverlayWriter(path, 10.0, STYLES) as writer:
        for index in range(12):
            writer.add(moment(index, 96 + 8 * index, 128))
            assert not path.exists()
    with open_source(path) as source:
        frames = [frame.image for frame in source]
        assert source.fps == pytest.approx(10)
    assert len(frames) == 12
    assert {frame.shape for frame in frames} == {(360, 480, 3)}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with OverlayWriter(tmp_path / "seen.mp4", 10.0, STYLES) as writer:
            writer.add(moment(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_write_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(EdgeDnqError, match="0 of 0 frames"),
        OverlayWriter(tmp_path / "seen.mp4", 10.0, STYLES),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(EdgeDnqError, match=r"\.mp4"):
        OverlayWriter(tmp_path / "seen.avi", 10.0, STYLES)
