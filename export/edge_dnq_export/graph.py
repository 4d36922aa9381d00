"""An integer program as plain data: what every runtime's lowering starts from.

Tensors are NHWC without the batch axis. All numbers a runtime sees are here and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tensor:
    """An int8 tensor: real = (int8 - zero_point) * scale, and low <= int8 <= high always holds."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    low: int
    high: int

    @property
    def levels(self) -> int:
        """Number of values that an element can take: 256, 16 or 4."""
        return self.high - self.low + 1


@dataclass(frozen=True)
class Conv:
    """Square convolution with equal padding on all sides.

    Attributes:
        weight: int8 [O, K, K, I / groups].
        weight_scale: float32 [O].
        bias: int32 [O], in units of input scale times weight scale.
        relu6: Whether the program's fused activation is RELU6.
        relu: Whether it is RELU (else none); a high zero point leaves few codes above it.
        groups: 1, or the number of channels for a depthwise convolution.
    """

    input: str
    output: str
    weight: Int8
    weight_scale: Float32
    bias: Int32
    stride: int
    padding: int
    relu6: bool
    relu: bool = False
    groups: int = 1


@dataclass(frozen=True)
class Linear:
    """Fully connected layer; ``weight`` is int8 [O, I], the rest as in :class:`Conv`."""

    input: str
    output: str
    weight: Int8
    weight_scale: Float32
    bias: Int32


@dataclass(frozen=True)
class Add:
    """Sum of two tensors with fused RELU6, RELU or neither, as in :class:`Conv`."""

    inputs: tuple[str, str]
    output: str
    relu6: bool = True
    relu: bool = False


@dataclass(frozen=True)
class MaxPool:
    """Maximum over square windows; padding never wins."""

    input: str
    output: str
    size: int
    stride: int
    padding: int


@dataclass(frozen=True)
class Mean:
    """Mean over height and width."""

    input: str
    output: str


Node: TypeAlias = Conv | Linear | Add | MaxPool | Mean


@dataclass
class IntegerGraph:
    """Nodes in execution order, the tensors they connect, and the program's input and output."""

    program: str
    input: str
    output: str = ""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def append(self, node: Node, output: Tensor) -> None:
        """Add ``node``, which produces ``output``; the last one is the program's output."""
        self.tensors[output.name] = output
        self.nodes.append(node)
        self.output = output.name

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        total = 0
        for node in self.nodes:
            if isinstance(node, Conv):
                total += node.weight.size * math.prod(self.tensors[node.output].shape[:2])
            elif isinstance(node, Linear):
                total += node.weight.size
        return total
