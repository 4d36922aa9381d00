"""What this machine is: processor, instruction sets, memory, installed runtimes."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
MEMINFO = Path("/proc/meminfo")
DMI_PRODUCT = Path("/sys/class/dmi/id/product_name")

FEATURE_FLAGS: dict[str, tuple[str, ...]] = {
    "avx2": ("avx2",),
    "fma": ("fma",),
    "avx_vnni": ("avx_vnni",),
    "avx512f": ("avx512f",),
    "avx512_vnni": ("avx512_vnni",),
    "amx_int8": ("amx_int8",),
    "neon": ("neon", "asimd"),
    "dotprod": ("asimddp",),
    "i8mm": ("i8mm",),
    "sve": ("sve",),
}
"""Feature -> the words for it in /proc/cpuinfo, of x86, 32-bit and 64-bit ARM."""

ARM_CORES = {
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD44: "Cortex-X1",
    0xD46: "Cortex-A510",
    0xD47: "Cortex-A710",
    0xD49: "Neoverse-N2",
}
"""Part numbers of ARM Ltd (implementer 0x41), from the cores' technical reference manuals."""


@dataclass(frozen=True)
class Cpu:
    """A processor: its name, the word Python has for it, usable cores, known features it has."""

    model: str
    architecture: str
    cores: int
    features: tuple[str, ...]


def read_cpu() -> Cpu:
    """Describe the processor that this process may use."""
    try:
        text = CPUINFO.read_text(errors="replace")
    except OSError:
        text = ""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    model, features = parse_cpuinfo(text)
    board = _board()
    name = " on ".join(part for part in (model, board) if part)
    return Cpu(name or platform.processor() or "unknown", platform.machine(), cores, features)


def parse_cpuinfo(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the model and the features of a Linux ``/proc/cpuinfo``.

    Cores of several kinds are all named; a feature counts when every core has it.
    """
    names: dict[str, None] = {}
    words: set[str] | None = None
    for block in text.split("\n\n"):
        fields = _fields(block)
        if name := _core_name(fields):
            names[name] = None
        flags = fields.get("flags") or fields.get("Features")
        if flags is not None:
            own = set(flags.split())
            words = own if words is None else words & own
    have = words or set()
    features = tuple(
        feature for feature, spellings in FEATURE_FLAGS.items() if have & set(spellings)
    )
    return " + ".join(names), features


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _core_name(fields: dict[str, str]) -> str:
    if "CPU part" in fields:
        try:
            maker, part = (int(fields[key], 16) for key in ("CPU implementer", "CPU part"))
        except (KeyError, ValueError):
            return ""
        known = ARM_CORES.get(part) if maker == 0x41 else None
        return known or f"ARM implementer {maker:#x} part {part:#x}"
    return fields.get("model name", "")


def _board() -> str:
    """Return the board's name, which ARM systems tell in the device tree."""
    try:
        return DEVICE_TREE_MODEL.read_text(errors="replace").strip("\0 \n")
    except OSError:
        return ""


def read_device() -> str:
    """Return what the machine calls itself: the board, the product, or only its system."""
    try:
        product = DMI_PRODUCT.read_text(errors="replace").strip()
    except OSError:
        product = ""
    return _board() or product or platform.system()


def read_memory() -> dict[str, int | None]:
    """Return ``total`` and ``available`` memory in bytes; None where the system does not tell."""
    try:
        fields = _fields(MEMINFO.read_text())
    except OSError:
        fields = {}

    def size(key: str) -> int | None:
        words = fields.get(key, "").split()
        return int(words[0]) * 1024 if words and words[0].isdecimal() else None

    return {"total": size("MemTotal"), "available": size("MemAvailable")}


def installed_version(*distributions: str) -> str | None:
    """Return the version of the first installed of ``distributions``; nothing is imported."""
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def python_version() -> str:
    """Return the version of this Python, such as ``3.11.2``."""
    return ".".join(str(number) for number in sys.version_info[:3])
