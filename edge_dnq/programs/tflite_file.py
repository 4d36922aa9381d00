"""What a TFLite file says about itself: operations, precisions, weight ranges.

The facts are read from the flatbuffer, not from a running interpreter: interpreters rewrite their
graph when a delegate takes part of it, and do not tell fused activations. Only Python code touches
the bytes. Precision is derived from the stored scale, zero point and fused activation alone, the
same facts a kernel decides by.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import BundleError, RuntimeMissingError

INT8_LOW, INT8_HIGH = -128, 127

ACTIVATION_BOUNDS: dict[str, tuple[float, float]] = {
    "NONE": (-math.inf, math.inf),
    "RELU": (0.0, math.inf),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}
"""Fused activation -> the real values it lets through."""

FUSING = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
}
"""Operation -> its options table, for those that fuse an activation."""

WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
KEEPING = frozenset({"PAD", "PADV2", "MAX_POOL_2D", "RESHAPE", "TRANSPOSE"})
"""Operations whose outputs are values of their first input (or its zero point)."""

# Unlike a native parser, the Python one turns every lie about sizes or offsets into one of these.
_DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, KeyError, MemoryError)
_MAX_TABLE = 1 << 20


@dataclass(frozen=True)
class Activation:
    """The int8 output of one operation.

    Attributes:
        operator: Position of the operation that makes it.
        op: That operation's type.
        shape: With the batch axis.
        fused: Its fused activation: ``NONE``, ``RELU``, ``RELU6``, ...
        low: Smallest int8 code that can occur.
        high: Largest.
    """

    operator: int
    op: str
    shape: tuple[int, ...]
    fused: str
    low: int
    high: int

    @property
    def levels(self) -> int:
        """Number of values an element can take."""
        return self.high - self.low + 1


@dataclass(frozen=True)
class Weights:
    """The constant weights of one operation.

    Attributes:
        operator: Position of the operation.
        op: Its type.
        role: ``stem`` (reads the program's input), ``classifier`` (makes its output) or ``body``.
        dtype: Type as stored: ``INT8``, ``FLOAT32``, ...
        shape: As stored.
        low: Smallest stored value.
        high: Largest stored value.
        odd: Whether every stored integer is odd, as the nested 4- and 2-bit weights are.
    """

    operator: int
    op: str
    role: str
    dtype: str
    shape: tuple[int, ...]
    low: float
    high: float
    odd: bool


@dataclass(frozen=True)
class ProgramFacts:
    """Everything that is read from one file.

    Attributes:
        ops: Operations by type.
        tensors: Tensors by element type.
        activations: int8 outputs of the operations, in order.
        weights: Constant weights, in order.
        macs: Multiply-accumulates of one run.
        bytes: Size of the file.
    """

    ops: dict[str, int]
    tensors: dict[str, int]
    activations: tuple[Activation, ...]
    weights: tuple[Weights, ...]
    macs: int
    bytes: int

    @property
    def hidden(self) -> tuple[Activation, ...]:
        """The unsigned hidden activations: outputs with a fused rectifier."""
        return tuple(a for a in self.activations if a.fused in ("RELU", "RELU6"))

    @property
    def activation_levels(self) -> dict[int, int]:
        """How many hidden activations take how many levels: {16: 17} in a 4-bit program."""
        return dict(sorted(Counter(a.levels for a in self.hidden).items()))

    @property
    def weight_range(self) -> tuple[float, float] | None:
        """Smallest and largest integer weight of the body; None where there is none."""
        body = [w for w in self.weights if w.role == "body" and w.dtype.startswith("INT")]
        return (min(w.low for w in body), max(w.high for w in body)) if body else None

    def low_precision_problems(self, weight_bits: int, activation_bits: int) -> list[str]:
        """Compare with what the numbers contract promises for these widths.

        Hidden activations take exactly ``2**activation_bits`` levels. Weights of the body are int8
        from -127 on for 8 bits; for 4 and 2 bits they are odd and below ``2**weight_bits``.

        Returns:
            One line per broken promise; empty when all hold.
        """
        levels = 2**activation_bits
        problems = [
            f"operation {a.operator} ({a.op}) gives {a.levels} levels, expected {levels}"
            for a in self.hidden
            if a.levels != levels
        ]
        if not self.hidden:
            problems.append("no hidden activation has a fused rectifier")
        limit = 127 if weight_bits == 8 else 2**weight_bits - 1
        for w in self.weights:
            small = w.role == "body" and weight_bits < 8
            bound = limit if small else 127
            if w.dtype != "INT8" or not (-bound <= w.low and w.high <= bound):
                problems.append(
                    f"operation {w.operator} ({w.op}) has {w.dtype} weights {w.low:g}..{w.high:g}, "
                    f"expected INT8 within {-bound}..{bound}"
                )
            elif small and not w.odd:
                problems.append(f"operation {w.operator} ({w.op}) has even weights")
        return problems


def read_program_facts(content: bytes) -> ProgramFacts:
    """Read the facts of a TFLite file with one graph.

    Args:
        content: The file's bytes.

    Raises:
        BundleError: not a TFLite file, damaged, or of more than one graph.
        RuntimeMissingError: ai-edge-litert, which brings the file's schema, is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise RuntimeMissingError(
            f"reading TFLite files needs ai-edge-litert: pip install 'edge-dnq[litert]' ({error})"
        ) from error
    if content[4:8] != b"TFL3":
        raise BundleError("not a TFLite program: the file's identifier is missing")
    try:
        return _Reader(schema, content).facts()
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise BundleError(f"the TFLite program is damaged: {reason}") from error


