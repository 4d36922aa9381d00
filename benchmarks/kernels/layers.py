"""Times every distinct convolution of one network.

The package's kernels are timed inside the whole network by the engine's own clock; stock LiteRT,
which has no such clock in Python, runs programs of that one convolution, quantised and in float.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from benchmarks.kernels.contest import contest, play
from benchmarks.kernels.float_program import write_float_program
from benchmarks.kernels.limits import Limits
from benchmarks.kernels.measure import OURS, Machine, masks, tasks
from benchmarks.kernels.networks import PROGRAMS, REFERENCE, Network, once
from benchmarks.kernels.runners import Task
from edge_dnq_export.graph import Conv, IntegerGraph
from edge_dnq_export.litert import write_program
from edge_dnq_export.lowering import lower

PROFILED_RUNS = 25
STOCK = ("litert int8", "litert fp32")


@dataclass
class LayerRow:
    """One kind of convolution: milliseconds of one, MAC per cycle and limit by who ran it."""

    layer: str
    count: int
    macs: int
    milliseconds: dict[str, float]
    macs_per_cycle: dict[str, float]
    limits: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def single_layers(network: Network) -> dict[str, IntegerGraph]:
    """Return a program of one convolution for every distinct shape, in the network's order."""
    whole = lower(network.backbone(), REFERENCE)
    found: dict[str, IntegerGraph] = {}
    for node in whole.nodes:
        if isinstance(node, Conv):
            part = IntegerGraph(whole.program, node.input)
            part.tensors[node.input] = whole.tensors[node.input]
            part.append(node, whole.tensors[node.output])
            found.setdefault(label(node, whole), part)
    return found


def label(node: Conv, graph: IntegerGraph) -> str:
    """Return a convolution's shape as the engine writes it."""
    outputs, kernel, _, inputs = node.weight.shape
    side = graph.tensors[node.output].shape[0]
    return f"{kernel}x{kernel}/{node.stride} {inputs}->{outputs} @{side}"


def write_layers(
    network: Network, graphs: Mapping[str, IntegerGraph], folder: Path
) -> dict[str, dict[str, Path]]:
    """Write the stock runtime's programs; return them by layer and row name."""
    home = folder / network.name / "layers"
    files: dict[str, dict[str, Path]] = {}
    for name, graph in graphs.items():
        stem = "".join(c if c.isalnum() else "-" for c in name)
        (node,) = graph.nodes
        assert isinstance(node, Conv)

        def write_int8(path: Path, graph: IntegerGraph = graph) -> None:
            write_program(graph, path)

        def write_float(path: Path, graph: IntegerGraph = graph, node: Conv = node) -> None:
            write_float_layer(graph, node, path)

        files[name] = {
            "litert int8": once(home / f"{stem}-int8.tflite", write_int8),
            "litert fp32": once(home / f"{stem}-float.tflite", write_float),
        }
    return files


def write_float_layer(graph: IntegerGraph, node: Conv, path: Path) -> None:
    """Write one convolution, with its ReLU where it has one, in float."""
    outputs, kernel, _, inputs = node.weight.shape
    module: nn.Module = nn.Conv2d(inputs, outputs, kernel, node.stride, node.padding)
    if node.relu6:
        module = nn.Sequential(module, nn.ReLU())
    height, width, channels = graph.tensors[node.input].shape
    write_float_program(module, torch.zeros(1, channels, height, width), path)


def measure_layers(
    network: Network,
    models: Mapping[str, tuple[str, Path]],
    machine: Machine,
    rounds: int,
    limits: Limits,
    folder: Path,
) -> list[LayerRow]:
    """Return a row per distinct convolution of ``network``, single thread."""
    graphs = single_layers(network)
    files = write_layers(network, graphs, folder)
    environments = masks(machine, {"litert"}, folder)
    isa = "avx2" if machine == "avx2" else "auto"
    times: dict[str, dict[str, float]] = defaultdict(dict)
    kernels: dict[str, dict[str, str]] = defaultdict(dict)
    counts: dict[str, int] = {}
    profiled = {
        name: task
        for name, task in tasks(models, 1, isa, profile=True).items()
        if name.startswith(f"{OURS} ")
    }
    with contest(profiled, environments) as workers:
        for program in PROGRAMS:
            seconds = profile(workers[f"{OURS} {program}"].ask)
            for layer, (values, kernel) in seconds.items():
                times[layer][program] = median(values) * 1e3
                kernels[layer][program] = kernel
                counts[layer] = len(values) // PROFILED_RUNS
    for layer, programs in files.items():
        stock = {name: Task("litert", str(path)) for name, path in programs.items()}
        with contest(stock, environments) as workers:
            play(workers, rounds)
            for name, worker in workers.items():
                times[layer][name] = median(worker.seconds) * 1e3
    return [make_row(layer, graphs[layer], counts, times, kernels, limits) for layer in files]


def make_row(
    layer: str,
    graph: IntegerGraph,
    counts: Mapping[str, int],
    times: Mapping[str, dict[str, float]],
    kernels: Mapping[str, dict[str, str]],
    limits: Limits,
) -> LayerRow:
    """Put one layer's numbers together."""
    macs = graph.macs
    reached = {name: macs / (ms * 1e6 * limits.ghz) for name, ms in times[layer].items()}
    known = {name: limits.kernels.get(kernel, 0.0) for name, kernel in kernels[layer].items()}
    return LayerRow(layer, counts.get(layer, 0), macs, dict(times[layer]), reached, known)


def profile(ask: Any) -> dict[str, tuple[list[float], str]]:
    """Return, by layer, the seconds of every run of every such convolution, and its kernel."""
    found: dict[str, tuple[list[float], str]] = {}
    for _ in range(PROFILED_RUNS):
        ask(run=1)
        for graph in ask(report=True)["graphs"]:
            for part in graph["partitions"]:
                for op in part["ops"]:
                    if op["op"].startswith("conv "):
                        name = op["op"].removeprefix("conv ").partition(" +")[0]
                        found.setdefault(name, ([], op["kernel"]))[0].append(op["seconds"])
    return found
