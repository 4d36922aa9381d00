"""Convolution and classifier layers that hold one set of weights for every precision."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_dnq.nn.quantisers import (
    fake_quantised_weight,
    master_codes,
    master_scale,
    nested_codes,
    nested_step,
)

FULL_PRECISION = "full_precision"
"""Key of the batch norm that belongs to the unquantised mode."""

MIN_GAIN = 0.02


class PositiveBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose gain is positive.

    The precisions share one set of weight codes. A negative gain in one of them would turn the
    signs of its codes and break the nesting; the weights can carry a sign themselves. The floor
    keeps the folded bias (bias / gain, in accumulator units) within range.
    """

    def gain(self) -> Tensor:
        """Return the positive gain gamma, float [C]."""
        return self.weight.abs() + MIN_GAIN

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [N, C, H, W] by batch statistics in training, by running ones otherwise."""
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.gain(),
            self.bias,
            self.training,
            self.momentum if self.momentum is not None else 0.1,
            self.eps,
        )

    @torch.no_grad()
    def set_statistics(self, x: Tensor) -> None:
        """Replace the running statistics by those of ``x`` [N, C, H, W]."""
        assert self.running_mean is not None
        assert self.running_var is not None
        self.running_mean.copy_(x.mean((0, 2, 3)))
        self.running_var.copy_(x.var((0, 2, 3), unbiased=True))

    def as_affine(self) -> tuple[Tensor, Tensor]:
        """Return (multiplier, offset), float64 [C]: the layer as y = x * multiplier + offset."""
        assert self.running_mean is not None
        assert self.running_var is not None
        deviation = (self.running_var.double() + self.eps).sqrt()
        multiplier = self.gain().double() / deviation
        return multiplier, self.bias.double() - self.running_mean.double() * multiplier


class NestedWeight(nn.Module):
    """Base of layers with nested weights.

    Attributes:
        weight: Float master weights, output channels first.
        weight_bits: Bits kept, per program.
    """

    def __init__(self, shape: tuple[int, ...], weight_bits: dict[str, int]) -> None:
        super().__init__()
        fan_out = shape[0] * math.prod(shape[2:])
        self.weight = nn.Parameter(torch.randn(shape) * math.sqrt(2.0 / fan_out))
        self.weight_bits = dict(weight_bits)

    def real_weight(self, program: str | None) -> Tensor:
        """Return the float weights of ``program`` (None: the unquantised ones)."""
        if program is None:
            return self.weight
        return fake_quantised_weight(self.weight, self.weight_bits[program])

    @torch.no_grad()
    def codes(self, program: str) -> tuple[Tensor, Tensor]:
        """Return (weight codes as floating-point integers, real size of one code, float64 [O])."""
        bits = self.weight_bits[program]
        scale = master_scale(self.weight).double() * nested_step(bits)
        return nested_codes(master_codes(self.weight), bits), scale


class AnyPrecisionConv2d(NestedWeight):
    """Square convolution without bias, followed by one batch norm per program.

    Args:
        inputs, outputs: Channels.
        kernel: Side of the kernel; padding is ``kernel // 2`` on every side.
        stride: 1 or 2.
        weight_bits: Bits kept of each weight, per program.
        full_precision: Whether there is an unquantised mode with its own batch norm.
        groups: 1, or the number of channels for a depthwise convolution.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        weight_bits: dict[str, int],
        full_precision: bool,
        groups: int = 1,
    ) -> None:
        super().__init__((outputs, inputs // groups, kernel, kernel), weight_bits)
        if groups > 1:
            with torch.no_grad():
                self.weight.mul_(math.sqrt(groups))  # fan-out counts one group's outputs
        self.groups = groups
        self.kernel = kernel
        self.stride = stride
        self.padding = kernel // 2
        names: Iterable[str] = [*weight_bits, *([FULL_PRECISION] if full_precision else [])]
        self.norms = nn.ModuleDict({name: PositiveBatchNorm2d(outputs) for name in names})

    def norm(self, program: str | None) -> PositiveBatchNorm2d:
        """Return the batch norm of ``program``."""
        module = self.norms[program or FULL_PRECISION]
        assert isinstance(module, PositiveBatchNorm2d)
        return module

    def forward(self, x: Tensor, program: str | None) -> Tensor:
        """Return the normalised convolution [N, O, H', W'], before any activation."""
        normalised: Tensor = self.norm(program)(self.convolve(x, program))
        return normalised

    def convolve(self, x: Tensor, program: str | None) -> Tensor:
        """Return the bare convolution with the weights of ``program``."""
        weight = self.real_weight(program)
        return F.conv2d(x, weight, None, self.stride, self.padding, groups=self.groups)


class AnyPrecisionLinear(NestedWeight):
    """Fully connected layer whose weights and bias all programs share."""

    def __init__(self, inputs: int, outputs: int, weight_bits: dict[str, int]) -> None:
        super().__init__((outputs, inputs), weight_bits)
        with torch.no_grad():
            self.weight.mul_(0.5 * math.sqrt(outputs / inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, program: str | None) -> Tensor:
        """Map [N, I] to [N, O]."""
        return F.linear(x, self.real_weight(program), self.bias)
