"""A camera that is kept delivering: read in a thread of its own, watched, opened again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import EdgeDnqError, SourceError
from edge_dnq.rpi.cameras import Camera, EndOfVideoError, OpenCamera
from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.config import CameraConfig

UInt8 = NDArray[np.uint8]

MOST_HUNG = 3
"""Threads that may be left hanging in a driver before the process has to go."""

DAMAGED_PAUSE_S = 0.04
"""After a damaged frame: a camera that has left answers at once, and would be asked for ever."""

CLOSE_S = 2.0


class CameraHungError(EdgeDnqError):
    """A read does not come back, and only a new process frees the camera."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame and the clock's time when it came."""

    image: UInt8
    at: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Why nothing comes, how often in a row, and how long until the next attempt."""

    reason: str
    failures: int
    retry_s: float


class _Reader:
    """One opened camera and its thread; when it fails, another is made.

    What threads share is guarded by the clock's lock.
    """

    def __init__(self, open_camera: OpenCamera, config: CameraConfig, clock: Clock) -> None:
        self._open_camera, self._config, self._clock = open_camera, config, clock
        self.arrival: Arrival | None = None
        self.dropped = self.damaged = self.delivered = 0
        self.ended = False
        self.failure: str | None = None
        self.stopping = False
        self.started = self.last = clock.now()
        self.thread = clock.start(self._run, "capture")

    @property
    def news(self) -> bool:
        """Whether there is anything to look at."""
        return self.arrival is not None or self.over

    @property
    def over(self) -> bool:
        """Whether the thread is done with the camera."""
        return self.ended or self.failure is not None

    def _run(self) -> None:
        camera: Camera | None = None
        failure: str | None = None
        try:
            camera = self._open_camera()
            self._read(camera)
        except EndOfVideoError:
            pass
        except Exception as error:  # Drivers raise whatever they like; all of it means the same.
            failure = str(error) or type(error).__name__
        try:
            if camera is not None:
                camera.close()
        except Exception as error:
            failure = failure or f"cannot close it: {error}"
        with self._clock.changed:
            self.failure, self.ended = failure, failure is None
            self._clock.changed.notify_all()

    def _read(self, camera: Camera) -> None:
        in_a_row = 0
        picture: UInt8 | None = None
        since = self._clock.now()
        while not self.stopping:
            image = camera.read()
            now = self._clock.now()
            if image is None:
                in_a_row += 1
                self._note_damaged()
                if in_a_row >= self._config.damaged:
                    raise SourceError(f"{in_a_row} reads in a row gave no picture: unplugged?")
                self._clock.wait_for(lambda: self.stopping, DAMAGED_PAUSE_S)
                continue
            in_a_row = 0
            if camera.live and self._config.frozen_s > 0:
                if picture is None or not _same(picture, image):
                    since = now
                elif now - since >= self._config.frozen_s:
                    raise SourceError(f"the very same picture for {now - since:.0f} s: unplugged?")
                picture = image
            self._put(Arrival(image, now))

    def _note_damaged(self) -> None:
        with self._clock.changed:
            self.damaged += 1

    def _put(self, arrival: Arrival) -> None:
        with self._clock.changed:
            self.dropped += self.arrival is not None
            self.arrival = arrival
            self.last = arrival.at
            self.delivered += 1
            self._clock.changed.notify_all()


def _same(one: UInt8, other: UInt8) -> bool:
    """Tell whether pictures are equal, mostly by a look at few pixels: a sensor has noise."""
    if one.shape != other.shape or not np.array_equal(one[::16, ::16], other[::16, ::16]):
        return False
    return np.array_equal(one, other)


class Capture:
    """The newest frame of a camera, and another camera when that one fails.

    Belongs to one thread. A reader that hangs in its driver cannot be stopped: it is left behind,
    its late frame is nobody's, and it may close its camera when it comes back.

    Args:
        open_camera: Opens it; called in the reader's thread, as that may hang too.
        config: Times to wait.
        clock: The runner's clock.
        stalled: Called whenever the camera is found to have failed.

    Attributes:
        running: Whether the last thing heard of the camera was a frame.
        ended: Whether a file has come to its end.
        reopened: Attempts after the first to open it.
    """

    def __init__(
        self,
        open_camera: OpenCamera,
        config: CameraConfig,
        clock: Clock,
        stalled: Callable[[Stall], None],
    ) -> None:
        self._open_camera, self._config, self._clock = open_camera, config, clock
        self._stalled = stalled
        self._reader: _Reader | None = None
        self._left: list[tuple[_Reader, float]] = []
        self._failures = 0
        self._retry_at = clock.now()
        self._past_dropped = self._past_damaged = 0
        self._attempts = 0
        self.running = self.ended = False

    @property
    def dropped(self) -> int:
        """Frames that came while the taker was busy and were replaced by a newer one."""
        return self._past_dropped + (self._reader.dropped if self._reader else 0)

    @property
    def damaged(self) -> int:
        """Frames that could not be decoded."""
        return self._past_damaged + (self._reader.damaged if self._reader else 0)

    @property
    def reopened(self) -> int:
        """Attempts after the first to open it."""
        return max(0, self._attempts - 1)

    @property
    def hung(self) -> int:
        """Readers that were left behind and have not come back."""
        self._left = [entry for entry in self._left if entry[0].thread.is_alive()]
        return len(self._left)

    def take(self, timeout_s: float) -> Arrival | None:
        """Wait for the newest frame, at most so long; None where none came, or none will.

        Raises:
            CameraHungError: threads hang in the driver, and for long.
        """
        if self.ended:
            return None
        reader = self._reader or self._open(timeout_s)
        if reader is None:
            return None
        self._clock.wait_for(lambda: reader.news, timeout_s)
        with self._clock.changed:
            arrival, reader.arrival = reader.arrival, None
            failure, ended = reader.failure, reader.ended
        now = self._clock.now()
        if arrival is not None:
            self.running = True
            if now - reader.started >= self._config.healthy_s:
                self._failures = 0
            return arrival
        if ended:
            self.ended, self.running = True, False
        elif failure is not None:
            self._fail(failure)
        elif (limit := self._overdue(reader, now)) is not None:
            self._fail(f"no frame for {limit:g} s")
        return None

    def close(self) -> None:
        """Stop reading; a driver that hangs is left behind rather than waited for."""
        if self._reader is not None:
            reader = self._reader
            self._leave(reader)
            self._clock.wait_for(lambda: reader.over, CLOSE_S)

    def _open(self, timeout_s: float) -> _Reader | None:
        """Make a reader when it is time for one; else wait."""
        self._check_hung()
        early = self._retry_at - self._clock.now()
        if early > 0:
            self._clock.wait_for(lambda: False, min(timeout_s, early))
            return None
        self._reader = _Reader(self._open_camera, self._config, self._clock)
        self._attempts += 1
        return self._reader

    def _overdue(self, reader: _Reader, now: float) -> float | None:
        """Return the limit that is exceeded, if one is."""
        limit = self._config.stall_s if reader.delivered else self._config.open_s
        return limit if now - reader.last >= limit else None

    def _fail(self, reason: str) -> None:
        reader = self._reader
        assert reader is not None
        self._leave(reader)
        wait = self._config.retry_first_s * 2.0 ** min(self._failures, 30)
        wait = min(wait, self._config.retry_most_s)
        self._failures += 1
        self._retry_at = self._clock.now() + wait
        self.running = False
        self._stalled(Stall(reason, self._failures, wait))

    def _leave(self, reader: _Reader) -> None:
        with self._clock.changed:
            reader.stopping = True
            reader.arrival = None
            self._clock.changed.notify_all()
        self._past_dropped += reader.dropped
        self._past_damaged += reader.damaged
        self._left.append((reader, self._clock.now()))
        self._reader = None

    def _check_hung(self) -> None:
        count = self.hung
        if not count:
            return
        longest = self._clock.now() - self._left[0][1]
        if count > MOST_HUNG or longest >= self._config.hung_s:
            raise CameraHungError(
                f"{count} reads of the camera do not come back, one for {longest:.0f} s: "
                "only a new process frees it"
            )
