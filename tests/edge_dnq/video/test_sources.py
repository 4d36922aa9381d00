from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import SourceError
from edge_dnq.video.sources import Sampler, list_images, open_source

from .conftest import WriteVideo, numbers, ramp


def refused(source: str | Path) -> str:
    """Return the one line that says why a source gives nothing."""
    with pytest.raises(SourceError) as caught, open_source(source) as frames:
        list(frames)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "mp4v")]
)
def test_a_video(write_video: WriteVideo, name: str, codec: str) -> None:
    path = write_video(ramp(20), name, 10, codec)
    with open_source(path) as source:
        assert (source.fps, source.dropped) == (10, 0)
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(20))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 10 for i in range(20)])
    assert numbers([frame.image for frame in frames]) == list(range(20))
    image = frames[10].image
    assert (image.dtype, image.shape) == (np.uint8, (32, 48, 3))


def test_order_is_rgb(write_video: WriteVideo) -> None:
    with open_source(write_video([np.full((32, 48, 3), (220, 120, 20), np.uint8)])) as source:
        (frame,) = source
    assert np.abs(frame.image.astype(int) - (220, 120, 20)).max() < 8


def test_rate_and_limit(write_video: WriteVideo) -> None:
    path = write_video(ramp(30), fps=10)
    with open_source(path, rate=5) as source:
        frames = list(source)
        assert source.fps == 5
    assert [frame.index for frame in frames] == list(range(0, 30, 2))
    assert numbers([frame.image for frame in frames]) == list(range(0, 30, 2))
    with open_source(str(path), rate=1000, limit=7) as source:
        assert [frame.index for frame in source] == list(range(7))


@given(
    st.floats(0.1, 100),
    st.lists(st.floats(0.001, 0.5), min_size=1, max_size=200),
)
def test_at_most_rate_per_second(rate: float, gaps: list[float]) -> None:
    times = np.cumsum([0.0, *gaps])
    sampler = Sampler(rate)
    kept = [time for time in times if sampler.keep(float(time))]
    assert kept[0] == 0
    span = float(times[-1])
    assert len(kept) <= math.floor(span * rate + 1e-3) + 1
    # No slot that has a frame stays empty.
    assert len(kept) == len({math.floor(time * rate + 1e-4) for time in times})


@given(st.integers(1, 60), st.integers(1, 60))
def test_steady_video_gives_the_rate(fps: int, rate: int) -> None:
    sampler = Sampler(rate)
    kept = sum(sampler.keep(index / fps) for index in range(fps * 3))
    assert kept == 3 * min(fps, rate)


@pytest.mark.parametrize(("option", "value"), [("rate", 0), ("rate", -1), ("rate", math.nan)])
def test_rate_must_be_positive(write_video: WriteVideo, option: str, value: float) -> None:
    with pytest.raises(SourceError, match="positive number"):
        open_source(write_video(ramp(2)), rate=value)
    with pytest.raises(SourceError, match="at least 1"):
        open_source(write_video(ramp(2)), limit=0)


def test_one_frame(write_video: WriteVideo) -> None:
    with open_source(write_video(ramp(1))) as source:
        assert len(list(source)) == 1


def test_no_frame(write_video: WriteVideo, capfd: pytest.CaptureFixture[str]) -> None:
    refused(write_video([], "none.avi"))
    refused(write_video([], "none.mp4", codec="mp4v"))
    assert capfd.readouterr().err == ""


def test_what_is_no_video(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n/etc/hostname\n")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    (tmp_path / "folder").mkdir()
    assert "no such video" in refused(tmp_path / "missing.mp4")
    assert "is empty" in refused(tmp_path / "empty.mp4")
    assert "is a text file" in refused(tmp_path / "text.mp4")
    assert "is a text file" in refused(tmp_path / "list.m3u8")
    assert "cannot open" in refused(tmp_path / "noise.mp4")
    assert "holds no images" in refused(tmp_path / "folder")
    assert "not a regular file" in refused("/dev/null")
    assert "no source was given" in refused("")
    assert "no such video" in refused(tmp_path / "%03d.png")
    assert capfd.readouterr().err == ""


def test_truncated(write_video: WriteVideo, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_video(ramp(20), "a.mp4", codec="mp4v")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cannot open" in refused(path)
    # A stream format plays up to where it was cut.
    path = write_video(ramp(20), "a.ts", codec="mp4v")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    capfd.readouterr()  # the writer talks, the reader must not
    with open_source(path) as source:
        assert 3 < len(list(source)) < 20
    assert capfd.readouterr().err == ""


def test_size_changes_within_the_video(tmp_path: Path) -> None:
    """A motion-JPEG stream is JPEG images one after the other, each with its own size."""
    images = ramp(8, 32, 48)[:4] + ramp(8, 64, 40)[4:]
    path = tmp_path / "changing.mjpeg"
    path.write_bytes(b"".join(cv2.imencode(".jpg", image)[1].tobytes() for image in images))
    with open_source(path) as source:
        frames = [frame.image for frame in source]
    assert numbers(frames) == list(range(8))
    # OpenCV 5 scales to the first size, OpenCV 4 gives the new one.
    assert {frame.shape for frame in frames} <= {(32, 48, 3), (64, 40, 3)}


def test_folder_in_natural_order(tmp_path: Path) -> None:
    for number, image in enumerate(ramp(12)):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), image[..., ::-1])
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"no image")
    with open_source(tmp_path, rate=12.5) as source:
        frames = list(source)
    assert numbers([frame.image for frame in frames]) == [0, 2, 4, 6, 8, 10]
    assert [frame.time_s for frame in frames] == pytest.approx([i / 12.5 for i in range(6)])
    with open_source(tmp_path / "frame3.png") as source:
        assert numbers([frame.image for frame in source]) == [3]


def test_natural_order_copes_with_any_name(tmp_path: Path) -> None:
    names = ["1.png", "a1.png", "1a.png", "01.png", "10.png", "2.png", "B.png", "²3.png"]
    for name in names:
        (tmp_path / name).touch()
    order = [path.name for path in list_images(tmp_path)]
    assert sorted(order) == sorted(names)
    assert order.index("2.png") < order.index("10.png")


def test_grey_and_transparent_images(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.full((8, 8), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((8, 8, 4), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "3.png"), np.full((8, 8), 77 * 257, np.uint16))
    with open_source(tmp_path) as source:
        for frame in source:
            assert (frame.image.shape, frame.image.dtype) == ((8, 8, 3), np.uint8)
            assert (frame.image == 77).all()


def test_corrupt_image_in_a_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number, image in enumerate(ramp(2)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    for content in (b"", b"not an image", (tmp_path / "0.png").read_bytes()[:40]):
        (tmp_path / "1.png").write_bytes(content)
        assert "1.png is not an image" in refused(tmp_path)
    jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3)))[1]
    (tmp_path / "1.jpg").write_bytes(jpeg.tobytes()[:300])
    (tmp_path / "1.png").unlink()
    with open_source(tmp_path) as source:
        try:
            list(source)
        except SourceError as error:
            message = str(error)
        else:
            message = ""
    assert "\n" not in message
    assert capfd.readouterr().err == ""


def test_real_videos(shared_data: Path) -> None:
    for path in sorted((shared_data / "clips").iterdir()):
        with open_source(path, rate=10, limit=20) as source:
            frames = list(source)
        assert len(frames) == 20
        assert frames[-1].time_s == pytest.approx(1.9, abs=0.15)
