"""Events: what the runner tells, as JSON lines on stdout and messages to an MQTT broker."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from edge_dnq.rpi.clock import Clock

KEPT = 256
"""Lines that wait for a slow reader; older ones make room and are counted as lost."""

FLUSH_S = 2.0


class Sink(Protocol):
    """Where events go. Nothing here waits for whoever reads them.

    Attributes:
        lost: Events that nobody will get.
        broken: Whether nobody ever will again.
    """

    lost: int
    broken: bool

    def send(self, event: str, line: bytes) -> None:
        """Take an event and its JSON."""
        ...

    def close(self) -> None:
        """Let go, after a moment for what is on its way."""
        ...


class LineSink:
    """Writes lines to a file descriptor in a thread: pipes block, disks fill up.

    Args:
        descriptor: Where to.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self.lost = 0
        self.broken = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def send(self, event: str, line: bytes) -> None:
        """Queue a line; the oldest goes where there are too many."""
        with self._changed:
            if len(self._lines) >= KEPT:
                self._lines.popleft()
                self.lost += 1
            self._lines.append(line + b"\n")
            self._changed.notify()

    def close(self) -> None:
        """Give the writer a moment for the rest."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(FLUSH_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._closing)
                if not self._lines:
                    return
                line = self._lines.popleft()
            try:
                self._write(line)
                self._failing = False
            except BrokenPipeError:
                self.broken = True
                return
            except OSError as error:
                self._lose(error)

    def _lose(self, error: OSError) -> None:
        """Count a line; tell it once, until lines can be written again."""
        with self._changed:
            self.lost += 1
        if not self._failing:
            self._failing = True
            reason = error.strerror or error
            print(f"warning: events are lost while there is: {reason}", file=sys.stderr, flush=True)

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(self._descriptor, left) :]


class Events:
    """Gives every event to all sinks.

    Args:
        sinks: Where they go.
        clock: Tells how long the runner has been up, and the date.
    """

    def __init__(self, sinks: Sequence[Sink], clock: Clock) -> None:
        self._sinks, self._clock = tuple(sinks), clock
        self._started = clock.now()

    @property
    def lost(self) -> int:
        """Events that some sink could not deliver."""
        return sum(sink.lost for sink in self._sinks)

    @property
    def broken(self) -> bool:
        """Whether some reader has gone for good."""
        return any(sink.broken for sink in self._sinks)

    def emit(self, event: str, **fields: Any) -> None:
        """Tell one event.

        Args:
            event: Its name.
            fields: What it says, as plain JSON values.
        """
        record = {
            "event": event,
            # For people and logs; whoever needs order or durations takes uptime_s.
            "time": self._clock.wall().isoformat(timespec="milliseconds"),
            "uptime_s": round(self._clock.now() - self._started, 3),
            **fields,
        }
        line = msgspec.json.encode(record)
        for sink in self._sinks:
            sink.send(event, line)

    def close(self) -> None:
        """Close all sinks."""
        for sink in self._sinks:
            sink.close()


def stdout_sink() -> LineSink:
    """Return the sink of this process's stdout."""
    return LineSink(sys.stdout.fileno())
