"""Cameras as the runner sees them: something to open, read and close in a thread of its own.

Every adapter is thin. What goes wrong is left to :mod:`edge_dnq.rpi.capture`, which treats a camera
that raises, ends, hangs or repeats itself alike, whatever it is made of.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import RuntimeMissingError, SourceError
from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.config import CameraConfig

UInt8 = NDArray[np.uint8]

PICAMERA = re.compile(r"^picamera(?::([0-9]{1,3}))?$", re.IGNORECASE)
NUMBERED = re.compile(r"^camera:([0-9]{1,3})$", re.IGNORECASE)
URL = re.compile(r"^[a-z][a-z0-9+.\-]*://", re.IGNORECASE)

FORMS = "auto, picamera[:N], camera:N, a URL such as rtsp://..., or a video file"


class EndOfVideoError(Exception):
    """A file has no more frames."""


class Camera(Protocol):
    """What a thread opens and reads. All calls come from the thread that opened it.

    Attributes:
        live: Whether it goes on for ever: its end, or the same picture again and again, is a fault.
    """

    live: bool

    def read(self) -> UInt8 | None:
        """Return the next frame, RGB uint8 [H, W, 3], a new array; None for a damaged one."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


OpenCamera = Callable[[], Camera]


def camera_opener(config: CameraConfig, clock: Clock) -> OpenCamera:
    """Return what opens the camera that ``config`` names.

    Raises:
        SourceError: the source is none of :data:`FORMS`, or a file that is not there.
        RuntimeMissingError: ``picamera`` without its library, any other without OpenCV.
    """
    source = config.source
    if source.lower() == "auto":
        source = "picamera" if has_picamera2() else "camera:0"
    if match := PICAMERA.match(source):
        if not has_picamera2():
            raise RuntimeMissingError(
                "picamera needs picamera2: apt install python3-picamera2, and a virtual "
                "environment made with --system-site-packages"
            )
        index = int(match.group(1) or 0)
        return lambda: PiCamera(index, config)
    # Not above: a device with a camera on the connector needs no OpenCV.
    try:
        from edge_dnq.rpi.opencv_cameras import FileCamera, StreamCamera, V4l2Camera
        from edge_dnq.video.decoding import check_video_file
    except RuntimeMissingError as error:
        if config.source.lower() != "auto":
            raise
        raise RuntimeMissingError(f"there is no picamera2 for the Pi's camera; {error}") from error

    if match := NUMBERED.match(source):
        number = int(match.group(1))
        return lambda: V4l2Camera(number, config)
    if URL.match(source):
        return lambda: StreamCamera(source)
    path = Path(source)
    if not path.exists():
        raise SourceError(f"no such source: {source}: expected {FORMS}")
    check_video_file(path)
    return lambda: FileCamera(path, clock, loop=config.loop)


def has_picamera2() -> bool:
    """Tell whether picamera2 can be imported; nothing is."""
    return importlib.util.find_spec("picamera2") is not None


class PiCamera:
    """A camera on the Pi's own connector, scaled to a small picture by its image processor.

    One stream serves policy and network: both shrink it further, and a second, large one would be
    memory traffic for nobody.
    """

    live = True

    def __init__(self, index: int, config: CameraConfig) -> None:
        module: Any = importlib.import_module("picamera2")
        self._timeout_s = config.stall_s
        self._camera = module.Picamera2(index)
        # The library names formats by the order within a little-endian word: this one is R, G, B.
        stream = {"size": (config.width, config.height), "format": "BGR888"}
        controls = {"FrameRate": config.fps}
        # No queue: a frame that was kept waiting would be an old one.
        self._camera.configure(
            self._camera.create_video_configuration(main=stream, controls=controls, queue=False)
        )
        self._camera.start()

    def read(self) -> UInt8 | None:
        """Return the next frame. The library copies it out of the buffer, once."""
        # Left to itself the library waits for ever.
        job = self._camera.capture_array("main", wait=False)
        image: UInt8 = job.get_result(timeout=self._timeout_s)
        return image

    def close(self) -> None:
        """Stop and close the camera."""
        self._camera.stop()
        self._camera.close()