class _Tensor(NamedTuple):
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int
    constant: bytes


class _Operator(NamedTuple):
    op: str
    inputs: list[int]
    outputs: list[int]
    fused: str


class _Reader:
    def __init__(self, schema: Any, content: bytes) -> None:
        self._schema = schema
        self._types = _names(schema.TensorType)
        self._ops = _names(schema.BuiltinOperator)
        self._activations = _names(schema.ActivationFunctionType)
        self._model = schema.Model.GetRootAs(content, 0)
        if self._model.SubgraphsLength() != 1:
            raise ValueError(f"{self._model.SubgraphsLength()} graphs, expected one")
        self._graph = self._model.Subgraphs(0)
        self._bytes = len(content)
        self.tensors: list[_Tensor] = _rows(self._graph.TensorsLength(), self._tensor)
        self.operators: list[_Operator] = _rows(self._graph.OperatorsLength(), self._operator)

    def _tensor(self, index: int) -> _Tensor:
        table = self._graph.Tensors(index)
        shape = tuple(int(size) for size in _array(table.ShapeAsNumpy()))
        quantisation = table.Quantization()
        scales = _array(quantisation.ScaleAsNumpy()) if quantisation else np.empty(0)
        points = _array(quantisation.ZeroPointAsNumpy()) if quantisation else np.empty(0)
        data = _array(self._model.Buffers(table.Buffer()).DataAsNumpy())
        per_tensor = len(scales) == 1
        return _Tensor(
            shape,
            self._types[table.Type()],
            float(scales[0]) if per_tensor else None,
            int(points[0]) if per_tensor and len(points) else 0,
            data.astype(np.uint8).tobytes(),
        )

    def _operator(self, index: int) -> _Operator:
        table = self._graph.Operators(index)
        code = self._model.OperatorCodes(table.OpcodeIndex())
        op = self._ops[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        fused = "NONE"
        if op in FUSING and table.BuiltinOptions() is not None:
            options = getattr(self._schema, FUSING[op])()
            options.Init(table.BuiltinOptions().Bytes, table.BuiltinOptions().Pos)
            fused = self._activations[options.FusedActivationFunction()]
        inputs = [int(i) for i in _array(table.InputsAsNumpy())]
        outputs = [int(i) for i in _array(table.OutputsAsNumpy())]
        if any(not -1 <= i < len(self.tensors) for i in inputs + outputs) or not outputs:
            raise ValueError(f"operation {index} names tensors that are not there")
        return _Operator(op, inputs, outputs, fused)

    def facts(self) -> ProgramFacts:
        return ProgramFacts(
            ops=dict(sorted(Counter(o.op for o in self.operators).items())),
            tensors=dict(sorted(Counter(t.dtype for t in self.tensors).items())),
            activations=self._activation_ranges(),
            weights=self._weights(),
            macs=sum(self._macs(operator) for operator in self.operators),
            bytes=self._bytes,
        )

    def _activation_ranges(self) -> tuple[Activation, ...]:
        ranges: dict[int, tuple[int, int]] = {}
        found = []
        for position, operator in enumerate(self.operators):
            output = operator.outputs[0]
            tensor = self.tensors[output]
            if tensor.dtype != "INT8":
                continue
            low, high = code_range(operator.fused, tensor.scale, tensor.zero_point)
            if operator.op in KEEPING and operator.inputs and operator.inputs[0] in ranges:
                inner = ranges[operator.inputs[0]]
                low, high = max(low, inner[0]), min(high, inner[1])
            ranges[output] = (low, high)
            found.append(Activation(position, operator.op, tensor.shape, operator.fused, low, high))
        return tuple(found)

    def _weights(self) -> tuple[Weights, ...]:
        outputs = {int(i) for i in _array(self._graph.OutputsAsNumpy())}
        from_input = {int(i) for i in _array(self._graph.InputsAsNumpy())}
        found = []
        for position, operator in enumerate(self.operators):
            source = operator.inputs[0] if operator.inputs else -1
            if operator.op in KEEPING and source in from_input:
                from_input.add(operator.outputs[0])
            if operator.op not in WEIGHTED:
                continue
            tensor = self.tensors[operator.inputs[1]]
            role = "body"
            if operator.outputs[0] in outputs:
                role = "classifier"
            elif source in from_input:
                role = "stem"
            if tensor.constant:
                values = _values(tensor)
                odd = values.dtype.kind == "i" and bool((values & 1).all())
                low, high = float(values.min()), float(values.max())
                found.append(
                    Weights(position, operator.op, role, tensor.dtype, tensor.shape, low, high, odd)
                )
        return tuple(found)

    def _macs(self, operator: _Operator) -> int:
        if operator.op not in WEIGHTED:
            return 0
        kernel = self.tensors[operator.inputs[1]].shape
        output = self.tensors[operator.outputs[0]].shape
        if operator.op == "FULLY_CONNECTED":
            return math.prod(kernel) * math.prod(output[:-1])
        per_output = math.prod(kernel[1:3]) * (kernel[3] if operator.op == "CONV_2D" else 1)
        return math.prod(output[1:]) * per_output


def code_range(fused: str, scale: float | None, zero_point: int) -> tuple[int, int]:
    """Return the int8 codes that a fused activation lets through.

    ``bound / scale`` is rounded half away from zero in float32, as TFLite's
    ``CalculateActivationRangeQuantized`` does.

    Args:
        fused: Name of the activation, a key of :data:`ACTIVATION_BOUNDS`.
        scale: Real size of one code; None where the tensor has no single scale.
        zero_point: Code of real zero.
    """
    bounds = ACTIVATION_BOUNDS.get(fused, (-math.inf, math.inf))
    if scale is None or not (math.isfinite(scale) and scale > 0):
        return INT8_LOW, INT8_HIGH
    codes: list[int] = []
    for bound, unbounded in zip(bounds, (INT8_LOW, INT8_HIGH), strict=True):
        steps = float(np.float32(bound) / np.float32(scale)) if math.isfinite(bound) else bound
        if math.isinf(steps):
            codes.append(unbounded)
            continue
        rounded = round(math.copysign(math.floor(abs(steps) + 0.5), steps))
        codes.append(min(INT8_HIGH, max(INT8_LOW, zero_point + rounded)))
    return codes[0], codes[1]


def _values(tensor: _Tensor) -> NDArray[Any]:
    types: dict[str, type[np.generic]] = {
        "INT8": np.int8,
        "INT16": np.int16,
        "INT32": np.int32,
        "FLOAT32": np.float32,
        "FLOAT16": np.float16,
    }
    if tensor.dtype not in types:
        raise ValueError(f"weights of type {tensor.dtype}")
    values = np.frombuffer(tensor.constant, types[tensor.dtype])
    if values.size != math.prod(tensor.shape):
        raise ValueError(f"a weight of shape {tensor.shape} has {values.size} values")
    return values


def _array(values: Any) -> NDArray[Any]:
    """Return a vector of the flatbuffer; the reader gives 0 for one that is absent."""
    return values if isinstance(values, np.ndarray) else np.empty(0, np.int64)


def _rows(count: int, read: Callable[[int], Any]) -> list[Any]:
    if count > _MAX_TABLE:
        raise ValueError(f"a table of {count} rows")
    return [read(index) for index in range(count)]


def _names(enumeration: Any) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}
