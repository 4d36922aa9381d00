"""Sources that do not wait: cameras and live streams. The newest frame wins."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import SourceError
from edge_dnq.video.decoding import frame_rate, open_video, to_rgb
from edge_dnq.video.opencv import cv2
from edge_dnq.video.sources import FrameSource, Tick

READ_TIMEOUT_S = 10.0
"""Longest wait for the next frame; drivers of USB cameras give up after about as long."""

_CLOSE_TIMEOUT_S = 2.0


class _Arrival(NamedTuple):
    tick: Tick
    image: NDArray[np.generic]


class Mailbox:
    """Holds one frame between the thread that reads and the one that takes; newer replaces older.

    Attributes:
        dropped: Frames that were replaced before anyone took them.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrival: _Arrival | None = None
        self._ended = False
        self.dropped = 0

    def put(self, arrival: _Arrival) -> None:
        """Leave a frame, replacing one that was not taken."""
        with self._changed:
            self.dropped += self._arrival is not None
            self._arrival = arrival
            self._changed.notify()

    def end(self) -> None:
        """Say that no frame will come any more."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def take(self, timeout_s: float) -> _Arrival | None:
        """Wait for a frame and take it; None after the end.

        Raises:
            TimeoutError: neither came in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._arrival or self._ended, timeout_s):
                raise TimeoutError
            arrival, self._arrival = self._arrival, None
            return arrival


class LiveSource(FrameSource):
    """Reads in a thread of its own, so that a slow reader gets fresh frames and no backlog.

    Frame numbers count the frames that came, the dropped ones too; times are those of arrival.
    """

    def __init__(
        self,
        name: str,
        capture: cv2.VideoCapture,
        *,
        rate: float | None,
        limit: int | None,
        timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        super().__init__(name, rate, limit)
        self._capture = capture
        self._native_fps = frame_rate(capture)
        self._timeout_s = timeout_s
        self._mailbox = Mailbox()
        self._last: _Arrival | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._pump, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that came and were lost because the reader was busy."""
        return self._mailbox.dropped

    def _pump(self) -> None:
        """Read until told to stop or nothing comes; the capture belongs to this thread."""
        started = time.monotonic()
        index = 0
        try:
            while not self._stop.is_set():
                ok, image = self._capture.read()
                if not ok or image is None:
                    break
                tick = Tick(index, time.monotonic() - started)
                self._mailbox.put(_Arrival(tick, image))
                index += 1
        except cv2.error:
            pass  # As good as an unplugged camera: the reader is told by the end.
        finally:
            self._capture.release()
            self._mailbox.end()

    def _ticks(self) -> Iterator[Tick]:
        while True:
            try:
                arrival = self._mailbox.take(self._timeout_s)
            except TimeoutError:
                raise SourceError(
                    f"{self.name} gave no frame for {self._timeout_s:g} s: is it still connected?"
                ) from None
            if arrival is None:
                self._ended()
                return
            self._last = arrival
            yield arrival.tick

    def _image(self) -> NDArray[np.uint8]:
        assert self._last is not None
        return to_rgb(self._last.image)

    @abstractmethod
    def _ended(self) -> None:
        """Say what it means that no frame comes any more."""

    def close(self) -> None:
        """Stop reading. A driver that hangs is left behind rather than waited for."""
        self._stop.set()
        self._thread.join(_CLOSE_TIMEOUT_S)


class CameraSource(LiveSource):
    """A camera of this machine, by its number.

    Raises:
        SourceError: there is no such camera, or another program uses it.
    """

    def __init__(self, index: int, *, rate: float | None = None, limit: int | None = None) -> None:
        capture = cv2.VideoCapture(index)
        if not capture.isOpened():
            capture.release()
            raise SourceError(
                f"cannot open camera:{index}: no such camera, or another program uses it"
            )
        super().__init__(f"camera:{index}", capture, rate=rate, limit=limit)

    def _ended(self) -> None:
        if not self._stop.is_set():
            raise SourceError(f"{self.name} stopped giving frames: was it unplugged?")


class StreamSource(LiveSource):
    """A live network stream; it may end.

    Raises:
        SourceError: the stream cannot be opened.
    """

    def __init__(self, url: str, *, rate: float | None = None, limit: int | None = None) -> None:
        super().__init__(url, open_video(url), rate=rate, limit=limit)

    def _ended(self) -> None:
        """A stream that was ended by its sender ends like a file."""
