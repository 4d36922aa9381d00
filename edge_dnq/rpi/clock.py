"""Time and waiting: one monotonic clock and one lock for all threads of a runner.

Everything that waits does so through the clock, and so a test can give one whose hours pass in
seconds. The wall clock is shown to people and measures nothing: on a Pi without a battery it jumps
when the network comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone


class Clock:
    """The system's clocks: the monotonic one for everything, the wall clock for people.

    Attributes:
        changed: Guards what threads share; notified when any of it changes.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()

    def now(self) -> float:
        """Return seconds since some moment in the past, never going back."""
        return time.monotonic()

    def wall(self) -> datetime:
        """Return what the wall clock says, UTC; it may jump, to either side."""
        return datetime.now(timezone.utc)

    def wait_for(self, predicate: Callable[[], object], timeout_s: float | None) -> bool:
        """Wait until ``predicate`` holds, which is asked under the lock; tell whether it does."""
        with self.changed:
            return bool(self.changed.wait_for(predicate, timeout_s))

    def start(self, target: Callable[[], None], name: str) -> threading.Thread:
        """Run ``target`` in a thread that does not keep the process alive."""
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread
