"""A process that loads one program, or a whole session, and prints what that took.

Run as ``python -m edge_dnq.profiling.child STARTED BUNDLE RUNTIME THREADS KERNELS PROGRAM``: when
the process was started, by the monotonic clock that all processes share, and a program's name,
``policy``, or ``-`` for a session of all of them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from statistics import median
from time import monotonic, perf_counter

import msgspec
import numpy as np

from edge_dnq.bundle import Bundle, FileSpec, TensorSpec
from edge_dnq.profiling.measure import Rota
from edge_dnq.profiling.memory import footprint, growth, reset_peak
from edge_dnq.profiling.table import Start, WholeStart
from edge_dnq.session import POLICY, Session, load_from_bundle, open_bundle

RUNS = 10
ALL = "-"


def main(words: Sequence[str]) -> Start | WholeStart:
    """Measure as the words of the command say."""
    started, path, runtime, count, kernels, program = words
    threads = int(count)
    module = importlib.import_module(f"edge_dnq.programs.{runtime}")
    # What the runtime's own library takes is not a program's.
    getattr(module, "find_package", lambda: None)()
    ready_ms = (monotonic() - float(started)) * 1e3
    if program == ALL:
        return whole(path, runtime, threads, kernels, ready_ms)
    return one(open_bundle(path, runtime, kernels), program, runtime, threads, kernels)


def one(bundle: Bundle, name: str, runtime: str, threads: int, kernels: str) -> Start:
    """Load and run one program of ``bundle``."""
    files, inputs, outputs = _specs(bundle, name)
    arrays = [np.zeros(spec.shape, spec.dtype) for spec in inputs]
    reset = reset_peak()
    before = footprint()
    started = perf_counter()
    loaded = load_from_bundle(bundle, files, inputs, outputs, runtime, threads, kernels)
    load_ms = _milliseconds(started)
    runs = []
    for _ in range(1 + RUNS):
        started = perf_counter()
        loaded.run(*arrays)
        runs.append(_milliseconds(started))
    resident, peak = growth(before, footprint(), reset=reset)
    return Start(
        load_ms=load_ms,
        first_ms=runs[0],
        next_ms=median(runs[1:]),
        resident_bytes=resident,
        peak_bytes=peak,
    )


def whole(path: str, runtime: str, threads: int, kernels: str, ready_ms: float) -> WholeStart:
    """Load a session of the bundle in ``path`` and run every program once."""
    whole_peak = footprint()
    reset = reset_peak()
    before = footprint()
    started = perf_counter()
    bundle = open_bundle(path, runtime, kernels)
    bundle_ms = _milliseconds(started)
    manifest = bundle.manifest
    rota = Rota(manifest.actions, needs_policy=manifest.policy is not None)
    started = perf_counter()
    session = Session(bundle, runtime=runtime, threads=threads, policy=rota, kernels=kernels)
    load_ms = _milliseconds(started)
    frame = np.zeros((manifest.input.height, manifest.input.width, 3), np.uint8)
    started = perf_counter()
    session.step(frame)
    first_ms = _milliseconds(started)
    for rota.action in range(len(manifest.actions)):
        session.step(frame)
    after = footprint()
    resident, peak = growth(before, after, reset=reset)
    peaks = [entry.peak for entry in (whole_peak, after) if entry is not None]
    return WholeStart(
        ready_ms=ready_ms,
        bundle_ms=bundle_ms,
        load_ms=load_ms,
        first_ms=first_ms,
        resident_bytes=resident,
        peak_bytes=peak,
        process_peak_bytes=max(peaks, default=None),
    )


def _specs(
    bundle: Bundle, name: str
) -> tuple[dict[str, FileSpec], tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    policy = bundle.manifest.policy
    if name == POLICY and policy is not None:
        return policy.files, policy.inputs, policy.outputs
    spec = bundle.program(name)
    return spec.files, (spec.input,), (spec.output,)


def _milliseconds(started: float) -> float:
    return (perf_counter() - started) * 1e3


if __name__ == "__main__":
    print(msgspec.json.encode(main(sys.argv[1:])).decode())
