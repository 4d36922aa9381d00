"""Prints what ARM cores would make of the kernels; needs no ARM hardware.

The instructions are those that one tile of four pixels executes under emulation, its prologue,
flushes and epilogue included. Their cycles are LLVM's model of the core, with all memory in the
first-level cache. Both are modelled: they rank loops, and tell nothing about a device's memory.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.modelled.model import CORES, Core, cycles
from benchmarks.modelled.trace import Build, Kernel, ToolError, Trace


@dataclass(frozen=True)
class Row:
    """One kernel on one core.

    Attributes:
        core: Whose model.
        kernel: Name.
        macs_per_cycle: Of the whole tile.
        loop_macs_per_cycle: Of the hot loop alone: what the instruction mix allows.
        ratio: Speed over the fastest 8-bit kernel of the core.
        instructions_per_1000_macs: Executed under emulation.
    """

    core: str
    kernel: str
    macs_per_cycle: float
    loop_macs_per_cycle: float
    ratio: float
    instructions_per_1000_macs: float


def loop_macs(body: list[str]) -> int:
    """Return the MACs of a loop's instructions."""
    total = 0
    for instruction in body:
        name = instruction.split()[0]
        # A look-up is two products for each of sixteen channels.
        total += {"smull": 8, "smlal": 8, "sdot": 16, "tbl": 32}.get(name, 0)
    return total


def rows_of(core: Core, traces: dict[Kernel, Trace]) -> list[Row]:
    """Model every kernel that ``core`` can run."""
    speeds = {
        kernel: trace.macs / cycles(core, trace.instructions())
        for kernel, trace in traces.items()
        if kernel.isa in core.isas
    }
    base = max(speed for kernel, speed in speeds.items() if kernel.precision == "w8s8")
    rows = []
    for kernel, speed in speeds.items():
        trace = traces[kernel]
        body = trace.loop_body()
        loop = loop_macs(body) / cycles(core, body, repetitions=100)
        instructions = 1000 * len(trace.addresses) / trace.macs
        rows.append(Row(core.name, kernel.name, speed, loop, speed / base, instructions))
    return rows


def show(rows: list[Row]) -> None:
    """Print the table."""
    print("| core (modelled) | kernel | MAC/cycle | of its loop | over 8 bit | instr / 1000 MAC |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        share = row.macs_per_cycle / row.loop_macs_per_cycle
        print(
            f"| {row.core} | {row.kernel} | {row.macs_per_cycle:.2f} | {share:.0%} of "
            f"{row.loop_macs_per_cycle:.2f} | {row.ratio:.2f}x | "
            f"{row.instructions_per_1000_macs:.1f} |"
        )


def parse() -> argparse.Namespace:
    """Read the command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="benchmarks.modelled", description=__doc__)
    parser.add_argument("--channels", type=int, default=128, help="of the 3x3 window: 128")
    parser.add_argument("--out-channels", type=int, default=32, help="of the tile: 32")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--folder", type=Path, default=Path("build", "modelled"))
    return parser.parse_args()


def main() -> int:
    """Run the command."""
    arguments = parse()
    try:
        build = Build(arguments.folder)
        traces = {
            kernel: build.trace(kernel, arguments.channels, arguments.out_channels)
            for kernel in build.kernels()
        }
        rows = [row for core in CORES for row in rows_of(core, traces)]
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
