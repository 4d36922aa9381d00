"""Times the kernels beside stock LiteRT and the other runtimes that are installed.

All models of a network run in one contest, in short turns, so that a ratio within one table is of
one and the same machine. Other processes on the machine spoil it: run it alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks.kernels import report
from benchmarks.kernels.layers import LayerRow, measure_layers
from benchmarks.kernels.limits import measure_limits
from benchmarks.kernels.measure import Machine, Result, installed_peers, measure, prepare
from benchmarks.kernels.networks import NETWORKS
from benchmarks.kernels.picture import draw
from benchmarks.kernels.residence import Residence, measure_residence
from edge_dnq.host import read_cpu

FOLDER = Path("build", "benchmarks")
BUSY = 0.5
BEYOND_AVX2 = {"avx_vnni", "avx512f", "avx512_vnni", "amx_int8"}


def parse() -> argparse.Namespace:
    """Read the command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="benchmarks.kernels", description=__doc__)
    names = [network.name for network in NETWORKS]
    parser.add_argument("--networks", nargs="+", choices=names, default=names)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=12, help="turns of every model: 12")
    parser.add_argument("--machine", nargs="+", choices=list(report.MACHINES), default=machines())
    parser.add_argument("--peers", nargs="*", default=list(installed_peers()))
    parser.add_argument("--layers", choices=[*names, "none"], default="resnet18-224")
    parser.add_argument("--json", type=Path, help="write everything that was measured")
    parser.add_argument("--picture", type=Path, help="draw the single-thread results")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="models are kept here")
    return parser.parse_args()


def machines() -> list[Machine]:
    """Return what this machine can stand for."""
    features = set(read_cpu().features)
    return ["avx2", "native"] if features & BEYOND_AVX2 else ["native"]


def main() -> int:
    """Measure, print, write."""
    arguments = parse()
    folder: Path = arguments.folder.resolve()
    load, _, _ = os.getloadavg()
    limits = measure_limits(folder)
    print(report.machine_line(limits), flush=True)
    if load > BUSY:
        print(f"the machine is busy (load {load:.1f}): read the fastest times, not the medians")
    results: list[Result] = []
    residences: list[Residence] = []
    layers: dict[tuple[str, Machine], list[LayerRow]] = {}
    for network in NETWORKS:
        if network.name not in arguments.networks:
            continue
        models = prepare(network, tuple(arguments.peers), folder)
        for machine in arguments.machine:
            for threads in arguments.threads:
                result = measure(
                    network, models, machine, threads, arguments.rounds, limits, folder
                )
                results.append(result)
                print(f"\n{report.network_table(result)}", flush=True)
            isa = "avx2" if machine == "avx2" else "auto"
            residences.append(measure_residence(network.title, models, isa))
            if network.name == arguments.layers:
                rows = measure_layers(network, models, machine, arguments.rounds, limits, folder)
                layers[network.title, machine] = rows
                print(f"\n{report.layer_table(network.title, machine, rows)}", flush=True)
    for text in (
        report.threads_table(results),
        report.memory_table(residences),
        report.summary_table(results),
    ):
        if text:
            print(f"\n{text}", flush=True)
    write(arguments, results, layers, residences, report.machine_line(limits))
    return 0


def write(
    arguments: argparse.Namespace,
    results: list[Result],
    layers: dict[tuple[str, Machine], list[LayerRow]],
    residences: list[Residence],
    machine: str,
) -> None:
    """Write the files that were asked for."""
    if arguments.json:
        content = {
            "machine": machine,
            "results": [result.to_json() for result in results],
            "residences": [residence.to_json() for residence in residences],
            "layers": [
                {"network": name, "machine": kind, "rows": [row.to_json() for row in rows]}
                for (name, kind), rows in layers.items()
            ],
        }
        arguments.json.write_text(json.dumps(content, indent=1))
    if arguments.picture:
        draw(results, read_cpu().model, arguments.picture)


if __name__ == "__main__":
    sys.exit(main())
