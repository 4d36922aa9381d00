"""The package's own integer kernels: where their library is and what it can do on this processor.

The library is a LiteRT external delegate, so any LiteRT user can load it::

    from ai_edge_litert.interpreter import Interpreter, load_delegate
    delegate = load_delegate(str(litert_delegate_path()))
    interpreter = Interpreter("program.tflite", experimental_delegates=[delegate])

``EDGE_DNQ_KERNELS`` chooses for the whole process: ``auto``, ``off`` or an instruction set.
``EDGE_DNQ_KERNELS_LIBRARY`` names another build of the library.
"""

from __future__ import annotations

import ctypes
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from edge_dnq.errors import RuntimeMissingError

LIBRARY = Path(__file__).parent / "_native" / "libedge_dnq_litert.so"
"""Where the installation puts the library; absent where it could not be built."""

LIBRARY_VARIABLE = "EDGE_DNQ_KERNELS_LIBRARY"
CHOICE_VARIABLE = "EDGE_DNQ_KERNELS"
ISAS = ("scalar", "avx2", "avx512vnni", "neon", "neondot")
"""Instruction sets that kernels are written for."""

CHOICES = ("auto", "off", *ISAS)
"""``auto`` takes the best that the processor has, ``off`` the runtime's own kernels."""

MISSING = "this installation has no kernel library: install edge-dnq again with a C++17 compiler"


@dataclass(frozen=True)
class KernelsStatus:
    """What this process has of the kernels.

    Attributes:
        available: Whether programs loaded now use them.
        choice: What was asked for: ``auto``, ``off`` or an instruction set.
        path: The library's file; None where there is none.
        version: The library's.
        isa: The instruction set that would be used.
        isas: Those that can be forced on this processor, the best one first.
        problem: Why they are not available.
    """

    available: bool
    choice: str
    path: str | None = None
    version: str | None = None
    isa: str | None = None
    isas: tuple[str, ...] = ()
    problem: str | None = None


class DeclinedOperation(msgspec.Struct, frozen=True):
    """An operation that the kernels leave to the runtime: position, type, why."""

    node: int
    op: str
    reason: str


class KernelOperation(msgspec.Struct, frozen=True):
    """A step of the plan: what it computes, on which kernel, in how many MACs."""

    op: str
    kernel: str
    macs: int


class Partition(msgspec.Struct, frozen=True):
    """A region of a program that the kernels run as one, and the memory they took for it."""

    nodes: int
    threads: int
    arena_bytes: int
    panel_bytes: int
    shared_panel_bytes: int
    scratch_bytes: int
    pack_seconds: float
    ops: tuple[KernelOperation, ...]


class GraphUse(msgspec.Struct, frozen=True):
    """What became of one graph's operations."""

    nodes: int
    claimed: int
    declined: tuple[DeclinedOperation, ...]
    partitions: tuple[Partition, ...]


class AdapterReport(msgspec.Struct, frozen=True):
    """What one delegate did, as the library tells it."""

    isa: str
    off: bool
    graphs: tuple[GraphUse, ...]


@dataclass(frozen=True)
class KernelUse:
    """Which kernels a loaded program runs on.

    Attributes:
        isa: Instruction set of the package's kernels; None where the runtime's own do everything.
        operations: Operations of the program; 0 where the package's kernels were not asked.
        claimed: How many of them the package's kernels run.
        declined: The others, and why.
        partitions: The regions they run as one.
        problem: Why the package's kernels run nothing.
    """

    isa: str | None
    operations: int = 0
    claimed: int = 0
    declined: tuple[DeclinedOperation, ...] = ()
    partitions: tuple[Partition, ...] = ()
    problem: str | None = None

    @property
    def name(self) -> str:
        """``edge-dnq avx2`` or ``stock``."""
        return "stock" if self.isa is None else f"edge-dnq {self.isa}"

    def describe(self) -> str:
        """Return one line for people."""
        if self.isa is None:
            return "stock" + (f" ({self.problem})" if self.problem else "")
        line = f"{self.name}, {self.claimed} of {self.operations} operations"
        return line + (f"; stock: {self.leftovers()}" if self.declined else "")

    def leftovers(self) -> str:
        """Return the declined operations by kind and reason, the commonest first."""
        kinds = Counter((entry.op, entry.reason) for entry in self.declined)
        return ", ".join(f"{count} {op} ({reason})" for (op, reason), count in kinds.most_common())


def litert_delegate_path() -> Path | None:
    """Return the delegate's file, or None where this installation has none."""
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return Path(named)
    return LIBRARY if LIBRARY.is_file() else None


