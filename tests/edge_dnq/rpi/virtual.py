"""A clock whose hours pass in seconds, and a camera that fails on command. Both are real code's
own interfaces: the threads, the lock and the session of the runner are the real ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import cv2
import numpy as np

from edge_dnq.rpi.clock import Clock

UInt8 = np.ndarray[Any, np.dtype[np.uint8]]

PATIENCE_S = 300.0
"""Real seconds until a test that hangs is given up; the machine may be busy."""


class VirtualClock(Clock):
    """Moves on when every thread of the runner waits, to the first moment that one waits for."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0
        self.set_by = timedelta()
        self._running = {threading.get_ident()}
        self._waiting: dict[int, tuple[Callable[[], object], float]] = {}

    def now(self) -> float:
        return self._now

    def wall(self) -> datetime:
        """A date that goes with the time, and how far someone has set the clock."""
        return datetime.fromtimestamp(self._now, timezone.utc) + self.set_by

    def wait_for(self, predicate: Callable[[], object], timeout_s: float | None) -> bool:
        me = threading.get_ident()
        with self.changed:
            due = float("inf") if timeout_s is None else self._now + timeout_s
            while not predicate() and self._now < due:
                self._waiting[me] = predicate, due
                if not self._move_on():
                    # A thread that the clock does not know holds things up, or nothing can happen.
                    assert self.changed.wait(PATIENCE_S), f"all wait for ever at {self._now}"
                self._waiting.pop(me, None)
            return bool(predicate())

    def start(self, target: Callable[[], None], name: str) -> threading.Thread:
        known = threading.Event()

        def run() -> None:
            self._running.add(threading.get_ident())
            known.set()
            try:
                target()
            finally:
                with self.changed:
                    self._running.discard(threading.get_ident())
                    self._move_on()
                    self.changed.notify_all()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        known.wait()
        return thread

    def sleep(self, seconds: float) -> None:
        self.wait_for(lambda: False, seconds)

    def _move_on(self) -> bool:
        """Jump to the next moment if everybody waits for one."""
        if self._running - self._waiting.keys():
            return False
        if any(predicate() or due <= self._now for predicate, due in self._waiting.values()):
            return False
        moment = min((due for _, due in self._waiting.values()), default=float("inf"))
        if moment == float("inf"):
            return False
        self._now = moment
        self.changed.notify_all()
        return True


Step = str
"""One thing that the camera does: see :meth:`FaultyCamera.read`."""


class Faults:
    """Cameras that play a script, across all the times they are opened.

    The script yields, per read: ``ok``, ``same``, ``jpeg`` (a corrupt one), ``none``, ``hang``,
    ``end`` (unplugged: the read raises), ``large`` (another resolution); and per opening ``absent``
    or anything else. At its end it goes on with ``ok``.
    """

    def __init__(self, clock: VirtualClock, script: Iterator[Step], fps: float = 10.0) -> None:
        self.clock, self.fps = clock, fps
        self.script = script
        self.absent = False
        self.opened = 0
        self.closed = 0
        self.reads = 0
        self.released = False
        self.random = np.random.default_rng(0)

    def open(self) -> FaultyCamera:
        self.opened += 1
        if self.absent:
            raise OSError(19, "No such device")
        return FaultyCamera(self)

    def picture(self, height: int = 48, width: int = 64) -> UInt8:
        return self.random.integers(0, 256, (height, width, 3), dtype=np.uint8)


class FaultyCamera:
    live = True

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.last = faults.picture()

    def read(self) -> UInt8 | None:
        faults = self.faults
        faults.reads += 1
        step = next(faults.script, "ok")
        if step == "hang":
            faults.clock.wait_for(lambda: faults.released, None)
            return None
        faults.clock.sleep(1 / faults.fps)
        if step == "none":
            return None
        if step == "jpeg":
            return corrupt_jpeg(faults.picture())
        if step == "end":
            raise OSError(19, "No such device")
        if step == "same":
            return self.last.copy()
        self.last = faults.picture(96, 128) if step == "large" else faults.picture()
        return self.last

    def close(self) -> None:
        self.faults.closed += 1


def corrupt_jpeg(picture: UInt8) -> UInt8 | None:
    """What OpenCV makes of a JPEG that lost its header on the way."""
    ok, encoded = cv2.imencode(".jpg", picture)
    assert ok
    content = encoded.reshape(-1).copy()
    content[:64] = 0
    image: UInt8 | None = cv2.imdecode(content, cv2.IMREAD_COLOR)
    return image
