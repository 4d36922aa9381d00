"""Events whose reader does not read: how many wait, and which ones go."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.events import KEPT, Events, LineSink

TOLD = 1000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"\n" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_the_newest_lines_wait_for_a_slow_reader(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sink = LineSink(writer)
    events = Events([sink], Clock())
    for index in range(TOLD):
        events.emit("told", index=index)
    # One may be with the writer, which waits for room.
    assert events.lost in (TOLD - KEPT, TOLD - KEPT - 1)
    assert not events.broken
    read: list[int] = []
    with os.fdopen(os.dup(reader), "rb") as lines:
        while not read or read[-1] < TOLD - 1:
            line = lines.readline().strip()
            if line:
                read.append(json.loads(line)["index"])
    assert read[-KEPT:] == list(range(TOLD - KEPT, TOLD))
    assert len(read) == TOLD - events.lost
    events.close()
