"""The wall clock jumps; nothing but the date of an event may show it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge_dnq.rpi.systemd import Notifier
from edge_dnq.session import Session
from tests.edge_dnq.rpi.bench import Bench, steps
from tests.edge_dnq.rpi.conftest import Process
from tests.edge_dnq.rpi.virtual import PATIENCE_S

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

YEAR = timedelta(days=365)


class Pings(Notifier):
    """Keeps when the watchdog was told."""

    def __init__(self) -> None:
        super().__init__({})
        self.watchdog_s = 4.0
        self.now: Callable[[], float] = float
        self.at: list[float] = []

    def send(self, **states: str | int) -> None:
        if "WATCHDOG" in states:
            self.at.append(self.now())


def events_of(
    session: Session, *jumps: tuple[float, timedelta]
) -> tuple[list[dict[str, Any]], list[float], list[datetime]]:
    """Run for a minute with a gap in it; what was told, watchdog times, dates."""
    pings = Pings()
    script = steps(("ok", 200), ("end", 1), ("ok", 100), ("jpeg", 3))
    bench = Bench(session, script, notifier=pings, retry_first_s=3)
    pings.now = bench.clock.now
    for seconds, to in jumps:
        bench.at(seconds, lambda to=to: setattr(bench.clock, "set_by", to))
    bench.run(60)
    dates = [datetime.fromisoformat(event.pop("time")) for event in bench.sink.events]
    for event in bench.sink.events:
        for measured in ("latency_ms", "peak_bytes", "threads"):
            event.pop(measured, None)
    return bench.sink.events, pings.at, dates


def test_an_hour_a_year_back_and_forth_changes_nothing_but_dates(session: Session) -> None:
    """Actions, windows, rates, gaps, statuses and the watchdog, against a run without jumps."""
    # Back while running, far forward, back while the camera is gone, and right again.
    jumps = [(5.05, -YEAR), (12.05, 3 * YEAR), (21.05, -YEAR), (40.05, timedelta())]
    expected, calm_pings, calm_dates = events_of(session)
    events, pings, dates = events_of(session, *jumps)
    assert events == expected
    assert pings == calm_pings
    assert max(b - a for a, b in pairwise(pings)) <= 1.5
    off = [date - calm for date, calm in zip(dates, calm_dates, strict=True)]
    assert set(off) == {timedelta(), -YEAR, 3 * YEAR}
    assert {event["event"] for event in events} >= {"prediction", "stale", "reset", "status"}


def test_the_systems_own_clock_jumps(
    start: Callable[..., Process],
    bundle_folder: Path,
    clip: Path,
    tmp_path: Path,
    require_tools: Callable[..., None],
) -> None:
    """Its C library is told other dates; the monotonic clock goes on, as Linux's does."""
    require_tools("faketime")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    config = tmp_path / "rpi.toml"
    # The machine may be busy: what is late must not be taken for a fault of the clock.
    config.write_text(
        "[camera]\nstall_s = 600\nopen_s = 600\n[events]\ngap_s = 600\nstatus_s = 1\n"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)
        process = start(
            bundle_folder, clip, "--loop", "--config", config,
            environment={
                "LD_PRELOAD": preload(),
                "FAKETIME_TIMESTAMP_FILE": str(offset),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NOTIFY_SOCKET": str(tmp_path / "notify"),
                "WATCHDOG_USEC": "4000000",
            },
        )  # fmt: skip
        for days in (0, -400, 800):
            offset.write_text(f"{days:+}d")
            before = len(process.events)
            heard: list[str] = []
            while heard.count("WATCHDOG=1") < 3:
                heard += manager.recv(4096).decode().split("\n")
            told = len([event for event in process.events if event["event"] == "status"])
            process.wait_for("status", told + 2)
            assert len(process.events) > before
        process.popen.send_signal(signal.SIGTERM)
        assert process.finish() == 0, process.errors()
    events = process.events
    dates = [datetime.fromisoformat(event["time"]) for event in events]
    leaps = [round((b - a) / timedelta(days=1)) for a, b in pairwise(dates)]
    assert [leap for leap in leaps if leap] == [-400, 1200]
    uptimes = [event["uptime_s"] for event in events]
    assert uptimes == sorted(uptimes)
    assert uptimes[-1] < PATIENCE_S
    assert not {"stale", "reset"} & {event["event"] for event in events}
    for event in events:
        # A window of 4 s of 16 frames each, and a second that a busy machine caught up with: none
        # was emptied or never forgotten.
        assert event["event"] != "prediction" or 1 <= event["frames"] <= 5 * 16 + 2, event
    assert sum(events[-1]["actions"].values()) == events[-1]["frames"]


def preload() -> str:
    """The library for programs with threads, as ``faketime -m`` would load it."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return str(library)
