"""Nested weight codes and learned activation grids: the numbers contract, in torch.

A *grid* says which values a tensor may take. Every grid holds one clip value per program, because
each precision sees other statistics. Weights have one master code per value; lower precisions drop
its least significant bits and take the centre of the bin that is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

RELU6_LIMIT = 6.0
"""Hidden tensors are exported in units in which their clip value is 6, so that RELU6 clips them."""

WEIGHT_CLIP_DEVIATIONS = 2.5
"""Master codes span this many standard deviations of a channel's weights: between the best range of
a 2-bit (2.0) and of an 8-bit (4.0) uniform quantiser of a normal variable."""

MIN_CLIP = 1e-3


class ExportedGrid(NamedTuple):
    """A grid as a program stores it: real = (int8 - zero_point) * scale, low <= int8 <= high."""

    scale: float
    zero_point: int
    low: int
    high: int


def float32(value: float) -> float:
    """Round ``value`` to the nearest float32, which is what a program can store."""
    return float(torch.tensor(value, dtype=torch.float32))


def nested_codes(master: Tensor, bits: int) -> Tensor:
    """Return the weight codes of ``bits`` that the 8-bit ``master`` codes contain.

    Args:
        master: Integers in [-128, 127] (any dtype that holds them, floating ones included).
        bits: 8 gives [-127, 127]; 4 the odd numbers in [-15, 15]; 2 the odd numbers in [-3, 3].
    """
    if bits == 8:
        return master.clamp(min=-127)
    drop = 2 ** (8 - bits)
    return 2 * torch.div(master, drop, rounding_mode="floor") + 1


def nested_step(bits: int) -> int:
    """Return the real size of one code of ``bits``, in units of the master code: 1, 8, 32."""
    return 1 if bits == 8 else 2 ** (8 - bits) // 2


def master_scale(weight: Tensor) -> Tensor:
    """Return the real size of one master code per output channel, float32 [O].

    Args:
        weight: Float weights with output channels first.
    """
    flat = weight.detach().flatten(1)
    deviation = flat.square().mean(1).sqrt().clamp_min(1e-8)
    return deviation * (WEIGHT_CLIP_DEVIATIONS / 127)


def master_codes(weight: Tensor) -> Tensor:
    """Return the 8-bit master codes of ``weight`` as floating-point integers in [-128, 127]."""
    scale = master_scale(weight).view(-1, *[1] * (weight.dim() - 1))
    return (weight / scale).round().clamp(-128, 127)


def fake_quantised_weight(weight: Tensor, bits: int) -> Tensor:
    """Return the real weights of one precision; the gradient passes straight through."""
    scale = master_scale(weight).view(-1, *[1] * (weight.dim() - 1)) * nested_step(bits)
    with torch.no_grad():
        shift = nested_codes(master_codes(weight), bits) * scale - weight
    return weight + shift


class _ClipQuantise(torch.autograd.Function):
    """Uniform quantisation with a learned step (LSQ, Esser et al. 2020, equations 1 to 3)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, clip: Tensor, low: int, high: int) -> Tensor:
        step = clip / high
        scaled = x / step
        ctx.save_for_backward(scaled)
        ctx.low, ctx.high = low, high
        return scaled.round().clamp_(low, high).mul_(step)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (gradient,) = gradients
        (scaled,) = ctx.saved_tensors
        clipped = scaled.clamp(ctx.low, ctx.high)
        inside = clipped == scaled
        error = torch.where(inside, scaled.round() - scaled, clipped)
        # LSQ's gradient scale keeps the clip's update in proportion to the weights' updates.
        weight = 1.0 / (ctx.high * math.sqrt(scaled.numel() / scaled.shape[0] * ctx.high))
        return gradient * inside, (gradient * error).sum() * weight, None, None


class Grid(nn.Module):
    """A learned uniform grid per program; base of the signed and the unsigned one."""

    signed: bool

    def __init__(self, bits: Mapping[str, int]) -> None:
        super().__init__()
        self.bits = dict(bits)
        self.clips = nn.ParameterDict({name: nn.Parameter(torch.tensor(3.0)) for name in self.bits})

    def clip(self, program: str) -> Tensor:
        """Return the positive clip value of ``program``, a scalar."""
        value: Tensor = self.clips[program]
        return value.abs().clamp_min(MIN_CLIP)

    def clip_value(self, program: str) -> float:
        """Return the clip value of ``program`` as a number."""
        return float(self.clip(program).detach())

    def code_range(self, program: str) -> tuple[int, int]:
        """Return the lowest and the highest code (zero point taken off)."""
        if self.signed:
            return -128, 127
        return 0, 2 ** self.bits[program] - 1

    def forward(self, x: Tensor, program: str | None) -> Tensor:
        """Put ``x`` on the grid of ``program``; without one apply the unquantised equivalent."""
        if program is None:
            return x if self.signed else x.relu()
        low, high = self.code_range(program)
        result: Tensor = _ClipQuantise.apply(x, self.clip(program), low, high)  # type: ignore[no-untyped-call]
        return result

    def units(self, program: str) -> float:
        """Return the factor from real values to those of an int8 program."""
        return 1.0

    def exported(self, program: str, units: float) -> ExportedGrid:
        """Return the grid in an int8 program whose tensor is the real one times ``units``."""
        low, high = self.code_range(program)
        zero_point = 0 if self.signed else -128
        scale = float32(self.clip_value(program) * units / high)
        return ExportedGrid(scale, zero_point, low + zero_point, high + zero_point)

    @torch.no_grad()
    def calibrate(self, x: Tensor, program: str) -> None:
        """Set the clip value of ``program`` to the one of least squared error on ``x``."""
        low, high = self.code_range(program)
        sample = x.detach().flatten()
        sample = sample[:: max(1, sample.numel() // 65536)]
        largest = float(sample.abs().amax() if self.signed else sample.amax().clamp_min(0))
        if largest <= MIN_CLIP:
            largest = 1.0
        # Zeros and negatives are exact on an unsigned grid for every clip: they do not vote.
        if not self.signed:
            sample = sample.clamp_min(0)
        candidates = torch.linspace(0.1, 1.0, 46, device=x.device) * largest
        errors = []
        for candidate in candidates:
            step = candidate / high
            errors.append(((sample / step).round().clamp(low, high) * step - sample).square().sum())
        self.clips[program].data.fill_(float(candidates[int(torch.stack(errors).argmin())]))


class UnsignedGrid(Grid):
    """Codes 0 .. 2^bits - 1 with code 0 at real zero (PACT, Choi et al. 2018).

    The clip value alpha is learned; the grid is the activation function.
    """

    signed = False

    def units(self, program: str) -> float:
        """Return the factor that turns this tensor's real values into units with clip 6."""
        return RELU6_LIMIT / self.clip_value(program)


class SignedGrid(Grid):
    """Symmetric 8-bit codes -128 .. 127: convolution outputs before a residual add, and logits."""

    signed = True
