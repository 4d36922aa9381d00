"""Opening videos and reading images with OpenCV."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import SourceError
from edge_dnq.video.opencv import cv2

UInt8 = NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
DEFAULT_FPS = 25.0
"""Assumed where nothing tells the frame rate: folders of images, broken headers."""

OPEN_TIMEOUT_MS = 10_000
READ_TIMEOUT_MS = 10_000

_SNIFFED = 4096
_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\n\r\f\x1b") | frozenset(range(0x80, 0x100))


def open_video(location: str) -> cv2.VideoCapture:
    """Open a video file or a URL with FFmpeg.

    Raises:
        SourceError: FFmpeg cannot read it.
    """
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
    capture = cv2.VideoCapture(location, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"cannot open {location} as a video: expected a file or stream that FFmpeg reads"
        )
    return capture


def check_video_file(path: Path) -> None:
    """Refuse what is not a file with something in it.

    Raises:
        SourceError: missing, not a regular file, empty, text, or not readable.
    """
    try:
        if not path.exists():
            raise SourceError(f"no such video: {path}")
        if not path.is_file():
            raise SourceError(f"{path} is not a regular file")
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty: expected a video")
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"cannot read {path}: {reason}") from error
    # FFmpeg would draw a text file as a terminal, and follow a play list to other files.
    if not set(head) - _TEXT:
        raise SourceError(f"{path} is a text file: expected a video")


def frame_rate(capture: cv2.VideoCapture) -> float:
    """Return the frames per second that the container tells, or :data:`DEFAULT_FPS`."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if math.isfinite(fps) and 0 < fps <= 1000 else DEFAULT_FPS


def to_rgb(image: NDArray[np.generic]) -> UInt8:
    """Return an OpenCV image (BGR or grey) as RGB uint8 [H, W, 3]."""
    code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
    rgb: UInt8 = cv2.cvtColor(image, code)  # type: ignore[arg-type,assignment]
    return rgb


def read_image(path: Path) -> UInt8:
    """Read an image file as RGB uint8 [H, W, 3].

    Raises:
        SourceError: missing or damaged.
    """
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except cv2.error:
        image = None
    if image is None:
        raise SourceError(f"{path} is not an image that OpenCV reads: remove it or repair it")
    return to_rgb(image)
