"""Times whole networks: the package's kernels, stock LiteRT and the other runtimes together."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import torch

from benchmarks.avx2_only.overlay import environment
from benchmarks.kernels.contest import Worker, contest, play
from benchmarks.kernels.float_program import write_float_program
from benchmarks.kernels.limits import Limits
from benchmarks.kernels.networks import PROGRAMS, REFERENCE, FloatNetwork, Network, once
from benchmarks.kernels.peer_models import write_all
from benchmarks.kernels.runners import PACKAGES, Task

Machine = Literal["avx2", "native"]
OURS = "edge-dnq"
OURS_EXECUTORCH = "edge-dnq-executorch"
OWN = (OURS, OURS_EXECUTORCH)
"""The package's kernels in LiteRT, and in ExecuTorch."""

PEERS = ("onnxruntime", "openvino", "ncnn", "executorch")
EVEX_SECONDS = 0.5
# Unrelated logits stay below 0.3; random weights on noise leave the grids made for frames.
LEAST_CORRELATION = 0.7


@dataclass
class Row:
    """One model on one runtime.

    Attributes:
        name: For people.
        runtime: Who ran it; one of :data:`OWN` for the package's kernels.
        kind: ``fp32``, ``int8`` or the program's name.
        milliseconds: Median.
        fastest: Minimum.
        runs: How many were timed.
        macs_per_cycle: Of the network, at the clock rate measured beside.
        share_of_limit: What the instruction mix allows over what was reached; package's kernels.
        samples: Looks at the running instruction, none in AVX-512; 0 where that is not hidden.
        operations: The package's own account: op, kernel, MACs, seconds.
        memory: The package's own account of its bytes.
    """

    name: str
    runtime: str
    kind: str
    milliseconds: float
    fastest: float
    runs: int
    macs_per_cycle: float = 0.0
    share_of_limit: float | None = None
    samples: int = 0
    operations: list[dict[str, Any]] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)


@dataclass
class Result:
    """One network on one machine with one number of threads."""

    network: str
    title: str
    machine: Machine
    threads: int
    macs: int
    rows: list[Row]

    def of(self, runtime: str, kind: str) -> Row | None:
        """Return the row of ``runtime`` and ``kind``."""
        return next((r for r in self.rows if (r.runtime, r.kind) == (runtime, kind)), None)

    def stock(self) -> Row:
        """Return the faster of stock LiteRT's int8 and fp32."""
        return min((r for r in self.rows if r.runtime == "litert"), key=lambda r: r.milliseconds)

    def best_peer(self) -> Row:
        """Return the fastest of everything that is not ours."""
        return min((r for r in self.rows if r.runtime not in OWN), key=lambda r: r.milliseconds)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def installed_peers() -> tuple[str, ...]:
    """Return the other runtimes that can be imported here."""
    return tuple(p for p in PEERS if importlib.util.find_spec(PACKAGES[p][0]) is not None)


def prepare(network: Network, peers: tuple[str, ...], folder: Path) -> dict[str, tuple[str, Path]]:
    """Write every model; return name -> (runtime, file). Files are kept for the next run."""
    home = folder / network.name
    bundle = network.bundle(folder)
    made: list[FloatNetwork] = []

    def float_network() -> FloatNetwork:
        if not made:
            made.append(FloatNetwork(network.backbone()).eval())
        return made[0]

    def write_float(path: Path) -> None:
        example = torch.zeros(1, 3, network.size, network.size)
        write_float_program(float_network(), example, path)

    models = {name: ("litert", next(bundle.rglob(f"{name}.tflite"))) for name in PROGRAMS}
    for name in PROGRAMS if "executorch" in peers else ():
        for path in bundle.rglob(f"{name}.kernels.pte"):
            models[f"{OURS_EXECUTORCH} {name}"] = ("executorch", path)
    models["fp32"] = ("litert", once(home / "float.tflite", write_float))
    for (runtime, kind), path in write_all(home, network.size, set(peers), float_network).items():
        models[f"{runtime} {kind}"] = (runtime, path)
    return models


