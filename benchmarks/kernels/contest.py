"""Runs several tasks side by side, in short turns, so that all see the same machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.kernels.runners import Task

REPOSITORY = Path(__file__).resolve().parents[2]
TURN_SECONDS = 0.15
MOST_RUNS_PER_TURN = 50


class Worker:
    """A process that holds one task's model."""

    def __init__(self, task: Task, environment: Mapping[str, str]) -> None:
        self.task = task
        words = [sys.executable, "-m", "benchmarks.kernels.worker", json.dumps(task._asdict())]
        # The stock runtime must stay stock, and a forced choice must be the task's own.
        clean = {k: v for k, v in os.environ.items() if not k.startswith("EDGE_DNQ_KERNELS")}
        self.process = subprocess.Popen(
            words,
            cwd=REPOSITORY,
            env={**clean, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.seconds: list[float] = []

    def wait_ready(self) -> None:
        """Return when the model is loaded.

        Raises:
            RuntimeError: the process ended instead.
        """
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if self.process.stdout.readline() != "ready\n":
            tail = self.process.stderr.read().strip().splitlines()[-1:]
            raise RuntimeError(f"{self.task.runtime} failed: {' '.join(tail) or 'no message'}")

    def ask(self, **request: Any) -> Any:
        """Return the worker's answer to one request."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.task.runtime} died on {self.task.model}")
        return json.loads(line)

    def turn(self) -> None:
        """Time some runs."""
        typical = median(self.seconds) if self.seconds else TURN_SECONDS
        runs = max(1, min(MOST_RUNS_PER_TURN, round(TURN_SECONDS / typical)))
        self.seconds += self.ask(run=runs)

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def contest(
    tasks: Mapping[str, Task], environments: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, Worker]]:
    """Start a worker per task and yield those that could load their model.

    Args:
        tasks: By the name they are reported under.
        environments: Extra variables by runtime.
    """
    workers: dict[str, Worker] = {}
    try:
        for name, task in tasks.items():
            worker = Worker(task, environments.get(task.runtime, {}))
            try:
                worker.wait_ready()
            except RuntimeError as error:
                print(f"{name}: {error}", file=sys.stderr)
                worker.close()
            else:
                workers[name] = worker
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def play(workers: Mapping[str, Worker], rounds: int) -> None:
    """Let every worker have ``rounds`` turns, one after the other."""
    for _ in range(rounds):
        for worker in workers.values():
            worker.turn()
