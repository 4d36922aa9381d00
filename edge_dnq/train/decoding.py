"""Decoding many clips into one array, in worker processes. Free of torch.

The workers are plain subprocesses rather than a ``multiprocessing`` pool: a pool that is safe
beside torch's threads would import the caller's main module again, and it cannot tell which file
crashed the native decoder. Here that file is reported like any other unreadable one.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError, EdgeDnqError
from edge_dnq.train.listing import Clip

Job: TypeAlias = tuple[int, Clip]
Outcome: TypeAlias = tuple[int, str | None]
"""A clip's row and why it cannot be read, or None where it was."""

INLINE = 24
"""With fewer clips, workers take longer to start than they save."""

_CRASHES = {
    -number for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)
} | {-signal.SIGFPE}


def decode_all(path: Path, clips: Sequence[Clip]) -> Iterator[Outcome]:
    """Write clip i to row i of the uint8 array ``[N, T, C, C, 3]`` in the .npy file ``path``.

    Yields:
        One outcome per clip, in the order of completion.

    Raises:
        DataError: a worker failed for a reason that lies not in a clip.
    """
    workers = min(os.cpu_count() or 1, len(clips))
    jobs = list(enumerate(clips))
    if len(clips) < INLINE or workers == 1:
        pixels = np.load(path, mmap_mode="r+")
        yield from ((row, decode(pixels, row, clip)) for row, clip in jobs)
        return
    outcomes: SimpleQueue[Outcome | Exception] = SimpleQueue()
    running: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(workers) as pool:
        try:
            for first in range(workers):
                pool.submit(_supervise, path, jobs[first::workers], outcomes, running)
            for _ in jobs:
                outcome = outcomes.get()
                if isinstance(outcome, Exception):
                    raise outcome
                yield outcome
        finally:
            for process in tuple(running):
                process.kill()


def decode(pixels: NDArray[np.uint8], row: int, clip: Clip) -> str | None:
    """Write ``clip`` to ``pixels[row]``; return why it cannot be read, or None."""
    try:
        pixels[row] = clip.load(pixels.shape[1], pixels.shape[2])
    except EdgeDnqError as error:
        return str(error)
    return None


def _supervise(
    path: Path,
    jobs: Sequence[Job],
    outcomes: SimpleQueue[Outcome | Exception],
    running: list[subprocess.Popen[bytes]],
) -> None:
    """Have a worker do ``jobs``; go on behind the clip that crashes it."""
    try:
        while jobs:
            done = 0
            with _start(path) as process:
                running.append(process)
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(pickle.dumps(jobs))
                process.stdin.close()
                for line in process.stdout:
                    row, reason = json.loads(line)
                    outcomes.put((row, reason))
                    done += 1
            jobs = jobs[done:]
            if not jobs:
                return
            if process.returncode not in _CRASHES:
                raise DataError(
                    f"a decoding process ended with code {process.returncode} near {jobs[0][1]}: "
                    "is the memory full?"
                )
            row, clip = jobs[0]
            outcomes.put((row, f"{clip} crashes the video decoder"))
            jobs = jobs[1:]
    except OSError as error:
        outcomes.put(DataError(f"a decoding process cannot be run: {error.strerror or error}"))
    except Exception as error:
        outcomes.put(error)


def _start(path: Path) -> subprocess.Popen[bytes]:
    search = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(
        [sys.executable, "-m", "edge_dnq.train.decoding", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": search},
    )


def _work(path: Path) -> None:
    """Do the jobs that come on the standard input; print one JSON line per job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops the workers
    cv2.setNumThreads(1)
    pixels = np.load(path, mmap_mode="r+")
    for row, clip in pickle.load(sys.stdin.buffer):
        print(json.dumps([row, decode(pixels, row, clip)]), flush=True)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
