"""From an imported network to an integer graph.

Every tensor stays in real units. A hidden tensor of b bits has the zero point ``127 - (2^b - 1)``
and a fused RELU: int8 ends where its clip value is, so it takes exactly 2^b values on any stock
runtime, whatever its scale. (Clip values differ from block to block here, so they cannot all be the
6 of RELU6 while identities are added in one unit.)

Truncated weights are odd integers at half their scale, plus a constant that a whole layer shares:
``convolution = step * (odd * x) + constant * sum(x)``. The sum's mean goes into the bias. Where its
fluctuation matters, the constant goes into the weights themselves, which are then any int8 numbers:
the layer is as near as 8 bits allow, but leaves the low-bit kernels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from edge_dnq.nn.deployed import BIAS_LIMIT
from edge_dnq.nn.quantisers import float32
from edge_dnq.nn.videoiq.network import Backbone, ConvLayer, Rectifier
from edge_dnq.nn.videoiq.quantisers import TruncatedWeight
from edge_dnq_export.graph import Add, Conv, IntegerGraph, Linear, MaxPool, Mean
from edge_dnq_export.graph import Tensor as Int8Tensor
from edge_dnq_export.videoiq.measure import Measurement, SumStatistics

SUM_LIMIT = 0.3
"""Fluctuation of the constant's term that is left out at most, in deviations of the output divided
by 2^bits - 1: about an eighth of a step of the output's grid, which spans some 2.5 deviations."""

HEADROOM = 1.25
"""Ranges beyond the largest value that was seen."""

LARGEST_CODE = 127
SIZE_RANGE, SIZES = 1.3, 241
"""How much larger than the finest the size of one code may be, and how many sizes are tried."""

TINY = 2.0**-30
"""Smallest requantisation factor: what is below it is zero in any int8 output."""


@dataclass(frozen=True)
class LayerReport:
    """What became of one convolution of the body.

    Attributes:
        name: The layer.
        constant: What its odd integers leave over, in units of weights from -1 to 1.
        share: Fluctuation of its contribution, in deviations of the layer's output.
        corrected: Whether it went into the weights.
        left: What is wrong after that, in the same deviations; ``share`` where not corrected.
        narrow: Whether the weights are odd integers below 2^bits.
    """

    name: str
    constant: float
    share: float
    corrected: bool
    left: float
    narrow: bool


class Lowered(NamedTuple):
    """An integer graph, and what became of the layers with truncated weights."""

    graph: IntegerGraph
    layers: tuple[LayerReport, ...]


class _Pending(NamedTuple):
    """A convolution whose output range depends on the sum that it feeds."""

    name: str
    layer: ConvLayer
    source: Int8Tensor


_Value = Int8Tensor | _Pending


def lower(
    backbone: Backbone,
    program: str,
    side: int,
    input_scale: float,
    seen: Measurement,
    sum_limit: float = SUM_LIMIT,
) -> Lowered:
    """Return the integer graph of ``backbone``.

    Args:
        backbone: Of any width; one of 32 bits becomes 8-bit by the ranges in ``seen``.
        program: The program's name.
        side: Side of the network frame.
        input_scale: Real size of one input code.
        seen: What the float network showed on calibration frames.
        sum_limit: See :data:`SUM_LIMIT`; 0 puts every constant into the weights.
    """
    frame = Int8Tensor("frame", (side, side, 3), float32(input_scale), 0, -128, 127)
    graph = IntegerGraph(program, frame.name, tensors={frame.name: frame})
    ops = _LoweringOperations(graph, seen, sum_limit)
    backbone.compute(ops, frame)
    return Lowered(graph, tuple(ops.layers))