def resolve_choice(kernels: str = "auto") -> str:
    """Return which kernels to use: ``auto``, ``off`` or an instruction set.

    Args:
        kernels: What was asked for; ``auto`` leaves it to ``EDGE_DNQ_KERNELS``.

    Raises:
        RuntimeMissingError: not one of :data:`CHOICES`.
    """
    source, choice = "kernels", kernels
    if choice == "auto":
        source, choice = CHOICE_VARIABLE, os.environ.get(CHOICE_VARIABLE) or "auto"
    if choice not in CHOICES:
        raise RuntimeMissingError(f"{source} must be one of {', '.join(CHOICES)}, got {choice!r}")
    return choice


def kernels_status(kernels: str = "auto") -> KernelsStatus:
    """Tell what programs loaded with ``kernels`` would run on.

    Raises:
        RuntimeMissingError: ``kernels`` or ``EDGE_DNQ_KERNELS`` is not one of :data:`CHOICES`.
    """
    choice = resolve_choice(kernels)
    path = litert_delegate_path()
    if path is None:
        reason = "switched off" if choice == "off" else MISSING
        return KernelsStatus(False, choice, problem=reason)
    try:
        library = _library(str(path))
        version, best, isas = (
            getattr(library, name)().decode()
            for name in ("edge_dnq_kernels_version", "edge_dnq_isa_best", "edge_dnq_isas")
        )
    except (OSError, AttributeError) as error:
        return KernelsStatus(False, choice, str(path), problem=f"cannot load {path}: {error}")
    supported = tuple(isas.split(","))
    problem: str | None = None
    if choice == "off":
        problem = "switched off"
    elif choice not in ("auto", *supported):
        problem = f"this processor has no {choice}: it has {', '.join(supported)}"
    isa = None if problem else best if choice == "auto" else choice
    return KernelsStatus(problem is None, choice, str(path), version, isa, supported, problem)


@lru_cache(maxsize=8)
def _library(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    for name in ("edge_dnq_kernels_version", "edge_dnq_isa_best", "edge_dnq_isas"):
        getattr(library, name).restype = ctypes.c_char_p
    report = library.edge_dnq_litert_report
    report.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
    report.restype = ctypes.c_size_t
    return library


@lru_cache(maxsize=1)
def rgb_halver() -> Callable[[int, int, int, int, int, int], None] | None:
    """Return what halves an RGB picture, or None where this installation has no such library.

    It takes the address of the picture's first byte, the distance of its rows in bytes, height and
    width of the result, how many times to halve, and the result's address. Every value of a half is
    the mean of 2x2, half rounded up.
    """
    size = ctypes.c_size_t
    return _pixel_function("edge_dnq_halve_rgb", size, size, size, ctypes.c_uint)


@lru_cache(maxsize=1)
def rgb_resizer() -> Callable[[int, int, int, int, int], None] | None:
    """Return what resizes a square RGB picture, or None where there is no such library.

    It takes the address of the picture's first byte, the distance of its rows in bytes, the sides
    of picture and result, and the result's address. It is bilinear with weights of 8 bits, rounded
    once, half up.
    """
    size = ctypes.c_size_t
    return _pixel_function("edge_dnq_resize_rgb", size, size, size)


def _pixel_function(name: str, *numbers: type) -> Callable[..., None] | None:
    """Return a function of the library from one picture to another."""
    path = litert_delegate_path()
    try:
        function = None if path is None else getattr(_library(str(path)), name)
    except (OSError, AttributeError):
        return None
    if function is not None:
        function.argtypes = (ctypes.c_void_p, *numbers, ctypes.c_void_p)
        function.restype = None
    return function


def read_report(path: Path, key: str) -> AdapterReport | None:
    """Return what the delegate loaded from ``path`` with the option ``report=key`` did.

    Returns:
        None where no such delegate is alive.
    """
    library = _library(str(path))
    size = library.edge_dnq_litert_report(key.encode(), None, 0) + 1
    buffer = ctypes.create_string_buffer(size)
    if library.edge_dnq_litert_report(key.encode(), buffer, size) == 0:
        return None
    return msgspec.json.decode(buffer.value, type=AdapterReport)


def use_of(report: AdapterReport) -> KernelUse:
    """Sum a report up over the program's graphs."""
    nodes = sum(graph.nodes for graph in report.graphs)
    claimed = sum(graph.claimed for graph in report.graphs)
    declined = tuple(entry for graph in report.graphs for entry in graph.declined)
    partitions = tuple(part for graph in report.graphs for part in graph.partitions)
    use = KernelUse(report.isa if claimed else None, nodes, claimed, declined, partitions)
    if claimed:
        return use
    problem = f"the kernels know none of its operations: {use.leftovers()}"
    return KernelUse(None, nodes, 0, declined, problem=problem)
