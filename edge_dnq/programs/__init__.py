"""Running a bundle's programs: one module per inference runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from edge_dnq.errors import RuntimeMissingError
from edge_dnq.executorch_library import INSTALL
from edge_dnq.kernels import KernelUse
from edge_dnq.manifest import TensorSpec

Array = NDArray[Any]


class Program(Protocol):
    """A loaded program; it is not safe to run it from two threads at once.

    Attributes:
        kernels: Which kernels it runs on.
    """

    kernels: KernelUse

    def run(self, *inputs: Array) -> tuple[Array, ...]:
        """Run once: inputs and outputs in the order of the specs it was loaded with.

        The outputs are the caller's own: the next run does not change them.
        """
        ...


Loader = Callable[[bytes, Sequence[TensorSpec], Sequence[TensorSpec], int, str], Program]


class Runtime(NamedTuple):
    """One inference runtime.

    Attributes:
        load: Makes a program from (content, inputs, outputs, threads, kernels); it imports the
            runtime.
        keys: Names that a bundle's ``files`` use for its programs, the preferred one first, for the
            kernels asked for.
        packages: Import names, any of which serves.
        install: The command that installs it.
    """

    load: Loader
    keys: Callable[[str], tuple[str, ...]]
    packages: tuple[str, ...]
    install: str


def _litert(
    content: bytes,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    threads: int,
    kernels: str,
) -> Program:
    from edge_dnq.programs.litert import LiteRtProgram

    return LiteRtProgram(content, inputs, outputs, threads, kernels)


def _executorch(
    content: bytes,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    threads: int,
    kernels: str,
) -> Program:
    from edge_dnq.programs.executorch import load

    return load(content, inputs, outputs, threads, kernels)


def _executorch_keys(kernels: str) -> tuple[str, ...]:
    from edge_dnq.programs.executorch import program_keys

    return program_keys(kernels)


RUNTIMES: dict[str, Runtime] = {
    "litert": Runtime(
        _litert,
        lambda _: ("litert",),
        ("ai_edge_litert", "tflite_runtime"),
        "pip install 'edge-dnq[litert]'",
    ),
    "executorch": Runtime(_executorch, _executorch_keys, ("executorch",), INSTALL),
}
"""Runtimes by the name that a bundle's ``files`` use for stock programs, the preferred first."""


def available_runtimes() -> tuple[str, ...]:
    """Return the names of the runtimes that are installed, the preferred one first."""
    return tuple(
        name
        for name, runtime in RUNTIMES.items()
        if any(importlib.util.find_spec(package) is not None for package in runtime.packages)
    )


def load_program(
    content: bytes,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    runtime: str,
    threads: int = 1,
    kernels: str = "auto",
) -> Program:
    """Make a program ready to run.

    Args:
        content: The program's file; it must come from a checked bundle or from this machine.
        inputs: What it must take, in the order :meth:`Program.run` is to take it.
        outputs: What it must give, likewise.
        runtime: A name in :data:`RUNTIMES`.
        threads: Threads it may use.
        kernels: Which kernels to run it on, one of :data:`edge_dnq.kernels.CHOICES`.

    Raises:
        BundleError: not a program, or its tensors differ from the specs.
        RuntimeMissingError: the runtime is unknown or not installed, or not the kernels asked for.
    """
    if runtime not in RUNTIMES:
        known = ", ".join(RUNTIMES)
        raise RuntimeMissingError(f"unknown runtime {runtime!r}: choose one of {known}")
    return RUNTIMES[runtime].load(content, inputs, outputs, threads, kernels)
