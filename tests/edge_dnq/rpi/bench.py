"""The real runner with its threads, on a clock whose hours pass in seconds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from edge_dnq.rpi.cameras import Camera
from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.config import CameraConfig, Config, EventsConfig
from edge_dnq.rpi.events import Events
from edge_dnq.rpi.health import Board
from edge_dnq.rpi.runner import DONE, Runner
from edge_dnq.rpi.systemd import Notifier
from edge_dnq.session import Session
from tests.edge_dnq.rpi.virtual import Faults, VirtualClock


class Collected:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.lost = 0
        self.broken = False

    def send(self, event: str, line: bytes) -> None:
        self.events.append(msgspec.json.decode(line))

    def close(self) -> None:
        pass

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


class Bench:
    """A runner on virtual time, with a camera that follows a script; or with another one."""

    def __init__(
        self,
        session: Session,
        script: Iterator[str],
        notifier: Notifier | None = None,
        open_camera: Callable[[Clock], Camera] | None = None,
        **camera: Any,
    ) -> None:
        self.clock = VirtualClock()
        self.faults = Faults(self.clock, script)
        self.sink = Collected()
        self.session = session
        session.reset()
        config = Config(camera=CameraConfig(**camera), events=EventsConfig(status_s=10))
        events = Events([self.sink], self.clock)
        nowhere = Board(Path("/nonexistent"))
        opener = self.faults.open if open_camera is None else lambda: open_camera(self.clock)
        self.runner = Runner(
            session, opener, config, events, self.clock, board=nowhere, notifier=notifier
        )

    def at(self, seconds: float, action: Any) -> None:
        def later() -> None:
            self.clock.sleep(seconds)
            action()

        self.clock.start(later, "script")

    def run(self, seconds: float) -> dict[str, Any]:
        """Run so long; return the last event."""
        self.at(seconds, lambda: self.runner.stop("test"))
        try:
            assert self.runner.run() == DONE
        finally:
            self.faults.released = True
            with self.clock.changed:
                self.clock.changed.notify_all()
        last = self.sink.events[-1]
        assert last["event"] == "stopped", last
        return last

    def summary(self) -> str:
        return "\n".join(str(event) for event in self.sink.events if event["event"] != "prediction")


def steps(*runs: tuple[str, int]) -> Iterator[str]:
    return itertools.chain.from_iterable(itertools.repeat(what, count) for what, count in runs)
