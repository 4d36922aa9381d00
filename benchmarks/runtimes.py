"""When to choose which runtime: size on the device, load time, latency and memory of each.

    python -m benchmarks.runtimes BUNDLE [--threads 1] [--rounds 30] [--json FILE]

BUNDLE comes from ``edge-dnq export --runtime both``. Latencies are taken turn by turn in one
process, so that they may be compared on a busy machine; the rest in a process per program.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter

import msgspec
import numpy as np

from edge_dnq.bundle import Bundle, FileSpec, TensorSpec
from edge_dnq.cli.output import human_bytes
from edge_dnq.executorch_library import RUNTIME_LIBRARIES, executorch_folder, library_status
from edge_dnq.kernels import litert_delegate_path
from edge_dnq.profiling.table import Start
from edge_dnq.programs import Program
from edge_dnq.session import POLICY, load_from_bundle, program_key

Part = tuple[str, dict[str, FileSpec], tuple[TensorSpec, ...], tuple[TensorSpec, ...]]

WAYS = (("litert", "off"), ("litert", "auto"), ("executorch", "off"), ("executorch", "auto"))
"""Runtime and kernels."""


@dataclass(frozen=True)
class Row:
    """One program one way; sizes in bytes, times in milliseconds."""

    program: str
    runtime: str
    kernels: str
    file: int
    load_ms: float
    run_ms: float
    resident: int


def measure(folder: Path, threads: int, rounds: int) -> list[Row]:
    """Measure every program and the policy every way."""
    bundle = Bundle.load(folder)
    rows = []
    for name, files, inputs, outputs in parts(bundle):
        programs = {
            (runtime, kernels): load_from_bundle(
                bundle, files, inputs, outputs, runtime, threads, kernels
            )
            for runtime, kernels in WAYS
        }
        generator = np.random.default_rng(0)
        # Codes for the frame, and state near zero.
        arrays = [generator.integers(-128, 128, inputs[0].shape).astype(inputs[0].dtype)]
        arrays += [np.zeros(spec.shape, spec.dtype) for spec in inputs[1:]]
        times = in_turns(programs, arrays, rounds)
        for (runtime, kernels), program in programs.items():
            start = alone(folder, name, runtime, threads, kernels)
            rows.append(
                Row(
                    name,
                    runtime,
                    program.kernels.name,
                    files[program_key(files, runtime, kernels)].bytes,
                    start.load_ms,
                    times[runtime, kernels],
                    start.resident_bytes,
                )
            )
        # The runtimes' own thread pools are shared by the programs that are open.
        programs.clear()
    return rows


def parts(bundle: Bundle) -> Iterator[Part]:
    """Yield name, files, inputs and outputs of the programs and the policy."""
    for spec in bundle.manifest.programs:
        yield spec.name, spec.files, (spec.input,), (spec.output,)
    policy = bundle.manifest.policy
    if policy is not None:
        yield POLICY, policy.files, policy.inputs, policy.outputs


def in_turns(
    programs: dict[tuple[str, str], Program], arrays: Sequence[np.ndarray], rounds: int
) -> dict[tuple[str, str], float]:
    """Return the median latency of each program in milliseconds."""
    times: dict[tuple[str, str], list[float]] = {way: [] for way in programs}
    for turn in range(rounds + 2):
        for way, program in programs.items():
            # Of two runs the second counts: the first brings the weights back into the caches.
            program.run(*arrays)
            started = perf_counter()
            program.run(*arrays)
            if turn > 1:
                times[way].append((perf_counter() - started) * 1e3)
    return {way: median(taken) for way, taken in times.items()}


def alone(folder: Path, program: str, runtime: str, threads: int, kernels: str) -> Start:
    """Load and run a program in a process of its own."""
    words = [folder, runtime, threads, kernels, program]
    command = [sys.executable, "-m", "edge_dnq.profiling.child", monotonic(), *words]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    return msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Start)


def libraries() -> dict[str, int]:
    """Return the bytes of native code that each runtime needs, and those of the kernels."""
    found: dict[str, int] = {}
    litert = find_spec("ai_edge_litert")
    if litert is not None and litert.origin is not None:
        home = Path(litert.origin).parent
        needed = [
            *home.glob("_pywrap_tensorflow_interpreter_wrapper*.so"),
            *home.glob("*common.so"),
        ]
        found["litert"] = sum(path.stat().st_size for path in needed)
    folder = executorch_folder()
    if folder is not None:
        found["executorch"] = sum((folder / "lib" / n).stat().st_size for n in RUNTIME_LIBRARIES)
    kernels = {"litert": litert_delegate_path(), "executorch": library_status().path}
    for runtime, path in kernels.items():
        if path is not None:
            found[f"kernels for {runtime}"] = Path(path).stat().st_size
    return found


def show(rows: list[Row], sizes: dict[str, int]) -> None:
    """Print a table in Markdown, and what the runtimes themselves take."""
    print("| program | runtime | kernels | file | load, ms | run, ms | memory |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        cells = [
            *(row.program, row.runtime, row.kernels, human_bytes(row.file)),
            *(f"{row.load_ms:.1f}", f"{row.run_ms:.3g}", human_bytes(row.resident)),
        ]
        print(f"| {' | '.join(cells)} |")
    native = ", ".join(f"{name} {human_bytes(size)}" for name, size in sizes.items())
    print(f"\nnative libraries: {native}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = measure(arguments.bundle, arguments.threads, arguments.rounds)
    sizes = libraries()
    show(rows, sizes)
    if arguments.json is not None:
        facts = {"programs": [asdict(row) for row in rows], "libraries": sizes}
        arguments.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
