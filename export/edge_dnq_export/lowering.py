"""From trained networks to integer graphs: one per program, one for the policy's encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.deployed import Folded, fold_conv, fold_linear
from edge_dnq.nn.layers import AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.policy_net import ENCODER_PROGRAM, PolicyNet
from edge_dnq.nn.quantisers import ExportedGrid, Grid, UnsignedGrid, float32
from edge_dnq_export.graph import Add, Conv, IntegerGraph, Linear, MaxPool, Mean, Tensor


class _Symbol(NamedTuple):
    """A tensor during lowering, with the factor from real values to the program's units."""

    tensor: Tensor
    units: float


def _tensor(name: str, shape: tuple[int, ...], grid: ExportedGrid) -> Tensor:
    return Tensor(name, shape, grid.scale, grid.zero_point, grid.low, grid.high)


def _pooled(side: int, size: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - size) // stride + 1


class LoweringOperations:
    """Records the network's operations as nodes of an :class:`IntegerGraph`."""

    def __init__(self, graph: IntegerGraph) -> None:
        self.graph = graph
        self.program = graph.program

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: _Symbol,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> _Symbol:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        folded = fold_conv(layer, self.program, target, addend_of, x.tensor.scale, x.units)
        weight, scale, bias = _integers(folded)
        sides = (
            _pooled(side, layer.kernel, layer.stride, layer.padding) for side in x.tensor.shape[:2]
        )
        output = _tensor(name, (*sides, len(weight)), folded.grid)
        kernel = np.ascontiguousarray(weight.transpose(0, 2, 3, 1))
        node = Conv(
            x.tensor.name, name, kernel, scale, bias, layer.stride, layer.padding,
            relu6=not target.signed, groups=layer.groups,
        )  # fmt: skip
        self.graph.append(node, output)
        return _Symbol(output, folded.units)

    def linear(self, name: str, layer: AnyPrecisionLinear, x: _Symbol, target: Grid) -> _Symbol:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        folded = fold_linear(layer, self.program, target, x.tensor.scale, x.units)
        weight, scale, bias = _integers(folded)
        output = _tensor(name, (len(weight),), folded.grid)
        self.graph.append(Linear(x.tensor.name, name, weight, scale, bias), output)
        return _Symbol(output, folded.units)

    def add(self, name: str, x: _Symbol, y: _Symbol, target: Grid) -> _Symbol:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        units = target.units(self.program)
        output = _tensor(name, x.tensor.shape, target.exported(self.program, units))
        node = Add((x.tensor.name, y.tensor.name), name, relu6=not target.signed)
        self.graph.append(node, output)
        return _Symbol(output, units)

    def max_pool(self, name: str, x: _Symbol, size: int, stride: int, padding: int) -> _Symbol:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        tensor = x.tensor
        sides = (_pooled(side, size, stride, padding) for side in tensor.shape[:2])
        grid = ExportedGrid(tensor.scale, tensor.zero_point, tensor.low, tensor.high)
        output = _tensor(name, (*sides, tensor.shape[2]), grid)
        self.graph.append(MaxPool(tensor.name, name, size, stride, padding), output)
        return _Symbol(output, x.units)

    def mean(self, name: str, x: _Symbol, target: UnsignedGrid) -> _Symbol:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        output = _tensor(name, x.tensor.shape[2:], target.exported(self.program, x.units))
        self.graph.append(Mean(x.tensor.name, name), output)
        return _Symbol(output, x.units)


def _integers(
    folded: Folded,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (int8 weight, float32 scale, int32 bias) of a folded layer."""
    return (
        folded.weight.to(torch.int8).cpu().numpy(),
        folded.weight_scale.cpu().numpy().astype(np.float32),
        folded.bias.cpu().numpy().astype(np.int32),
    )


class LoweredPolicy(NamedTuple):
    """The policy's integer encoder, and the factor from its real features to the program's."""

    encoder: IntegerGraph
    feature_units: float


def lower(network: AnyPrecisionBackbone, program: str) -> IntegerGraph:
    """Return the integer graph of ``program``.

    Args:
        network: A network with trained or calibrated batch norms and clip values.
        program: Name of one of its programs.
    """
    graph, _ = _lower(network.compute, program, network.resolution(program), network.input_scale)
    return graph


def lower_policy(policy: PolicyNet) -> LoweredPolicy:
    """Return the integer graph of the policy's encoder; its memory and heads stay float32."""
    side = policy.config.input_size
    return LoweredPolicy(*_lower(policy.compute, ENCODER_PROGRAM, side, policy.input_scale))


def _lower(
    compute: Callable[[LoweringOperations, _Symbol], _Symbol],
    program: str,
    side: int,
    input_scale: float,
) -> tuple[IntegerGraph, float]:
    frame = _tensor("frame", (side, side, 3), ExportedGrid(float32(input_scale), 0, -128, 127))
    graph = IntegerGraph(program, frame.name, tensors={frame.name: frame})
    result = compute(LoweringOperations(graph), _Symbol(frame, 1.0))
    return graph, result.units
