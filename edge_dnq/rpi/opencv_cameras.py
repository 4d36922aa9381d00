"""What OpenCV reads: USB cameras, network streams, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import SourceError
from edge_dnq.rpi.cameras import EndOfVideoError
from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.config import CameraConfig
from edge_dnq.video.decoding import frame_rate, open_video, to_rgb
from edge_dnq.video.opencv import cv2

UInt8 = NDArray[np.uint8]


class _OpenCvCamera:
    """What OpenCV reads."""

    live = True

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"cannot open {name}: no such camera, or another program uses it")
        self._capture = capture

    def read(self) -> UInt8 | None:
        """Return the next frame; OpenCV does not tell a damaged frame from a camera that left."""
        ok, image = self._capture.read()
        return to_rgb(image) if ok and image is not None else None

    def close(self) -> None:
        """Release the device."""
        self._capture.release()


class V4l2Camera(_OpenCvCamera):
    """A USB camera through Video4Linux."""

    def __init__(self, number: int, config: CameraConfig) -> None:
        capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        super().__init__(capture, f"camera:{number}")
        # Compressed frames keep USB 2, which the Pi 3's camera shares with its network, free.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
        capture.set(cv2.CAP_PROP_FPS, config.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)


class StreamCamera(_OpenCvCamera):
    """A network stream through FFmpeg, which gives up opening and reading after 10 s."""

    def __init__(self, url: str) -> None:
        super().__init__(open_video(url), url)


class FileCamera:
    """A video file, played at its own speed, once or for ever."""

    def __init__(self, path: Path, clock: Clock, *, loop: bool) -> None:
        self.live = False
        self._path, self._clock, self._loop = str(path), clock, loop
        self._capture = open_video(self._path)
        self._period_s = 1 / frame_rate(self._capture)
        self._due = clock.now()
        self._frames = 0

    def read(self) -> UInt8 | None:
        """Wait for the next frame's time and return it."""
        grabbed = self._capture.grab()
        if not grabbed and self._loop and self._frames:
            self._capture.release()
            self._capture = open_video(self._path)
            self._frames = 0
            grabbed = self._capture.grab()
        if not grabbed:
            raise EndOfVideoError
        self._frames += 1
        self._clock.wait_for(lambda: False, max(0.0, self._due - self._clock.now()))
        self._due = max(self._due, self._clock.now() - 1) + self._period_s
        ok, image = self._capture.retrieve()
        return to_rgb(image) if ok and image is not None else None

    def close(self) -> None:
        """Close the file."""
        self._capture.release()
