"""What the processor can do at best: clock rate, and MAC per cycle of a kernel's instructions."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS_PER_LAYER = 0.01


@dataclass(frozen=True)
class Limits:
    """Clock rate in GHz, and by kernel the MAC per cycle of its bare multiplies and additions."""

    ghz: float
    kernels: dict[str, float]

    def fewest_cycles(self, operations: Iterable[Mapping[str, Any]]) -> float | None:
        """Return the cycles that a network's operations need; None where a limit is unknown."""
        total = 0.0
        for operation in operations:
            if operation["macs"]:
                limit = self.kernels.get(operation["kernel"], 0.0)
                if limit == 0.0:
                    return None
                total += operation["macs"] / limit
        return total


def measure_limits(folder: Path) -> Limits:
    """Build the micro-kernels' benchmark and run it briefly."""
    build = folder / "micro-bench"
    words = ["cmake", "-S", REPOSITORY / "kernels", "-B", build, "-DEDGE_DNQ_BENCH=ON"]
    target = ["cmake", "--build", build, "--target", "edge_dnq_micro_bench", "--parallel", "2"]
    for command in (words, target):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the micro-kernels' benchmark cannot be built:\n{done.stderr}")
    bench = build / "bench" / "edge_dnq_micro_bench"
    output = subprocess.run(
        [str(bench), "--json", "--seconds", str(SECONDS_PER_LAYER)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = json.loads(output)
    return Limits(max(map(_ghz, rows)), {row["kernel"]: row["limit"] for row in rows})


def _ghz(row: Mapping[str, Any]) -> float:
    shape = re.fullmatch(r"(\d+)x\d+/\d+ (\d+)->(\d+) @(\d+)", row["layer"])
    if shape is None:
        return 0.0
    kernel, inputs, outputs, side = map(int, shape.groups())
    cycles = side**2 * outputs * inputs * kernel**2 / row["macs_per_cycle"]
    return float(cycles / row["ms"] / 1e6)
