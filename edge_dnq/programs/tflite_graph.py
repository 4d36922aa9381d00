"""The graph in a TFLite file: its tensors with their constants and scales, and its operations.

Read from the flatbuffer by Python code alone, not by an interpreter: interpreters rewrite their
graph when a delegate takes part of it, and do not tell fused activations.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import BundleError, RuntimeMissingError

FUSING = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
}
"""Operation -> its options table, for those that fuse an activation."""

# Unlike a native parser, the Python one turns every lie about sizes or offsets into one of these.
DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, KeyError, MemoryError)
_MAX_TABLE = 1 << 20

_TYPES: dict[str, type[np.generic]] = {
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
}


class Tensor(NamedTuple):
    """One tensor.

    Attributes:
        shape: As stored.
        dtype: ``INT8``, ``FLOAT32``, ...
        scales: Real size of a code: one, one per channel, or none.
        zero_points: Code of real zero, likewise.
        axis: The channels' axis where there is a scale for each.
        constant: Its bytes; empty for what is computed.
    """

    shape: tuple[int, ...]
    dtype: str
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int
    constant: bytes

    @property
    def scale(self) -> float | None:
        """The tensor's one scale; None where it has none or many."""
        return float(self.scales[0]) if len(self.scales) == 1 else None

    @property
    def zero_point(self) -> int:
        """The zero point that goes with the one scale; 0 where there is none."""
        return int(self.zero_points[0]) if len(self.scales) == 1 and len(self.zero_points) else 0

    def values(self) -> NDArray[Any]:
        """Return the constant, flat, as stored.

        Raises:
            ValueError: another type or number of values than it should have.
        """
        if self.dtype not in _TYPES:
            raise ValueError(f"weights of type {self.dtype}")
        values = np.frombuffer(self.constant, _TYPES[self.dtype])
        if values.size != math.prod(self.shape):
            raise ValueError(f"a weight of shape {self.shape} has {values.size} values")
        return values

    def channel_rows(self) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Return the constant's codes, [channels, rest], and a scale per channel.

        Raises:
            ValueError: the scales do not fit the shape.
        """
        values = self.values().reshape(self.shape)
        if not 0 <= self.axis < len(self.shape):
            raise ValueError(f"channels on axis {self.axis} of a weight of shape {self.shape}")
        rows = np.moveaxis(values, self.axis, 0).reshape(self.shape[self.axis], -1)
        scales = self.scales if len(self.scales) else np.ones(1, np.float32)
        return rows, np.broadcast_to(scales, rows.shape[:1])


class Operator(NamedTuple):
    """One operation: its type, its tensors by index (-1: left out), its fused activation."""

    op: str
    inputs: list[int]
    outputs: list[int]
    fused: str


@dataclass(frozen=True)
class Graph:
    """A program's one graph.

    Attributes:
        tensors: All tensors; operations name them by their place here.
        operators: In the order they run.
        inputs: Tensors given to a run.
        outputs: Tensors it results in.
        bytes: Size of the file.
    """

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: list[int]
    outputs: list[int]
    bytes: int


def read_graph(content: bytes) -> Graph:
    """Read a TFLite file with one graph.

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
        return _Reader(schema, content).graph()
    except DAMAGE as error:
        raise damaged(error) from error


def damaged(error: Exception) -> BundleError:
    """Return the error to raise where reading stumbled over ``error``, one of :data:`DAMAGE`."""
    reason = str(error).partition("\n")[0] or type(error).__name__
    return BundleError(f"the TFLite program is damaged: {reason}")


class _Reader:
    def __init__(self, schema: Any, content: bytes) -> None:
        self._schema = schema
        self._types = _names(schema.TensorType)
        self._ops = _names(schema.BuiltinOperator)
        self._activations = _names(schema.ActivationFunctionType)
        self._bytes = len(content)
        self._model = schema.Model.GetRootAs(content, 0)
        if self._model.SubgraphsLength() != 1:
            raise ValueError(f"{self._model.SubgraphsLength()} graphs, expected one")
        self._graph = self._model.Subgraphs(0)

    def graph(self) -> Graph:
        tensors: list[Tensor] = _rows(self._graph.TensorsLength(), self._tensor)
        operators: list[Operator] = _rows(self._graph.OperatorsLength(), self._operator)
        for index, operator in enumerate(operators):
            named = operator.inputs + operator.outputs
            if any(not -1 <= i < len(tensors) for i in named) or not operator.outputs:
                raise ValueError(f"operation {index} names tensors that are not there")
        inputs = [int(i) for i in _array(self._graph.InputsAsNumpy())]
        outputs = [int(i) for i in _array(self._graph.OutputsAsNumpy())]
        return Graph(tensors, operators, inputs, outputs, self._bytes)

    def _tensor(self, index: int) -> Tensor:
        table = self._graph.Tensors(index)
        shape = tuple(int(size) for size in _array(table.ShapeAsNumpy()))
        quantisation = table.Quantization()
        scales = _array(quantisation.ScaleAsNumpy()) if quantisation else np.empty(0)
        points = _array(quantisation.ZeroPointAsNumpy()) if quantisation else np.empty(0)
        data = _array(self._model.Buffers(table.Buffer()).DataAsNumpy())
        return Tensor(
            shape,
            self._types[table.Type()],
            scales.astype(np.float32),
            points.astype(np.int64),
            int(quantisation.QuantizedDimension()) if quantisation else 0,
            data.astype(np.uint8).tobytes(),
        )

    def _operator(self, index: int) -> Operator:
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
        return Operator(op, inputs, outputs, fused)


def _array(values: Any) -> NDArray[Any]:
    """Return a vector of the flatbuffer; the reader gives 0 for one that is absent."""
    return values if isinstance(values, np.ndarray) else np.empty(0, np.int64)


def _rows(count: int, read: Callable[[int], Any]) -> list[Any]:
    if count > _MAX_TABLE:
        raise ValueError(f"a table of {count} rows")
    return [read(index) for index in range(count)]


def _names(enumeration: Any) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}
