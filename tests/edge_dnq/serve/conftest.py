"""A live page with a loop that is driven by hand."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from edge_dnq.playback import Moment, Tally
from edge_dnq.report.colors import BLUE, GREY, ORANGE, ActionStyle
from edge_dnq.serve.address import Address
from edge_dnq.serve.feed import Feed
from edge_dnq.serve.metrics import RunMetrics
from edge_dnq.serve.spectators import Spectators, Wanted
from edge_dnq.session import Prediction, StepResult
from edge_dnq.video.frame import Frame

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

STYLES = {
    "w8a8": ActionStyle("w8a8", BLUE, 1.0),
    "w4a4": ActionStyle("w4a4", ORANGE, 0.6),
    "skip": ActionStyle("skip", GREY, 0.08),
}
LOCAL = Address("127.0.0.1", 0)
PATIENCE_S = 20.0


def moment(index: int, action: str = "w8a8", height: int = 90) -> Moment:
    """Return a moment whose picture is one grey that tells its index."""
    image = np.full((height, 160, 3), (index * 8) % 256, np.uint8)
    step = StepResult(index, action, True, None, None, 1.0 + index, 0.0, 0.0)
    prediction = Prediction("wave", 0.5, [("wave", 0.5), ("run", 0.25)], index + 1, index + 1)
    return Moment(Frame(index, index / 8, image), step, prediction)


class CountingFeed(Feed):
    """A feed that counts the pictures it drew."""

    drawn = 0

    def picture(self) -> bytes | None:
        """Draw, and count."""
        self.drawn += 1
        return super().picture()


@dataclass
class Page:
    """A served page and the loop's side of it."""

    feed: CountingFeed
    tally: Tally
    spectators: Spectators
    shown: int = 0
    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.spectators.urls[0].rstrip("/").rpartition(":")[2])

    def play(self, count: int = 1, action: str = "w8a8") -> None:
        """Give so many frames, as the loop does."""
        for _ in range(count):
            made = moment(self.shown, action)
            self.tally.add(made)
            self.spectators.add(made)
            self.shown += 1

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self.connections.append(connection)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        return connection.getresponse()

    def read(self, path: str) -> bytes:
        """Return the body of an answer that is one."""
        answer = self.ask(path)
        assert answer.status == 200, answer.status
        return answer.read()


@pytest.fixture
def page() -> Iterator[Page]:
    """A page with the metrics on the same port."""
    tally = Tally(list(STYLES))
    feed = CountingFeed(STYLES, tally, "demo on <clip>")
    wanted = Wanted(page=LOCAL, metrics=LOCAL)
    with Spectators(wanted, feed, RunMetrics(STYLES)) as spectators:
        made = Page(feed, tally, spectators)
        yield made
        for connection in made.connections:
            connection.close()


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that another thread does; time decides nothing but giving up."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.01)


def next_picture(answer: http.client.HTTPResponse) -> bytes:
    """Read one part of an MJPEG stream."""
    size = None
    while size is None:
        line = answer.readline()
        assert line, "the stream has ended"
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    assert answer.readline() == b"\r\n"
    return answer.read(size)
