"""Tables for people, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

from benchmarks.kernels.layers import STOCK, LayerRow
from benchmarks.kernels.limits import Limits
from benchmarks.kernels.measure import OURS, OURS_EXECUTORCH, OWN, Machine, Result, Row
from benchmarks.kernels.networks import PROGRAMS
from benchmarks.kernels.residence import Residence
from benchmarks.kernels.runners import PACKAGES
from edge_dnq.host import read_cpu

MACHINES: dict[Machine, str] = {
    "avx2": "as an AVX2 machine (no AVX-512, VNNI, AMX: hidden from the other runtimes, and the "
    "package's kernels forced to avx2)",
    "native": "as it is",
}
TITLES = {
    "edge-dnq": "edge-dnq",
    "edge-dnq-executorch": "edge-dnq in ExecuTorch",
    "litert": "LiteRT",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "ncnn": "ncnn",
    "executorch": "ExecuTorch",
}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine_line(limits: Limits) -> str:
    """Return what ran: processor and versions."""
    cpu = read_cpu()
    versions = []
    for runtime, (_, distribution) in PACKAGES.items():
        try:
            versions.append(f"{TITLES[runtime]} {version(distribution)}")
        except PackageNotFoundError:
            continue
    return (
        f"{cpu.model} ({cpu.architecture}, {' '.join(cpu.features)}), {cpu.cores} cores, "
        f"{limits.ghz:.2f} GHz; {', '.join(versions)}"
    )


def title(row: Row) -> str:
    """Return a row's name for people."""
    return f"{TITLES[row.runtime]} {row.kind}"


def network_table(result: Result) -> str:
    """Return one contest: who took how long, and how the package's kernels compare."""
    rivals = [result.stock()]
    if result.best_peer() is not rivals[0]:
        rivals.append(result.best_peer())
    rows = []
    for row in result.rows:
        ours = row.runtime in OWN
        limit = "" if row.share_of_limit is None else f"{row.share_of_limit:.0%}"
        rows.append(
            [
                f"**{title(row)}**" if ours else title(row),
                f"{row.milliseconds:.3f}",
                f"{row.fastest:.3f}",
                *(f"{rival.milliseconds / row.milliseconds:.2f}" for rival in rivals),
                f"{row.macs_per_cycle:.1f}",
                limit,
            ]
        )
    header = ["", "median ms", "fastest ms", *(f"speed / {title(rival)}" for rival in rivals)]
    threads = "one thread" if result.threads == 1 else f"{result.threads} threads"
    return (
        f"{result.title}, {threads}, {result.macs / 1e6:.0f} million MACs, the machine "
        f"{MACHINES[result.machine]}:\n\n" + table([*header, "MAC/cycle", "of its limit"], rows)
    )


def summary_table(results: Sequence[Result]) -> str:
    """Return the single-thread medians of all networks, as the README shows them."""

    def cell(row: Row | None) -> str:
        if row is None:
            return ""
        # More digits than three would be the machine's mood.
        return f"{row.milliseconds:.{max(0, 2 - math.floor(math.log10(row.milliseconds)))}f}"

    rows = []
    for machine in MACHINES:
        shown = [r for r in results if r.threads == 1 and r.machine == machine]
        if shown:
            rows.append([f"**{MACHINES[machine].partition(' (')[0]}**", *[""] * 8])
        for result in shown:
            peer = result.best_peer()
            in_executorch = [cell(result.of(OURS_EXECUTORCH, name)) for name in PROGRAMS]
            rows.append(
                [
                    result.title,
                    *(cell(result.of(OURS, name)) for name in PROGRAMS),
                    ", ".join(filter(None, in_executorch)),
                    *(cell(result.of("litert", kind)) for kind in ("int8", "fp32")),
                    cell(result.of("executorch", "int8")),
                    f"{cell(peer)} {title(peer)}",
                ]
            )
    header = ["one thread, ms", *PROGRAMS, "the same in ExecuTorch", "LiteRT int8", "LiteRT fp32"]
    return table([*header, "ExecuTorch int8", "fastest other"], rows)


def layer_table(name: str, machine: Machine, rows: Sequence[LayerRow]) -> str:
    """Return every kind of convolution: MAC per cycle of each, and its limit in brackets."""
    columns = [*STOCK, *PROGRAMS]
    body = []
    for row in rows:
        cells = []
        for column in columns:
            limit = row.limits.get(column)
            reached = row.macs_per_cycle.get(column)
            if reached is None:
                cells.append("")
            else:
                cells.append(f"{reached:.1f}" + (f" ({reached / limit:.0%})" if limit else ""))
        body.append([row.layer, str(row.count), f"{row.macs / 1e6:.1f}", *cells])
    header = ["convolution", "times", "million MACs", *columns]
    return (
        f"Convolutions of {name}, one thread, MAC/cycle (share of the instruction mix's limit), "
        f"the machine {MACHINES[machine]}:\n\n" + table(header, body)
    )


def threads_table(results: Sequence[Result]) -> str:
    """Return how much faster two threads are than one."""
    one = {(r.network, r.machine): r for r in results if r.threads == 1}
    rows = []
    for result in results:
        base = one.get((result.network, result.machine))
        if result.threads == 1 or base is None:
            continue
        for row in result.rows:
            before = base.of(row.runtime, row.kind)
            if before is not None and row.runtime in (*OWN, "litert"):
                gain = before.milliseconds / row.milliseconds
                rows.append(
                    [result.title, result.machine, title(row), str(result.threads), f"{gain:.2f}"]
                )
    return table(["network", "machine", "", "threads", "speed / one thread"], rows) if rows else ""


def memory_table(residences: Sequence[Residence]) -> str:
    """Return what holding all programs of a network at once takes."""
    rows = []
    for entry in residences:
        megabytes = [f"{entry.bytes[name] / 1e6:.2f}" for name in PROGRAMS]
        packing = " ".join(f"{entry.pack_seconds[name] * 1e3:.0f}" for name in PROGRAMS)
        rows.append([entry.network, entry.isa, *megabytes, f"{entry.ratio:.2f}", packing])
    header = ["network", "kernels", *(f"{name} MB" for name in PROGRAMS)]
    return table([*header, "all / w8a8 alone", "packing ms"], rows)
