"""What clients of the live page cost the loop: step times with none, one, many, slow and vanishing.

The loop plays a video again and again, as fast as it can or at a camera's pace, and gives every
moment to the page's slot. Clients are a process of their own, as they would be on another machine;
they still share this machine's cores with the loop. Scenarios take turns.

Run: python benchmarks/live_page.py BUNDLE VIDEO [--rounds 6] [--seconds 2] [--fps 0]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from edge_dnq.bundle import Bundle
from edge_dnq.playback import Moment, Tally
from edge_dnq.report.colors import action_styles
from edge_dnq.serve.address import Address
from edge_dnq.serve.feed import Feed
from edge_dnq.serve.metrics import RunMetrics
from edge_dnq.serve.spectators import Spectators, Wanted
from edge_dnq.session import Session
from edge_dnq.video.frame import Frame
from edge_dnq.video.sources import open_source

SCENARIOS = {
    "no server": None,
    "no client": ("reading", 0),
    "1 client": ("reading", 1),
    "20 clients": ("reading", 20),
    "20 slow clients": ("slow", 20),
    "20 vanishing clients": ("vanishing", 20),
}
REQUEST = "GET /{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n"


async def client(port: int, kind: str) -> None:
    """Watch the video and the numbers, as a browser does; slowly, or only for a moment."""
    while True:
        streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for (_, writer), what in zip(streams, ("video", "events"), strict=True):
            writer.write(REQUEST.format(what, port).encode())
        if kind == "vanishing":
            await asyncio.sleep(np.random.default_rng().uniform(0.05, 0.4))
            for _, writer in streams:
                writer.transport.abort()
            continue
        size, pause = (1 << 16, 0.0) if kind == "reading" else (512, 0.1)
        await asyncio.gather(*(drain(reader, size, pause) for reader, _ in streams))
        return


async def drain(reader: asyncio.StreamReader, size: int, pause: float) -> None:
    while await reader.read(size):
        await asyncio.sleep(pause)


async def clients(port: int, kind: str, count: int) -> None:
    await asyncio.gather(*(client(port, kind) for _ in range(count)))


@contextmanager
def watching(port: int, kind: str, count: int) -> Iterator[None]:
    if not count:
        yield
        return
    words = [sys.executable, __file__, "--client", str(port), kind, str(count)]
    process = subprocess.Popen(words)
    try:
        time.sleep(1.0)
        yield
    finally:
        process.kill()
        process.wait()


def steps(
    session: Session, frames: list[Frame], seconds: float, fps: float, spectators: Spectators | None
) -> list[float]:
    """Return the duration of every step, and of handing it over, in milliseconds."""
    tally = Tally([action.name for action in session.bundle.manifest.actions])
    taken, began, place = [], time.perf_counter(), 0
    while (now := time.perf_counter()) - began < seconds:
        if fps and (early := began + place / fps - now) > 0:
            time.sleep(early)
        frame = frames[place % len(frames)]
        started = time.perf_counter()
        moment = Moment(frame, session.step(frame.image), session.result())
        tally.add(moment)
        if spectators is not None:
            spectators.add(moment)
        taken.append((time.perf_counter() - started) * 1e3)
        place += 1
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("video")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--fps", type=float, default=0.0, help="0: as fast as it can")
    parser.add_argument("--policy", default="uniform:w8a8")
    arguments = parser.parse_args()
    session = Session(Bundle.load(arguments.bundle), policy=arguments.policy)
    with open_source(arguments.video, limit=64) as source:
        frames = list(source)
    styles = action_styles(session.bundle.manifest)
    taken: dict[str, list[float]] = {name: [] for name in SCENARIOS}
    steps(session, frames, 1.0, 0.0, None)
    for _ in range(arguments.rounds):
        for name, scenario in SCENARIOS.items():
            if scenario is None:
                taken[name] += steps(session, frames, arguments.seconds, arguments.fps, None)
                continue
            feed = Feed(styles, Tally(list(styles)), "benchmark")
            wanted = Wanted(page=Address("127.0.0.1", 0))
            with Spectators(wanted, feed, RunMetrics(styles)) as spectators:
                port = int(spectators.urls[0].rstrip("/").rpartition(":")[2])
                with watching(port, *scenario):
                    taken[name] += steps(
                        session, frames, arguments.seconds, arguments.fps, spectators
                    )
    pace = f"{arguments.fps:g} fps" if arguments.fps else "as fast as it can"
    print(f"{session.bundle.manifest.name}, policy {arguments.policy}, {pace}\n")
    print(
        "| clients | frames | median ms | p95 ms | p99 ms | median of no server |\n"
        "|---|---|---|---|---|---|"
    )
    base = float(np.median(taken["no server"]))
    for name, values in taken.items():
        p50, p95, p99 = np.percentile(values, (50, 95, 99))
        print(f"| {name} | {len(values)} | {p50:.3f} | {p95:.3f} | {p99:.3f} | {p50 / base:.2f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        asyncio.run(clients(int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    else:
        main()
