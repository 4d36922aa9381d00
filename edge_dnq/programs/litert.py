"""TFLite programs on LiteRT, or on its predecessor tflite-runtime where only that is installed.

LiteRT rounds as the exporter's reference does, so its integers are the golden ones. tflite-runtime
2.14 requantises with the older fixed-point rule: int8 logits of programs differ by some codes, more
the fewer bits a program has, and the policy's features by some of their 255 codes.

Where the package's own kernels are installed, they take what they know of a program, and the
runtime's kernels the rest. They round as LiteRT does, whichever package runs them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import BundleError, RuntimeMissingError
from edge_dnq.kernels import KernelUse, kernels_status, read_report, use_of
from edge_dnq.manifest import TensorSpec

Array = NDArray[Any]

INSTALL = "pip install 'edge-dnq[litert]'"
PACKAGES = (("ai_edge_litert", "ai-edge-litert"), ("tflite_runtime", "tflite-runtime"))
"""Import name and distribution, the preferred one first."""

_IDENTIFIER = slice(4, 8)
_MINIMUM_BYTES = 64


class Package(NamedTuple):
    """The installed package that runs TFLite programs."""

    name: str
    version: str
    interpreter: Any
    load_delegate: Any


def find_package() -> Package:
    """Import the preferred package that is installed.

    Raises:
        RuntimeMissingError: none is, or none can be imported.
    """
    problems = []
    for module, distribution in PACKAGES:
        try:
            interpreter = importlib.import_module(f"{module}.interpreter")
            parts = interpreter.Interpreter, interpreter.load_delegate
        except ModuleNotFoundError as error:
            if error.name not in (module, f"{module}.interpreter"):
                problems.append(f"{distribution}: {error}")
        except (ImportError, AttributeError) as error:
            # tflite-runtime is built for numpy 1 and fails this way under numpy 2.
            problems.append(f"{distribution}: {str(error).strip().partition(chr(10))[0]}")
        else:
            return Package(distribution, importlib.metadata.version(distribution), *parts)
    because = f" ({'; '.join(problems)})" if problems else ""
    raise RuntimeMissingError(f"no runtime for TFLite programs is installed{because}: {INSTALL}")


class LiteRtProgram:
    """One TFLite program with its own interpreter.

    Args:
        content: The flatbuffer; the interpreter is built from these very bytes.
        inputs: What it must take.
        outputs: What it must give.
        threads: Threads of the interpreter.
        kernels: One of :data:`edge_dnq.kernels.CHOICES`. A forced instruction set is an error where
            it cannot be had; ``auto`` falls back on the runtime's kernels.

    Attributes:
        kernels: Which kernels it runs on.

    Raises:
        BundleError: not a TFLite program, or its tensors differ from the specs.
        RuntimeMissingError: no package to run it is installed, or not the kernels asked for.
    """

    def __init__(
        self,
        content: bytes,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        threads: int = 1,
        kernels: str = "auto",
    ) -> None:
        if len(content) < _MINIMUM_BYTES or content[_IDENTIFIER] != b"TFL3":
            raise BundleError("not a TFLite program: the file's identifier is missing")
        package = find_package()
        self._package = package.name
        # The interpreter does not own the buffer it reads its weights from.
        self._content = content
        try:
            self._interpreter, self.kernels = _make_interpreter(package, content, threads, kernels)
            self._inputs = _match(inputs, self._interpreter, "inputs")
            self._outputs = _match(outputs, self._interpreter, "outputs")
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{package.name} cannot load it: {_reason(error)}") from error

    def run(self, *inputs: Array) -> tuple[Array, ...]:
        """Run once: inputs and outputs in the order of the specs.

        Raises:
            ValueError: another number, shape or type of inputs than the specs say.
            BundleError: the interpreter gives up.
        """
        interpreter = self._interpreter
        for index, value in zip(self._inputs, inputs, strict=True):
            interpreter.set_tensor(index, value)
        try:
            interpreter.invoke()
        except RuntimeError as error:
            raise BundleError(f"{self._package} cannot run it: {_reason(error)}") from error
        return tuple(interpreter.get_tensor(index) for index in self._outputs)


def _make_interpreter(
    package: Package, content: bytes, threads: int, kernels: str
) -> tuple[Any, KernelUse]:
    """Make an interpreter on the package's own kernels, or on the runtime's where those fail.

    Raises:
        RuntimeMissingError: a forced instruction set cannot be had.
        ValueError, RuntimeError: the runtime does not take the program.
    """
    status = kernels_status(kernels)
    problem = status.problem
    if status.available:
        try:
            return _delegate(package, content, threads, str(status.path), str(status.isa))
        except (OSError, ValueError, RuntimeError) as error:
            problem = f"the kernels failed: {_reason(error)}"
    if status.choice not in ("auto", "off"):
        raise RuntimeMissingError(f"kernels {status.choice}: {problem}")
    interpreter = package.interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter, KernelUse(None, problem=problem)


def _delegate(
    package: Package, content: bytes, threads: int, path: str, isa: str
) -> tuple[Any, KernelUse]:
    key = uuid.uuid4().hex
    delegate = package.load_delegate(path, {"isa": isa, "report": key})
    interpreter = package.interpreter(
        model_content=content, num_threads=threads, experimental_delegates=[delegate]
    )
    interpreter.allocate_tensors()
    report = read_report(Path(path), key)
    if report is None:
        raise RuntimeError(f"{path} does not tell what it did")
    return interpreter, use_of(report)


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _match(specs: Sequence[TensorSpec], interpreter: Any, side: str) -> tuple[int, ...]:
    """Return the tensor index of every spec, having compared the tensors with the specs.

    Names come from the signature where the program has one; converters keep no order elsewhere.

    Raises:
        BundleError: a tensor is missing, left over, or differs.
    """
    by_name = _tensors(interpreter, side)
    if len(by_name) != len(specs):
        raise BundleError(f"the program has {len(by_name)} {side}, the manifest {len(specs)}")
    indices = []
    for spec in specs:
        detail = by_name.get(spec.name)
        if detail is None:
            raise BundleError(
                f"the program has no tensor {spec.name!r} among its {side}: {', '.join(by_name)}"
            )
        _compare(spec, detail)
        indices.append(int(detail["index"]))
    if len(set(indices)) != len(indices):
        raise BundleError(f"the manifest names one tensor of the program twice among its {side}")
    return tuple(indices)


def _tensors(interpreter: Any, side: str) -> dict[str, dict[str, Any]]:
    """Return the program's inputs or outputs by name."""
    signatures = interpreter.get_signature_list()
    if len(signatures) == 1:
        runner = interpreter.get_signature_runner(next(iter(signatures)))
        named: dict[str, dict[str, Any]] = (
            runner.get_input_details() if side == "inputs" else runner.get_output_details()
        )
        return named
    details = (
        interpreter.get_input_details() if side == "inputs" else interpreter.get_output_details()
    )
    return {detail["name"]: detail for detail in details}


def _compare(spec: TensorSpec, detail: dict[str, Any]) -> None:
    shape, dtype = tuple(int(size) for size in detail["shape"]), np.dtype(detail["dtype"])
    if shape != spec.shape or dtype != spec.dtype:
        raise BundleError(
            f"tensor {spec.name} of the program is {dtype} {list(shape)}, "
            f"the manifest says {spec.dtype} {list(spec.shape)}"
        )
    if spec.scale is None:
        return
    scale, zero_point = detail["quantization"]
    # The file holds the scale as float32, JSON as the shortest decimal of the exporter's number.
    if np.float32(spec.scale) != np.float32(scale) or spec.zero_point != zero_point:
        raise BundleError(
            f"tensor {spec.name} of the program has scale {scale:g} and zero point {zero_point}, "
            f"the manifest says {spec.scale:g} and {spec.zero_point}"
        )
