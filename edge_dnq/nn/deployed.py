"""The arithmetic of the exported integer programs, in torch: what evaluation mode computes.

Folding is stated here once; the exporter lowers the very same folded layers. A tensor is carried as
integer codes with its zero point taken off, so a hidden activation runs from 0 to 2^bits - 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from edge_dnq.nn.layers import AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.quantisers import ExportedGrid, Grid, UnsignedGrid, float32

BIAS_LIMIT = 2**21
"""Largest folded bias in accumulator units: float32 carries it through a converter unharmed."""

EXACT_FLOAT32 = 2**24


class Folded(NamedTuple):
    """A layer in integers: accumulator = sum(code * weight) + bias, output = accumulator * scales.

    Attributes:
        weight: Integer weight codes (floating dtype), output channels first.
        weight_scale: Real size of one weight code per output channel, float32 [O].
        bias: Integers in accumulator units, int32 [O].
        grid: The grid of the output.
        units: Factor from the network's real values to the program's for the output.
    """

    weight: Tensor
    weight_scale: Tensor
    bias: Tensor
    grid: ExportedGrid
    units: float

    def multiplier(self, input_scale: float) -> Tensor:
        """Return the requantisation factors s_in * s_w / s_out, computed in float32 [O]."""
        scale = torch.tensor(input_scale, dtype=torch.float32, device=self.weight_scale.device)
        output = torch.tensor(self.grid.scale, dtype=torch.float32, device=scale.device)
        return scale * self.weight_scale / output


def _fold(
    codes: Tensor,
    code_scale: Tensor,
    offset: Tensor,
    grid: ExportedGrid,
    input_scale: float,
    input_units: float,
    units: float,
) -> Folded:
    """Express a layer ``code_scale * codes`` with additive ``offset`` in the units of a program."""
    weight_scale = (code_scale * (units / input_units)).float()
    bias = (offset * units / (input_scale * weight_scale.double())).round()
    return Folded(codes, weight_scale, bias.clamp(-BIAS_LIMIT, BIAS_LIMIT).int(), grid, units)


@torch.no_grad()
def fold_conv(
    layer: AnyPrecisionConv2d,
    program: str,
    target: Grid,
    addend_of: UnsignedGrid | None,
    input_scale: float,
    input_units: float,
) -> Folded:
    """Fold the batch norm of ``program`` into the weight scales and the bias.

    The output is expressed in the units of ``target`` or, for an addend, of the sum's grid.
    """
    units = (addend_of if addend_of is not None else target).units(program)
    gain, offset = layer.norm(program).as_affine()
    codes, scale = layer.codes(program)
    grid = target.exported(program, units)
    return _fold(codes, scale * gain, offset, grid, input_scale, input_units, units)


@torch.no_grad()
def fold_linear(
    layer: AnyPrecisionLinear, program: str, target: Grid, input_scale: float, input_units: float
) -> Folded:
    """Express the classifier in integers; its logits are in real units."""
    codes, scale = layer.codes(program)
    grid = target.exported(program, 1.0)
    return _fold(codes, scale, layer.bias.double(), grid, input_scale, input_units, 1.0)


def requantise(accumulator: Tensor, multiplier: Tensor, grid: ExportedGrid) -> Tensor:
    """Return output codes rint(float32(accumulator) * multiplier), clipped to ``grid``.

    Args:
        accumulator: Integers in a floating dtype that holds them exactly.
        multiplier: float32, broadcastable to ``accumulator``.
    """
    scaled = (accumulator.float() * multiplier).round()
    return scaled.clamp(grid.low - grid.zero_point, grid.high - grid.zero_point)


class Coded(NamedTuple):
    """A tensor of the deployed network: codes (zero point taken off), their scale and units."""

    codes: Tensor
    grid: ExportedGrid
    units: float


Tap = Callable[[str, str, Tensor], Tensor]
"""Called with (tensor name, kind of operation, codes); returns the codes to go on with."""


class DeployedOperations:
    """Exact integer arithmetic of one program.

    Convolutions accumulate in float32 where every partial sum provably fits its 24 bits, in float64
    otherwise, so the accumulator is an exact integer either way. Additions are float and round half
    to even; a stock runtime may round a tie of an addition the other way, by one level.

    Args:
        program: Name of the program.
        tap: Sees, and may replace, every tensor that an operation produces.
    """

    def __init__(self, program: str, tap: Tap | None = None) -> None:
        self.program = program
        self.tap = tap

    def encode(self, x: Tensor, scale: float) -> Coded:
        """Turn normalised frames [N, 3, S, S] into the int8 input codes of a program."""
        grid = ExportedGrid(float32(scale), 0, -128, 127)
        return Coded((x / grid.scale).round().clamp(-128, 127), grid, 1.0)

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: Coded,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> Coded:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        folded = fold_conv(layer, self.program, target, addend_of, x.grid.scale, x.units)
        dtype = _exact_dtype(x, folded.weight)
        sums = F.conv2d(
            x.codes.to(dtype),
            folded.weight.to(dtype),
            None,
            layer.stride,
            layer.padding,
            groups=layer.groups,
        )
        shape = (1, -1, 1, 1)
        accumulator = sums.double() + folded.bias.view(shape)
        codes = requantise(accumulator, folded.multiplier(x.grid.scale).view(shape), folded.grid)
        return self._produce(name, "conv", codes, folded.grid, folded.units)

    def linear(self, name: str, layer: AnyPrecisionLinear, x: Coded, target: Grid) -> Coded:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        folded = fold_linear(layer, self.program, target, x.grid.scale, x.units)
        accumulator = F.linear(x.codes.double(), folded.weight.double()) + folded.bias
        codes = requantise(accumulator, folded.multiplier(x.grid.scale), folded.grid)
        return self._produce(name, "linear", codes, folded.grid, folded.units)

    def add(self, name: str, x: Coded, y: Coded, target: Grid) -> Coded:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        units = target.units(self.program)
        grid = target.exported(self.program, units)
        total = x.codes.double() * x.grid.scale + y.codes.double() * y.grid.scale
        low, high = grid.low - grid.zero_point, grid.high - grid.zero_point
        codes = (total / grid.scale).round().clamp(low, high).float()
        return self._produce(name, "add", codes, grid, units)

    def max_pool(self, name: str, x: Coded, size: int, stride: int, padding: int) -> Coded:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        codes = F.max_pool2d(x.codes, size, stride, padding)
        return self._produce(name, "max_pool", codes, x.grid, x.units)

    def mean(self, name: str, x: Coded, target: UnsignedGrid) -> Coded:
        """See :class:`edge_dnq.nn.operations.Operations`."""
        grid = target.exported(self.program, x.units)
        average = x.codes.double().mean((2, 3)) * x.grid.scale
        codes = (average / grid.scale).round().clamp(0, grid.high - grid.zero_point).float()
        return self._produce(name, "mean", codes, grid, x.units)

    def _produce(
        self, name: str, kind: str, codes: Tensor, grid: ExportedGrid, units: float
    ) -> Coded:
        return Coded(self.tap(name, kind, codes) if self.tap else codes, grid, units)


def _exact_dtype(x: Coded, weight: Tensor) -> torch.dtype:
    """Return float32 where no partial sum can leave its exact range, float64 otherwise.

    On a GPU float32 convolutions may run in TF32, so there it is always float64.
    """
    largest_code = max(x.grid.high - x.grid.zero_point, x.grid.zero_point - x.grid.low)
    bound = float(weight.abs().flatten(1).sum(1).amax()) * largest_code
    return torch.float32 if bound < EXACT_FLOAT32 and not weight.is_cuda else torch.float64
