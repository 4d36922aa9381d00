"""LLVM's models of ARM cores, asked how long a list of instructions takes."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.modelled.trace import ToolError

ANALYSERS = ("llvm-mca-19", "llvm-mca")


@dataclass(frozen=True)
class Core:
    """A core and LLVM's name of its model.

    Attributes:
        name: For people.
        cpu: LLVM's model of it.
        isas: Instruction sets of kernels that it can run, the best last.
    """

    name: str
    cpu: str
    isas: tuple[str, ...]


CORES = (
    Core("Cortex-A53", "cortex-a53", ("neon",)),
    Core("Cortex-A72", "cortex-a72", ("neon",)),
    # LLVM has no A76; the N1 is its server twin.
    Core("Cortex-A76 (Neoverse N1)", "neoverse-n1", ("neon", "neondot")),
)


def cycles(core: Core, instructions: Sequence[str], repetitions: int = 1) -> float:
    """Return the modelled cycles of one repetition; all memory is in the first-level cache."""
    analyser = next((name for name in ANALYSERS if shutil.which(name)), None)
    if analyser is None:
        raise ToolError("missing: llvm-mca-19; apt-get install llvm-19")
    features = "-mattr=+dotprod" if "neondot" in core.isas else "-mattr=+neon"
    command = [analyser, "-mtriple=aarch64", f"-mcpu={core.cpu}", features, "-instruction-info=0"]
    command += ["-resource-pressure=0", f"-iterations={repetitions}"]
    source = "\n".join(instructions)
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    found = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    if done.returncode != 0 or found is None:
        reason = (done.stderr.strip().splitlines() or ["no cycles in its answer"])[0]
        raise ToolError(f"{analyser} failed for {core.cpu}: {reason}")
    return int(found[1]) / repetitions
