"""ExecuTorch programs, without torch where the package's library is built, else by torch's.

A bundle has two programs for one: under ``executorch`` a stock one that XNNPACK runs, and under
``executorch-kernels`` one that only the package's kernels run. Integer convolutions of the stock
one round as the exporter's reference does, but XNNPACK takes means by another formula there, so its
logits may be some codes off.
"""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import re
import uuid
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import BundleError, RuntimeMissingError
from edge_dnq.executorch_library import (
    INSTALL,
    executorch_folder,
    library_status,
    require_library,
)
from edge_dnq.kernels import AdapterReport, KernelUse, kernels_status, use_of
from edge_dnq.manifest import TensorSpec
from edge_dnq.programs.tensors import checked_inputs

Array = NDArray[Any]

STOCK, KERNELS = "executorch", "executorch-kernels"
"""Names that a bundle's ``files`` use."""

DTYPES = {"int8": 1, "float32": 6}
"""Element type -> its number in ExecuTorch."""

_IDENTIFIER = slice(4, 8)
_PROBLEM_BYTES = 400
_MAX_RANK = 8


def program_keys(kernels: str) -> tuple[str, ...]:
    """Return the names of the programs to take for ``kernels``, the preferred one first.

    Raises:
        RuntimeMissingError: not one of :data:`edge_dnq.kernels.CHOICES`.
    """
    if kernels_status(kernels).available and library_status().available:
        return KERNELS, STOCK
    return (STOCK,)


def find_package() -> None:
    """Load the runtime's libraries, which are no single program's, where they can be."""
    library_status()


def load(
    content: bytes,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    threads: int,
    kernels: str,
) -> ExecuTorchProgram | TorchProgram:
    """Load a program; see :func:`edge_dnq.programs.load_program`."""
    if not re.fullmatch(rb"ET\d\d", content[_IDENTIFIER]):
        raise BundleError("not an ExecuTorch program: the file's identifier is missing")
    if executorch_folder() is None:
        raise RuntimeMissingError(f"no runtime for ExecuTorch programs is installed: {INSTALL}")
    choice = kernels_status(kernels)
    problem = choice.problem
    # There is no program for the package's kernels then, so that asking for them is no mistake.
    forced = choice.choice not in ("auto", "off") and any(s.dtype == "int8" for s in inputs)
    if library_status().available:
        program = ExecuTorchProgram(content, inputs, outputs, threads, choice.isa)
        if program.kernels.isa is not None or not forced:
            return program
        problem = "this is a program for the runtime's own kernels"
    if forced:
        raise RuntimeMissingError(f"kernels {choice.choice}: {problem or library_status().problem}")
    if importlib.util.find_spec("torch") is None:
        raise RuntimeMissingError(f"{library_status().problem}; or install torch")
    return TorchProgram(content, inputs, outputs, threads)


class ExecuTorchProgram:
    """One program on ExecuTorch's C++ runtime.

    Args:
        content: The program's file; it is run from these very bytes.
        inputs: What it must take.
        outputs: What it must give.
        threads: Threads of kernels and runtime.
        isa: Instruction set of the package's kernels; None takes the best.

    Attributes:
        kernels: Which kernels it runs on.
        backends: ExecuTorch's names of the backends that run its regions, one per region.

    Raises:
        BundleError: not a program that this runtime takes, or its tensors differ from the specs.
        RuntimeMissingError: the package's library cannot be used.
    """

    def __init__(
        self,
        content: bytes,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        threads: int = 1,
        isa: str | None = None,
    ) -> None:
        self._library = require_library()
        self._content = content
        self._problem = ctypes.create_string_buffer(_PROBLEM_BYTES)
        key = uuid.uuid4().hex.encode()
        self._handle = self._library.edge_dnq_executorch_load(
            content,
            len(content),
            None if isa is None else isa.encode(),
            threads,
            key,
            self._problem,
            _PROBLEM_BYTES,
        )
        if not self._handle:
            raise BundleError(f"ExecuTorch cannot load it: {self._reason()}")
        # The runtime reads the content until the program is closed.
        self._close = weakref.finalize(
            self, _close, self._library.edge_dnq_executorch_close, self._handle, content
        )
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        self._order = self._match(self._inputs, 0), self._match(self._outputs, 1)
        self._pointers = [(ctypes.c_void_p * len(order))() for order in self._order]
        self.kernels = self._kernels(key)
        self.backends = tuple(self._backends())

    def run(self, *inputs: Array) -> tuple[Array, ...]:
        """Run once: inputs and outputs in the order of the specs.

        Raises:
            ValueError: another number, shape or type of inputs than the specs say.
            BundleError: the runtime gives up.
        """
        dense = checked_inputs(self._inputs, inputs)
        results = tuple(np.empty(spec.shape, spec.dtype) for spec in self._outputs)
        for pointers, order, arrays in zip(
            self._pointers, self._order, (dense, results), strict=True
        ):
            for position, array in zip(order, arrays, strict=True):
                pointers[position] = array.ctypes.data
        failed = self._library.edge_dnq_executorch_run(
            self._handle, *self._pointers, self._problem, _PROBLEM_BYTES
        )
        if failed:
            raise BundleError(f"ExecuTorch cannot run it: {self._reason()}")
        return results

    def _reason(self) -> str:
        return self._problem.value.decode(errors="replace")

    def _match(self, specs: Sequence[TensorSpec], side: int) -> tuple[int, ...]:
        """Return every spec's position in the program, having compared the tensors."""
        count = self._library.edge_dnq_executorch_count(self._handle, side)
        positions = positions_of(specs, count, ("inputs", "outputs")[side])
        for position, spec in zip(positions, specs, strict=True):
            dtype, rank = ctypes.c_int(), ctypes.c_int()
            sizes = (ctypes.c_int64 * _MAX_RANK)()
            self._library.edge_dnq_executorch_tensor(
                self._handle,
                side,
                position,
                ctypes.byref(dtype),
                ctypes.byref(rank),
                ctypes.byref(sizes),
            )
            compare_tensor(spec, dtype.value, tuple(sizes[: rank.value]))
        return positions

    def _backends(self) -> Iterator[str]:
        for index in itertools.count():
            name = self._library.edge_dnq_executorch_backend(self._handle, index)
            if name is None:
                return
            yield name.decode(errors="replace")

    def _kernels(self, key: bytes) -> KernelUse:
        size = self._library.edge_dnq_executorch_report(key, None, 0) + 1
        buffer = ctypes.create_string_buffer(size)
        if self._library.edge_dnq_executorch_report(key, buffer, size) == 0:
            return KernelUse(None)
        return use_of(msgspec.json.decode(buffer.value, type=AdapterReport))


