"""Frames from files, streams, folders of images and cameras, all as one kind of source."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import SourceError
from edge_dnq.video.decoding import (
    DEFAULT_FPS,
    IMAGE_SUFFIXES,
    check_video_file,
    frame_rate,
    open_video,
    read_image,
    to_rgb,
)
from edge_dnq.video.frame import Frame
from edge_dnq.video.opencv import cv2

UInt8 = NDArray[np.uint8]

_URL = re.compile(r"^[a-z][a-z0-9+.\-]*://", re.IGNORECASE)
_CAMERA = re.compile(r"^camera:(.*)$", re.IGNORECASE)
LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtp", "udp", "srt")
"""Streams that do not wait for the reader: like a camera, the newest frame wins."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A frame that has come but whose pixels were not asked for yet."""

    index: int
    time_s: float


class Sampler:
    """Keeps at most ``rate`` frames per second of video time; None keeps all.

    Time is cut into slots of 1 / rate seconds, and the first frame of each slot is kept: 30 fps at
    rate 20 gives 20 per second, which a least distance between frames would make 15.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._slot = -1

    def keep(self, time_s: float) -> bool:
        """Tell whether the frame at ``time_s`` (never going back) is kept."""
        if self._rate is None:
            return True
        # The margin keeps a frame in its slot when its time is a rounded multiple of 1 / rate.
        slot = math.floor(time_s * self._rate + 1e-4)
        if slot <= self._slot:
            return False
        self._slot = slot
        return True


class FrameSource(ABC):
    """A context manager that iterates over :class:`Frame`; it can be iterated once.

    Args:
        name: What the user called it.
        rate: Most frames per second of video time, or None for all.
        limit: Most frames altogether, or None.

    Attributes:
        name: What the user called it.
        fps: Frames per second that iterating gives (an estimate where the source does not know).
    """

    def __init__(self, name: str, rate: float | None, limit: int | None) -> None:
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise SourceError(f"the rate must be a positive number of frames per second: {rate}")
        if limit is not None and limit < 1:
            raise SourceError(f"the limit must be at least 1 frame, got {limit}")
        self.name = name
        self._rate = rate
        self._limit = limit
        self._native_fps = DEFAULT_FPS

    @property
    def fps(self) -> float:
        """Frames per second that iterating gives."""
        return self._native_fps if self._rate is None else min(self._rate, self._native_fps)

    @property
    def dropped(self) -> int:
        """Frames that came and were lost because the reader was busy: cameras and live streams."""
        return 0

    def __enter__(self) -> FrameSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        sampler = Sampler(self._rate)
        given = 0
        for tick in self._ticks():
            if not sampler.keep(tick.time_s):
                continue
            image = self._image()
            if image is None:
                break
            yield Frame(tick.index, tick.time_s, image)
            given += 1
            if given == self._limit:
                return
        if given == 0:
            raise SourceError(f"{self.name} gives no frame: it is empty or damaged")

    @abstractmethod
    def _ticks(self) -> Iterator[Tick]:
        """Yield every frame's place and time as it comes."""

    @abstractmethod
    def _image(self) -> UInt8 | None:
        """Return the pixels of the last tick, or None where they cannot be decoded."""

    @abstractmethod
    def close(self) -> None:
        """Release what the source holds; twice is harmless."""


class VideoSource(FrameSource):
    """A video file or a finite stream, through FFmpeg.

    Where the size changes within the video, OpenCV either scales the later frames to the first
    one's size or gives them as they are, depending on its version.
    """

    def __init__(
        self, location: str, *, rate: float | None = None, limit: int | None = None
    ) -> None:
        super().__init__(location, rate, limit)
        self._capture = open_video(location)
        self._native_fps = frame_rate(self._capture)

    def _ticks(self) -> Iterator[Tick]:
        index, time_s = 0, 0.0
        while self._capture.grab():
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
            if index == 0:
                # Some containers count from 0, some from the end of the first frame.
                start = stamp
                time_s = 0.0
            elif stamp - start > time_s:
                time_s = stamp - start
            else:
                # No time stamp, or one that goes back: the frame rate is the best guess.
                time_s += 1 / self._native_fps
            yield Tick(index, time_s)
            index += 1

    def _image(self) -> UInt8 | None:
        ok, image = self._capture.retrieve()
        return to_rgb(image) if ok and image is not None else None

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class ImagesSource(FrameSource):
    """Image files in the order given, :data:`DEFAULT_FPS` frames per second."""

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        *,
        rate: float | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(name, rate, limit)
        self._paths = tuple(paths)
        self._current = self._paths[0]

    def _ticks(self) -> Iterator[Tick]:
        for index, path in enumerate(self._paths):
            self._current = path
            yield Tick(index, index / DEFAULT_FPS)

    def _image(self) -> UInt8:
        return read_image(self._current)

    def close(self) -> None:
        """Nothing is held between two images."""


def open_source(
    spec: str | Path, *, rate: float | None = None, limit: int | None = None
) -> FrameSource:
    """Open a source of frames.

    Args:
        spec: A video file, an image, a folder of images (taken in natural order, at 25 frames per
            second), a URL that FFmpeg reads (``rtsp://...``), or ``camera:N``.
        rate: Keep at most so many frames per second of video time.
        limit: Stop after so many frames.

    Returns:
        A context manager that iterates over :class:`Frame`.

    Raises:
        SourceError: there is no such source or it gives no frames. Damage that shows only further
            on is raised while iterating.
    """
    text = str(spec)
    if not text:
        raise SourceError("no source was given: expected a video, a folder of images or camera:N")
    if isinstance(spec, str):
        camera = _CAMERA.match(spec)
        if camera:
            from edge_dnq.video.camera import CameraSource

            return CameraSource(_camera_index(camera.group(1)), rate=rate, limit=limit)
        if _URL.match(spec):
            return _open_url(spec, rate, limit)
    path = Path(spec)
    if path.is_dir():
        return ImagesSource(text, list_images(path), rate=rate, limit=limit)
    check_video_file(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImagesSource(text, [path], rate=rate, limit=limit)
    return VideoSource(text, rate=rate, limit=limit)


def list_images(folder: Path) -> list[Path]:
    """Return the images of ``folder`` in natural order: ``2.jpg`` before ``10.jpg``.

    Raises:
        SourceError: there are none, or the folder cannot be read.
    """
    try:
        paths = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
        ]
    except OSError as error:
        raise SourceError(f"cannot read {folder}: {error.strerror or error}") from error
    if not paths:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        raise SourceError(f"{folder} holds no images: expected files ending in {suffixes}")
    return sorted(paths, key=lambda path: _natural(path.name))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts runs of digits by value."""
    parts = re.split(r"([0-9]+)", name)
    keys = [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts]
    return [*keys, (2, 0, name)]


def _camera_index(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise SourceError(f"camera:{text} is not a camera: expected camera:N, for example camera:0")
    return int(text)


def _open_url(url: str, rate: float | None, limit: int | None) -> FrameSource:
    if url.partition("://")[0].lower() in LIVE_SCHEMES:
        from edge_dnq.video.camera import StreamSource

        return StreamSource(url, rate=rate, limit=limit)
    return VideoSource(url, rate=rate, limit=limit)
