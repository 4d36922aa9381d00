"""Fixtures of the runner's tests: the command as a process of its own, on a real clip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.session import Session
from edge_dnq.synthetic import render_clip, write_clip
from tests.edge_dnq.rpi.virtual import PATIENCE_S

COMMAND = (sys.executable, "-m", "edge_dnq.rpi.main")


class Process:
    """``edge-dnq-rpi`` with its events read as they come."""

    def __init__(self, *words: str | Path, environment: dict[str, str] | None = None) -> None:
        self.popen = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | (environment or {}),
        )
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.events.append(json.loads(line))

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """Return the ``count``-th such event."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = [entry for entry in self.events if entry["event"] == event]
            if len(found) >= count:
                return found[count - 1]
            assert self.popen.poll() is None or self._reader.is_alive() or found, self.errors()
            time.sleep(0.02)
        raise AssertionError(f"no {event} in {self.events}")

    def errors(self) -> str:
        assert self.popen.stderr is not None
        return self.popen.stderr.read().decode() if self.popen.poll() is not None else "running"

    def finish(self) -> int:
        """Wait for the end; return the exit code."""
        code = self.popen.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Starts runners, which end with the test."""
    running: list[Process] = []

    def begin(*words: str | Path, **options: Any) -> Process:
        running.append(Process(*words, **options))
        return running[-1]

    yield begin
    for process in running:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.wait(PATIENCE_S)
        for stream in (process.popen.stdout, process.popen.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of a second."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(path, render_clip(3, frames=16, size=96), fps=16)
    return path


@pytest.fixture(scope="module")
def session(bundle: Bundle) -> Session:
    return Session(bundle, policy="learned")