def _close(close: Any, handle: int, content: bytes) -> None:
    close(handle)


class TorchProgram:
    """One program on ExecuTorch's Python module, which needs torch.

    The arguments are those of :class:`ExecuTorchProgram`, and so is what it raises.
    """

    def __init__(
        self,
        content: bytes,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        threads: int = 1,
    ) -> None:
        try:
            from executorch.extension.pybindings import portable_lib
            from executorch.runtime import Runtime, Verification
        except ImportError as error:
            raise RuntimeMissingError(f"executorch cannot be imported: {error}") from error
        self.kernels = KernelUse(None, problem=library_status().problem)
        self._content = content
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        try:
            if portable_lib._threadpool_get_thread_count() != threads:
                portable_lib._unsafe_reset_threadpool(threads)
            # The method keeps neither program nor content alive.
            self._program = Runtime.get().load_program(
                content, verification=Verification.InternalConsistency
            )
            self._method = self._program.load_method("forward")
        except RuntimeError as error:
            raise BundleError(f"ExecuTorch cannot load it: {_first_line(error)}") from error
        meta = self._method.metadata
        self._order = (
            self._match(self._inputs, "inputs", meta.num_inputs(), meta.input_tensor_meta),
            self._match(self._outputs, "outputs", meta.num_outputs(), meta.output_tensor_meta),
        )

    @staticmethod
    def _match(
        specs: Sequence[TensorSpec], side: str, count: int, describe: Any
    ) -> tuple[int, ...]:
        positions = positions_of(specs, count, side)
        for position, spec in zip(positions, specs, strict=True):
            tensor = describe(position)
            compare_tensor(spec, tensor.dtype(), tuple(tensor.sizes()))
        return positions

    def run(self, *inputs: Array) -> tuple[Array, ...]:
        """Run once: inputs and outputs in the order of the specs.

        Raises:
            ValueError: another number, shape or type of inputs than the specs say.
            BundleError: the runtime gives up.
        """
        import torch

        arguments: list[Any] = [None] * len(inputs)
        dense = checked_inputs(self._inputs, inputs)
        for position, array in zip(self._order[0], dense, strict=True):
            arguments[position] = torch.from_numpy(array)
        try:
            results = self._method.execute(arguments)
        except RuntimeError as error:
            raise BundleError(f"ExecuTorch cannot run it: {_first_line(error)}") from error
        return tuple(results[position].numpy().copy() for position in self._order[1])


def positions_of(specs: Sequence[TensorSpec], count: int, side: str) -> tuple[int, ...]:
    """Return the positions that the specs' names say: programs number their tensors.

    Raises:
        BundleError: another number of tensors, or a name that is none of them.
    """
    if count != len(specs):
        raise BundleError(f"the program has {count} {side}, the manifest {len(specs)}")
    prefix = "args" if side == "inputs" else "output"
    known = {f"{prefix}_{index}": index for index in range(count)}
    positions = []
    for spec in specs:
        if spec.name not in known:
            raise BundleError(
                f"the program has no tensor {spec.name!r} among its {side}: {', '.join(known)}"
            )
        positions.append(known[spec.name])
    if len(set(positions)) != len(positions):
        raise BundleError(f"the manifest names one tensor of the program twice among its {side}")
    return tuple(positions)


def compare_tensor(spec: TensorSpec, dtype: int, shape: tuple[int, ...]) -> None:
    """Compare a tensor of the program with the manifest's.

    Raises:
        BundleError: type or shape differ.
    """
    names = {number: name for name, number in DTYPES.items()}
    if dtype != DTYPES[spec.dtype] or shape != spec.shape:
        given = names.get(dtype, f"type {dtype}")
        raise BundleError(
            f"tensor {spec.name} of the program is {given} {list(shape)}, "
            f"the manifest says {spec.dtype} {list(spec.shape)}"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
