"""What a TFLite file says about itself: operations, precisions, weight ranges.

Precision is derived from the stored scale, zero point and fused activation alone, the same facts a
kernel decides by.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from edge_dnq.programs.tflite_graph import DAMAGE, Graph, Operator, damaged, read_graph

INT8_LOW, INT8_HIGH = -128, 127

ACTIVATION_BOUNDS: dict[str, tuple[float, float]] = {
    "NONE": (-math.inf, math.inf),
    "RELU": (0.0, math.inf),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}
"""Fused activation -> the real values it lets through."""

WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
KEEPING = frozenset({"PAD", "PADV2", "MAX_POOL_2D", "RESHAPE", "TRANSPOSE"})
"""Operations whose outputs are values of their first input (or its zero point)."""


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


def read_program_facts(content: bytes) -> ProgramFacts:
    """Read the facts of a TFLite file with one graph.

    Args:
        content: The file's bytes.

    Raises:
        BundleError: not a TFLite file, damaged, or of more than one graph.
        RuntimeMissingError: ai-edge-litert, which brings the file's schema, is not installed.
    """
    graph = read_graph(content)
    try:
        return graph_facts(graph)
    except DAMAGE as error:
        raise damaged(error) from error


def graph_facts(graph: Graph) -> ProgramFacts:
    """Return the facts of a graph.

    Raises:
        ValueError, IndexError: an operation lacks what it should have.
    """
    return ProgramFacts(
        ops=dict(sorted(Counter(o.op for o in graph.operators).items())),
        tensors=dict(sorted(Counter(t.dtype for t in graph.tensors).items())),
        activations=_activations(graph),
        weights=_weights(graph),
        macs=sum(_macs(graph, operator) for operator in graph.operators),
        bytes=graph.bytes,
    )


def _activations(graph: Graph) -> tuple[Activation, ...]:
    ranges: dict[int, tuple[int, int]] = {}
    found = []
    for position, operator in enumerate(graph.operators):
        output = operator.outputs[0]
        tensor = graph.tensors[output]
        if tensor.dtype != "INT8":
            continue
        low, high = code_range(operator.fused, tensor.scale, tensor.zero_point)
        if operator.op in KEEPING and operator.inputs and operator.inputs[0] in ranges:
            inner = ranges[operator.inputs[0]]
            low, high = max(low, inner[0]), min(high, inner[1])
        ranges[output] = (low, high)
        found.append(Activation(position, operator.op, tensor.shape, operator.fused, low, high))
    return tuple(found)


def _weights(graph: Graph) -> tuple[Weights, ...]:
    outputs, from_input = set(graph.outputs), set(graph.inputs)
    found = []
    for position, operator in enumerate(graph.operators):
        source = operator.inputs[0] if operator.inputs else -1
        if operator.op in KEEPING and source in from_input:
            from_input.add(operator.outputs[0])
        if operator.op not in WEIGHTED:
            continue
        tensor = graph.tensors[operator.inputs[1]]
        role = "body"
        if operator.outputs[0] in outputs:
            role = "classifier"
        elif source in from_input:
            role = "stem"
        if tensor.constant:
            values = tensor.values()
            odd = values.dtype.kind == "i" and bool((values & 1).all())
            low, high = float(values.min()), float(values.max())
            found.append(
                Weights(position, operator.op, role, tensor.dtype, tensor.shape, low, high, odd)
            )
    return tuple(found)


def _macs(graph: Graph, operator: Operator) -> int:
    if operator.op not in WEIGHTED:
        return 0
    kernel = graph.tensors[operator.inputs[1]].shape
    output = graph.tensors[operator.outputs[0]].shape
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