def tasks(
    models: Mapping[str, tuple[str, Path]], threads: int, isa: str, profile: bool = False
) -> dict[str, Task]:
    """Return what runs, by the names of the rows."""
    own = {f"{OURS} {name}": models[name] for name in PROGRAMS}
    own |= {name: model for name, model in models.items() if name.startswith(OWN)}
    chosen = {
        name: Task(runtime, str(path), threads, isa, profile)
        for name, (runtime, path) in own.items()
    }
    chosen["litert int8"] = Task("litert", str(models[REFERENCE][1]), threads)
    chosen["litert fp32"] = Task("litert", str(models["fp32"][1]), threads)
    for name, (runtime, path) in models.items():
        if runtime != "litert" and name not in own:
            chosen[name] = Task(runtime, str(path), threads)
    return chosen


def masks(machine: Machine, runtimes: set[str], folder: Path) -> dict[str, dict[str, str]]:
    """Return the environment of every runtime's process."""
    if machine == "native":
        return {}
    home = folder / "avx2-only"
    return {runtime: environment([PACKAGES[runtime]], home) for runtime in runtimes}


def measure(
    network: Network,
    models: Mapping[str, tuple[str, Path]],
    machine: Machine,
    threads: int,
    rounds: int,
    limits: Limits,
    folder: Path,
) -> Result:
    """Let everything run in turns and return the rows."""
    isa = "avx2" if machine == "avx2" else "auto"
    chosen = tasks(models, threads, isa)
    environments = masks(machine, {task.runtime for task in chosen.values()}, folder)
    with contest(chosen, environments) as workers:
        play(workers, rounds)
        check_outputs(workers)
        rows = [row(name, worker, machine) for name, worker in workers.items()]
    macs = sum(op["macs"] for op in next(r for r in rows if r.runtime == OURS).operations)
    for entry in rows:
        cycles = entry.milliseconds * 1e6 * limits.ghz
        entry.macs_per_cycle = macs / cycles
        fewest = limits.fewest_cycles(entry.operations) if entry.operations else None
        entry.share_of_limit = fewest / cycles / threads if fewest else None
    return Result(network.name, network.title, machine, threads, macs, rows)


def row(name: str, worker: Worker, machine: Machine) -> Row:
    """Sum up what one worker measured."""
    runtime, kind = name.split()
    milliseconds = [seconds * 1e3 for seconds in worker.seconds]
    made = Row(name, runtime, kind, median(milliseconds), min(milliseconds), len(milliseconds))
    if machine == "avx2":
        counts = worker.ask(evex=EVEX_SECONDS)
        if counts["evex"]:
            raise RuntimeError(f"{name} uses AVX-512 although it is hidden: {counts}")
        made.samples = counts["samples"]
    if runtime in OWN:
        parts = [p for g in worker.ask(report=True)["graphs"] for p in g["partitions"]]
        made.operations = [operation for part in parts for operation in part["ops"]]
        keys = ("arena_bytes", "panel_bytes", "shared_panel_bytes", "scratch_bytes", "pack_seconds")
        made.memory = {key: sum(part[key] for part in parts) for key in keys}
    return made


def check_outputs(workers: Mapping[str, Worker]) -> None:
    """See to it that everyone computed the same network.

    Raises:
        RuntimeError: logits of an 8-bit or float model have nothing to do with the float ones, or
            the package's kernels answer otherwise in ExecuTorch than in LiteRT.
    """
    for program in PROGRAMS:
        both = [workers[f"{own} {program}"] for own in OWN if f"{own} {program}" in workers]
        if len({tuple(worker.ask(output=True)) for worker in both}) > 1:
            raise RuntimeError(f"{program}: LiteRT and ExecuTorch give different logits")
    reference = np.array(workers["litert fp32"].ask(output=True))
    for name, worker in workers.items():
        if name.endswith(("w4a4", "w2a2")):
            continue  # random weights: these precisions legitimately answer otherwise
        logits = np.array(worker.ask(output=True))
        correlation = float(np.corrcoef(logits, reference)[0, 1])
        if not correlation > LEAST_CORRELATION:
            raise RuntimeError(f"{name}: its logits correlate only {correlation:.2f}")