class _LoweringOperations:
    def __init__(self, graph: IntegerGraph, seen: Measurement, sum_limit: float) -> None:
        self.graph = graph
        self.seen = seen
        self.sum_limit = sum_limit
        self.layers: list[LayerReport] = []

    def conv(self, name: str, layer: ConvLayer, x: _Value, target: Rectifier | None) -> _Value:
        source = _settled(x)
        if target is None:
            return _Pending(name, layer, source)
        return self._conv(_Pending(name, layer, source), *self._rectified(name, target), relu=True)

    def add(self, name: str, identity: _Value, branch: _Value, target: Rectifier) -> _Value:
        scale, zero_point = self._rectified(name, target)
        largest = _largest(scale, zero_point)
        # Beyond what the identity can take back, or what the sum is clipped to, nothing counts.
        cap = np.inf if isinstance(identity, _Pending) else max(
            largest, _largest(identity.scale, identity.zero_point)
        )  # fmt: skip
        x, y = (self._addend(value, cap) for value in (identity, branch))
        # Without a clip value int8 itself ends at zero: the zero point is its lowest code.
        relu = target.alpha is not None
        output = Int8Tensor(name, x.shape, scale, zero_point, zero_point, 127)
        self.graph.append(Add((x.name, y.name), name, relu6=False, relu=relu), output)
        return output

    def max_pool(self, name: str, x: _Value, size: int, stride: int, padding: int) -> _Value:
        source = _settled(x)
        sides = (_side(side, size, stride, padding) for side in source.shape[:2])
        output = _like(source, name, (*sides, source.shape[2]))
        self.graph.append(MaxPool(source.name, name, size, stride, padding), output)
        return output

    def mean(self, name: str, x: _Value) -> _Value:
        source = _settled(x)
        scale = float32(self._range(name) / 255)
        output = Int8Tensor(name, source.shape[2:], scale, -128, -128, 127)
        self.graph.append(Mean(source.name, name), output)
        return output

    def linear(self, name: str, weight: Tensor, bias: Tensor, x: _Value) -> _Value:
        source = _settled(x)
        scale = float32(self._range(name) / LARGEST_CODE)
        output = Int8Tensor(name, (len(weight),), scale, 0, -128, 127)
        integers = _fitted(*_int8(weight), bias, source.scale, scale)
        self.graph.append(Linear(source.name, name, *integers), output)
        return output

    def _range(self, name: str) -> float:
        return max(self.seen.largest[name] * HEADROOM, 1e-6)

    def _rectified(self, name: str, target: Rectifier) -> tuple[float, int]:
        """Return scale and zero point of a hidden tensor."""
        if target.alpha is not None and target.bits <= 8:
            levels = 2**target.bits - 1
            return float32(target.alpha / levels), 127 - levels
        largest = self._range(name)
        return float32(min(largest, target.alpha or np.inf) / 255), -128

    def _addend(self, value: _Value, cap: float) -> Int8Tensor:
        if isinstance(value, Int8Tensor):
            return value
        largest = min(cap, self._range(value.name))
        return self._conv(value, float32(largest / LARGEST_CODE), 0, relu=False)

    def _conv(self, conv: _Pending, scale: float, zero_point: int, *, relu: bool) -> Int8Tensor:
        name, layer, source = conv
        codes, steps, offset = self._weights(name, layer)
        weight, weight_scale, bias = _fitted(codes, steps, offset, source.scale, scale)
        if layer.truncated is not None:
            few = int(np.abs(weight).max()) <= layer.truncated.top
            narrow = few and bool((weight & 1).all())
            self.layers[-1] = replace(self.layers[-1], narrow=narrow)
        sides = (
            _side(side, layer.weight.shape[2], layer.stride, layer.padding)
            for side in source.shape[:2]
        )
        low = zero_point if relu else -128
        output = Int8Tensor(name, (*sides, len(weight)), scale, zero_point, low, 127)
        kernel = np.ascontiguousarray(weight.transpose(0, 2, 3, 1))
        node = Conv(
            source.name, name, kernel, weight_scale, bias, layer.stride, layer.padding,
            relu6=False, relu=relu,
        )  # fmt: skip
        self.graph.append(node, output)
        return output

    def _weights(self, name: str, layer: ConvLayer) -> tuple[Tensor, Tensor, Tensor]:
        """Return (integers, their real sizes [O], offset [O]) with the batch norm folded in."""
        truncated = layer.truncated
        if truncated is None:
            return *_int8(layer.weight * layer.gain.view(-1, 1, 1, 1)), layer.offset
        statistics = self.seen.sums[name]
        share = statistics.share(truncated.constant)
        chosen = _Integers(truncated.odd, truncated.step, truncated.constant, share)
        limit = self.sum_limit / truncated.top
        best = _with_constant(truncated, statistics, limit) if share > limit else chosen
        # A layer leaves the low-bit kernels for a real gain only.
        corrected = best.share < share / 2
        chosen = best if corrected else chosen
        self.layers.append(
            LayerReport(name, truncated.constant, share, corrected, chosen.share, narrow=True)
        )
        offset = layer.offset + layer.gain * chosen.constant * statistics.mean
        # A scale is positive: a negative gain turns the signs of the integers, which stay odd.
        codes = chosen.codes * _signs(layer.gain).view(-1, 1, 1, 1)
        return codes, chosen.step * layer.gain.abs(), offset


