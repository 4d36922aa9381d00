"""The cameras that can be had without hardware: files, sound and damaged."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dnq.errors import RuntimeMissingError, SourceError
from edge_dnq.rpi.cameras import EndOfVideoError, camera_opener
from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.config import CameraConfig
from edge_dnq.rpi.opencv_cameras import FileCamera
from tests.edge_dnq.rpi.virtual import VirtualClock

FRAMES = 30
FPS = 30.0


@pytest.fixture(scope="module")
def motion_jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a USB camera sends, in a file: every frame a JPEG."""
    path = tmp_path_factory.mktemp("mjpeg") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
    random = np.random.default_rng(0)
    for _ in range(FRAMES):
        writer.write(random.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    writer.release()
    return path


def read_all(camera: FileCamera) -> list[np.ndarray | None]:
    found: list[np.ndarray | None] = []
    try:
        while len(found) < 10 * FRAMES:
            found.append(camera.read())
    except EndOfVideoError:
        return found
    return found


def test_a_file_comes_at_its_own_speed_once(motion_jpeg: Path) -> None:
    clock = VirtualClock()
    camera = FileCamera(motion_jpeg, clock, loop=False)
    begin = clock.now()
    found = read_all(camera)
    camera.close()
    assert len(found) == FRAMES
    assert clock.now() - begin == pytest.approx((FRAMES - 1) / FPS)


def test_a_looped_file_has_no_end(motion_jpeg: Path) -> None:
    camera = FileCamera(motion_jpeg, VirtualClock(), loop=True)
    found = [camera.read() for _ in range(3 * FRAMES)]
    camera.close()
    assert all(image is not None and image.shape == (48, 64, 3) for image in found)
    np.testing.assert_array_equal(found[0], found[FRAMES])


def test_corrupt_jpegs_of_a_real_file_are_none_or_pictures(
    motion_jpeg: Path, tmp_path: Path
) -> None:
    """A third of the frames loses its JPEG header; the decoder is the real one."""
    content = bytearray(motion_jpeg.read_bytes())
    places = [at for at in range(len(content) - 1) if content[at : at + 2] == b"\xff\xd8"]
    assert len(places) >= FRAMES
    for at in places[3:FRAMES:3]:
        content[at : at + 200] = bytes(200)
    path = tmp_path / "damaged.avi"
    path.write_bytes(content)
    camera = FileCamera(path, VirtualClock(), loop=False)
    found = read_all(camera)
    camera.close()
    good = [image for image in found if image is not None]
    assert all(image.shape == (48, 64, 3) for image in good)
    sound = read_all(FileCamera(motion_jpeg, VirtualClock(), loop=False))
    assert sum(any(np.array_equal(image, one) for one in sound) for image in good) >= 15
    assert any(
        one is None or not np.array_equal(one, other)
        for one, other in itertools.zip_longest(found, sound)
    ), "the damage was not noticed at all"


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("", SourceError, "no such source|is not a regular file"),
        ("nowhere.mp4", SourceError, "no such source: nowhere.mp4"),
        ("camera:x", SourceError, "no such source: camera:x"),
        ("picamera:0", RuntimeMissingError, "python3-picamera2"),
    ],
)
def test_what_is_no_camera(source: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        camera_opener(CameraConfig(source=source), Clock())


def test_a_stream_that_is_not_there_fails_when_it_is_opened() -> None:
    opener = camera_opener(CameraConfig(source="rtsp://127.0.0.1:1/x"), Clock())
    with pytest.raises(SourceError, match="cannot open"):
        opener()
