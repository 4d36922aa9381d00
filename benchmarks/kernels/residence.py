"""What it takes to hold all precisions of one network in one process.

Run as a module it loads the programs of its arguments, most precise first as a session does, and
prints the delegate's own account of each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.kernels.networks import PROGRAMS, REFERENCE
from benchmarks.kernels.runners import LiteRt, Task

BYTES = ("arena_bytes", "panel_bytes", "scratch_bytes")


@dataclass
class Residence:
    """Bytes of each program's engine when all are loaded, and seconds to make its panels."""

    network: str
    isa: str
    bytes: dict[str, int]
    pack_seconds: dict[str, float]

    @property
    def ratio(self) -> float:
        """All together over the 8-bit engine alone."""
        return sum(self.bytes.values()) / self.bytes[REFERENCE]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "ratio": self.ratio}


def measure_residence(title: str, models: Mapping[str, tuple[str, Path]], isa: str) -> Residence:
    """Load every program of a network in one fresh process."""
    words = [sys.executable, "-m", "benchmarks.kernels.residence", isa]
    words += [str(models[name][1]) for name in PROGRAMS]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    parts = dict(zip(PROGRAMS, json.loads(done.stdout.splitlines()[-1]), strict=True))
    return Residence(
        title,
        parts[REFERENCE]["isa"],
        {name: sum(part[key] for key in BYTES) for name, part in parts.items()},
        {name: part["pack_seconds"] for name, part in parts.items()},
    )


def main() -> None:
    """Load the programs and print a list of what each took."""
    isa, *paths = sys.argv[1:]
    loaded = [LiteRt(Task("litert", path, isa=isa), f"program {path}") for path in paths]
    accounts = []
    for runner in loaded:
        report = runner.report()
        parts = [part for graph in report["graphs"] for part in graph["partitions"]]
        keys = (*BYTES, "pack_seconds")
        totals = {key: sum(part[key] for part in parts) for key in keys}
        accounts.append({"isa": report["isa"], **totals})
    print(json.dumps(accounts))


if __name__ == "__main__":
    main()