class _Integers(NamedTuple):
    """Integers for truncated weights, real = step * codes + constant + something of mean zero.

    ``share`` is the error of leaving the constant's fluctuation and that something out.
    """

    codes: Tensor
    step: float
    constant: float
    share: float


def _with_constant(
    truncated: TruncatedWeight, statistics: SumStatistics, limit: float
) -> _Integers:
    """Return the int8 codes of least error for ``step * odd + constant``.

    There are few different weights, so how a size of one code rounds them is known beforehand.
    Whole multiples ``factor * odd + shift`` are exact but for the shift's rounding: the weights
    stay equally spaced, which a kernel can make use of. Where no factor is good enough, sizes that
    leave no constant are looked for among all that use most of int8.
    """
    values = torch.arange(-truncated.top, truncated.top + 1, 2, dtype=torch.float64)
    often = torch.bincount(truncated.codes.flatten().long(), minlength=len(values)).double()
    often /= often.sum()
    real = truncated.step * values + truncated.constant
    finest = float(real.abs().max()) / LARGEST_CODE

    def rounded(size: float) -> _Integers:
        table = (real / size).round()
        error = real - table * size
        constant = float((often * error).sum())
        noise = float((often * (error - constant).square()).sum().sqrt())
        return _Integers(table, size, constant, statistics.share(constant, noise))

    def least(sizes: Iterable[float]) -> _Integers:
        best = min((rounded(size) for size in sizes), key=lambda integers: integers.share)
        return best._replace(codes=best.codes[truncated.codes.long()])

    largest = int(truncated.step / finest)
    spaced = least(truncated.step / factor for factor in range(1, largest + 1))
    if spaced.share <= limit / 2:
        return spaced
    return least((torch.linspace(1.0, SIZE_RANGE, SIZES) * finest).tolist())


def _signs(gain: Tensor) -> Tensor:
    return torch.where(gain < 0, -1.0, 1.0).double()


def _int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return symmetric int8 codes and their sizes per output channel."""
    flat = weight.flatten(1)
    size = flat.abs().amax(1).clamp_min(1e-30) / LARGEST_CODE
    return (weight / size.view(-1, *[1] * (weight.dim() - 1))).round(), size


def _fitted(
    codes: Tensor, size: Tensor, offset: Tensor, input_scale: float, output_scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (int8 weight, float32 scale, int32 bias).

    A channel that training has all but switched off has an offset of too many of its weights'
    units: its weights are expressed in larger units, and become what they are, next to nothing.
    """
    floor = torch.maximum(
        offset.abs() / (input_scale * BIAS_LIMIT * 0.999),
        torch.full_like(size, output_scale * TINY / input_scale),
    )
    fitted = torch.maximum(size, floor).float()
    rescaled = size / fitted.double()
    rescaled = torch.where(size >= floor, torch.ones_like(rescaled), rescaled)
    weight = (codes * rescaled.view(-1, *[1] * (codes.dim() - 1))).round()
    bias = (offset / (input_scale * fitted.double())).round()
    return (
        weight.to(torch.int8).numpy(),
        fitted.numpy().astype(np.float32),
        bias.clamp(-BIAS_LIMIT, BIAS_LIMIT).to(torch.int32).numpy(),
    )


def _settled(value: _Value) -> Int8Tensor:
    assert isinstance(value, Int8Tensor)
    return value


def _largest(scale: float, zero_point: int) -> float:
    return scale * (127 - zero_point)


def _like(tensor: Int8Tensor, name: str, shape: tuple[int, ...]) -> Int8Tensor:
    return Int8Tensor(name, shape, tensor.scale, tensor.zero_point, tensor.low, tensor.high)


def _side(side: int, size: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - size) // stride + 1
