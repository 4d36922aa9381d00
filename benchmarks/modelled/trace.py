"""Builds the kernels for AArch64 and records the instructions of one tile under emulation."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).resolve().parent
KERNELS = HERE.parents[1] / "kernels"
TOOLS = ("cmake", "ninja", "aarch64-linux-gnu-g++", "aarch64-linux-gnu-objdump", "qemu-aarch64")
BRANCH = re.compile(r"^(b|b\.\w+|bl|cbn?z|tbn?z|adrp?)\b")


class ToolError(Exception):
    """A tool is missing or failed; one line says which."""


@dataclass(frozen=True)
class Kernel:
    """A micro-kernel of the AArch64 build."""

    name: str
    isa: str

    @property
    def precision(self) -> str:
        """``w8s8``, ``w4u8``, ...: weight bits and how activations are stored."""
        return self.name.split("_")[1]


@dataclass(frozen=True)
class Trace:
    """The instructions that one tile executes, in order.

    Attributes:
        addresses: Where each lay.
        macs: What the tile computed.
        text: Assembly by address.
    """

    addresses: tuple[int, ...]
    macs: int
    text: dict[int, str]

    def instructions(self) -> list[str]:
        """Assembly of the whole tile."""
        return [self.text[address] for address in self.addresses]

    @cached_property
    def hot_loop(self) -> tuple[int, int]:
        """Where the loop with the most executed instructions begins and ends."""
        jumps = Counter(
            (after, before)
            for before, after in zip(self.addresses, self.addresses[1:], strict=False)
            if after < before
        )
        return max(jumps, key=lambda jump: jumps[jump] * (jump[1] - jump[0]))

    def loop_body(self) -> list[str]:
        """Assembly of one turn of the hot loop."""
        first, last = self.hot_loop
        return [self.text[address] for address in sorted(self.text) if first <= address <= last]


class Build:
    """The kernels and the tile runner, built into ``folder``."""

    def __init__(self, folder: Path) -> None:
        for tool in TOOLS:
            if shutil.which(tool) is None:
                raise ToolError(f"missing: {tool}; 'make system-packages' installs it")
        toolchain = KERNELS / "cmake/aarch64-linux-gnu.cmake"
        configure = ["cmake", "-S", KERNELS, "-B", folder, "-G", "Ninja"]
        _run([*configure, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"])
        _run(["cmake", "--build", folder, "--target", "edge_dnq_core"])
        self.program = folder / "modelled_tile"
        library = folder / "libedge_dnq_core.a"
        compiler = ["aarch64-linux-gnu-g++", "-std=c++17", "-O2", "-static", f"-I{KERNELS}"]
        _run([*compiler, HERE / "tile.cpp", library, "-o", self.program])
        self._text, self._functions = self._disassemble()

    def kernels(self) -> list[Kernel]:
        """Every micro-kernel that ARM processors have."""
        lines = _emulate([self.program]).splitlines()
        return [Kernel(*line.split()) for line in lines]

    def trace(self, kernel: Kernel, channels: int, out_channels: int) -> Trace:
        """Record one tile over a 3x3 window."""
        ranges = ",".join(f"{start:#x}+{size:#x}" for start, size in self._functions)
        with tempfile.NamedTemporaryFile("r", suffix=".log") as log:
            options = ["-singlestep", "-d", "exec,nochain", "-dfilter", ranges, "-D", log.name]
            sizes = [str(channels), str(out_channels)]
            macs = int(_emulate([*options, self.program, kernel.name, *sizes]))
            found = re.findall(r"\[\w+/(\w+)/", log.read())
        return Trace(tuple(int(address, 16) for address in found), macs, self._text)

    def _disassemble(self) -> tuple[dict[int, str], list[tuple[int, int]]]:
        """Assembly of the functions that tiles run in, and where those lie."""
        listing = _run(["aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", self.program])
        text: dict[int, str] = {}
        functions: list[tuple[int, int]] = []
        wanted = False
        for line in listing.splitlines():
            header = re.match(r"^(\w+) <(.+)>:$", line)
            instruction = re.match(r"^ +(\w+):\t(.+)$", line)
            if header:
                # Everything that takes a Tile belongs to a kernel; nothing else does.
                wanted = header[2].startswith("_ZN8edge_dnq") and "4Tile" in header[2]
            elif instruction and wanted:
                address = int(instruction[1], 16)
                if address - 4 not in text:
                    functions.append((address, 4))
                else:
                    functions[-1] = (functions[-1][0], functions[-1][1] + 4)
                text[address] = _plain(instruction[2])
        return text, functions


def _plain(instruction: str) -> str:
    """Rewrite a disassembled instruction so that an assembler takes it anywhere."""
    bare = re.sub(r"\s*(//|<).*$", "", instruction).replace("\t", " ").strip()
    if BRANCH.match(bare):
        operands = bare.split(" ", 1)[1].split(",")
        target = "#4096" if bare.startswith("adr") else "#8"
        return bare.split(" ", 1)[0] + " " + ",".join([*operands[:-1], f" {target}"])
    return bare


def _emulate(arguments: Sequence[str | Path]) -> str:
    return _run(["qemu-aarch64", "-cpu", "max", *arguments])


def _run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise ToolError(f"{command[0]} failed: {lines[-1]}")
    return done.stdout
