"""A process that holds one loaded model and runs it on request.

Reads one JSON request per line and writes one JSON answer per line: ``{"run": N}`` for the seconds
of N runs, ``{"output": true}`` for the logits, ``{"report": true}`` for what the package's kernels
did, ``{"evex": SECONDS}`` for the share of samples in AVX-512 instructions (under the mask only).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from typing import Any

from benchmarks.kernels.runners import RUNNERS, ExecuTorchKernels, LiteRt, Runner, Task

WARM_UP_RUNS = 3


def timed(runner: Runner, runs: int) -> list[float]:
    """Return the seconds of every run; the first, which finds cold caches, is left out."""
    runner.run()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        runner.run()
        seconds.append(time.perf_counter() - start)
    return seconds


def evex_share(runner: Runner, seconds: float) -> dict[str, int]:
    """Return how many samples there were, and how many hit an EVEX-encoded instruction."""
    mask = ctypes.CDLL(os.environ["LD_PRELOAD"])
    counts = (ctypes.c_int64(), ctypes.c_int64())
    mask.cpuid_mask_start_sampling()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        runner.run()
    mask.cpuid_mask_stop_sampling(*map(ctypes.byref, counts))
    return {"samples": counts[0].value, "evex": counts[1].value}


def answer(runner: Runner, request: dict[str, Any]) -> Any:
    """Return the answer to one request."""
    if "run" in request:
        return timed(runner, request["run"])
    if "output" in request:
        return [float(value) for value in runner.output()]
    if "report" in request:
        assert isinstance(runner, LiteRt | ExecuTorchKernels)
        return runner.report()
    return evex_share(runner, request["evex"])


def main() -> None:
    """Load the task of the first argument, then answer until the input ends."""
    # Runtimes chat on standard output: answers get a channel of their own.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = Task(**json.loads(sys.argv[1]))
    runner = RUNNERS[task.runtime](task)
    for _ in range(WARM_UP_RUNS):
        runner.run()
    print("ready", file=channel, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(runner, json.loads(line))), file=channel, flush=True)


if __name__ == "__main__":
    main()
