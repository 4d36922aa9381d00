"""Counts the instructions of one inference under emulation, with and without the kernels.

Not a time: instructions of different kinds take different times, and memory takes its own. The
programs are those of a bundle; "stock" is LiteRT with XNNPACK on the same processor.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.modelled.costs import by_processor, write_tables
from benchmarks.modelled.trace import HERE, KERNELS, ToolError
from edge_dnq.errors import EdgeDnqError
from tests.emulation.machine import PROCESSORS, Machine, MachineUnavailableError, Processor

STOCK = "stock"


@dataclass(frozen=True)
class Count:
    """Instructions of one warm inference of ``program`` on ``processor``."""

    processor: str
    program: str
    kernels: str
    instructions: int


class Counter:
    """Counts in a folder that keeps the machine and the plugin.

    Args:
        folder: Where.
        delegate: The kernels' library for AArch64.
    """

    def __init__(self, folder: Path, delegate: Path) -> None:
        self.machine = Machine(folder)
        self.delegate = delegate
        self.plugin = folder.resolve() / "count_instructions.so"
        source = HERE / "count_instructions.c"
        _run(["cc", "-O2", "-shared", "-fPIC", "-o", self.plugin, source])

    def counts(self, processor: Processor, programs: Sequence[Path]) -> list[Count]:
        """Count one warm inference of every program, stock and with the kernels."""
        with tempfile.NamedTemporaryFile("r") as output:
            done = self.machine.python(
                processor,
                [HERE / "infer.py", self.delegate, *programs],
                plugin=self.plugin,
                INSTRUCTIONS=output.name,
            )
            if done.returncode != 0:
                raise ToolError((done.stderr.strip().splitlines() or ["no message"])[-1])
            marks = [int(line) for line in output]
        inferences = [end - begin for begin, end in zip(marks[::2], marks[1::2], strict=True)]
        kinds = [(program.stem, who) for program in programs for who in (STOCK, processor.isa)]
        return [
            Count(processor.name, *kind, instructions)
            for kind, instructions in zip(kinds, inferences, strict=True)
        ]


def build_delegate(folder: Path) -> Path:
    """Build the kernels' library for AArch64 under ``folder``; return it."""
    build = folder.resolve() / "build"
    toolchain = KERNELS / "cmake/aarch64-linux-gnu.cmake"
    configure = ["cmake", "-S", KERNELS, "-B", build, "-G", "Ninja"]
    _run([*configure, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"])
    _run(["cmake", "--build", build, "--target", "edge_dnq_litert"])
    return build / "libedge_dnq_litert.so"


def show(counts: list[Count]) -> None:
    """Print the table; ratios are to the stock 8-bit program on the same processor."""
    base = {
        count.processor: count.instructions
        for count in counts
        if count.kernels == STOCK and count.program == "w8a8"
    }
    print("| processor (emulated) | program | kernels | million instructions | of stock w8a8 |")
    print("|---|---|---|---|---|")
    for count in counts:
        share = count.instructions / base[count.processor]
        print(
            f"| {count.processor} | {count.program} | {count.kernels} | "
            f"{count.instructions / 1e6:.1f} | {share:.2f} |"
        )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.modelled.network", description=__doc__)
    parser.add_argument("bundle", type=Path, help="its programs and its policy are run")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--costs", type=Path, help="also write a cost table per processor to this folder"
    )
    parser.add_argument("--folder", type=Path, default=Path("build", "aarch64"))
    return parser.parse_args()


def main() -> int:
    """Run the command."""
    arguments = parse()
    try:
        programs = sorted(arguments.bundle.glob("w*a*.tflite"), reverse=True)
        if "w8a8" not in {program.stem for program in programs}:
            raise ToolError(f"{arguments.bundle} holds no w8a8.tflite")
        programs += arguments.bundle.glob("policy.tflite")
        counter = Counter(arguments.folder, build_delegate(arguments.folder))
        counts = [
            count for processor in PROCESSORS[1:3] for count in counter.counts(processor, programs)
        ]
        if arguments.costs is not None:
            own = [
                (count.processor, count.program, count.instructions)
                for count in counts
                if count.kernels != STOCK
            ]
            for path in write_tables(arguments.bundle, arguments.costs, by_processor(own)):
                print(f"wrote {path}", file=sys.stderr)
    except (MachineUnavailableError, ToolError, EdgeDnqError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps([asdict(count) for count in counts], indent=1))
    else:
        show(counts)
    return 0


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise ToolError(f"{command[0]} failed: {lines[-1]}")


if __name__ == "__main__":
    sys.exit(main())
