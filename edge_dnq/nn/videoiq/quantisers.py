"""The quantisers of the original code: DoReFa weights truncated from a parent, PACT activations.

Weights are frozen, so everything here is computed once, in float64: a weight next to the border of
a bin falls into the same bin on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from edge_dnq.errors import CheckpointError

FLOAT_BITS = 32
"""From this width on rounding is below what a float32 resolves."""


class TruncatedWeight(NamedTuple):
    """The weights of one precision: real = 2 * step * code - 1.

    The grid is affine with its zero point halfway between two codes. The odd integers
    ``2 * code - (2^bits - 1)`` at half the scale represent it symmetrically, up to a constant that
    all weights of the layer share.

    Attributes:
        codes: Integers 0 .. 2^bits - 1, float64.
        bits: Width.
        step: Half the distance of neighbouring weights.
    """

    codes: Tensor
    bits: int
    step: float

    @property
    def top(self) -> int:
        """The largest code, and the largest odd integer."""
        return (1 << self.bits) - 1

    @property
    def real(self) -> Tensor:
        """The weights as the network uses them, float64."""
        return 2 * self.step * self.codes - 1

    @property
    def odd(self) -> Tensor:
        """Odd integers -(2^bits - 1) .. 2^bits - 1, float64."""
        return 2 * self.codes - self.top

    @property
    def constant(self) -> float:
        """What is left: real = step * odd + constant."""
        return self.top * self.step - 1


def truncate(weight: Tensor, bits: int, parent_bits: int, name: str) -> TruncatedWeight:
    """Return ``weight`` with the least significant bits of its parent's codes dropped.

    The parent's codes are DoReFa's (Zhou et al. 2016): tanh, normalised by the tensor's largest, in
    ``2^parent_bits - 1`` steps. What truncation takes from the mean is given back by a factor; it
    is 1 where nothing is dropped.

    Args:
        weight: Float master weights.
        bits: Width to keep.
        parent_bits: Width of the parent, at least ``bits``.
        name: The tensor's name, for the message.

    Raises:
        CheckpointError: all weights are zero, or fall into the lowest bin.
    """
    squashed = torch.tanh(weight.double())
    largest = squashed.abs().max()
    top, dropped = 2**parent_bits - 1, 2 ** (parent_bits - bits)
    if float(largest) == 0.0:
        raise CheckpointError(f"all weights of {name} are zero: they have no quantised form")
    parent = torch.round(top * (squashed / (2 * largest) + 0.5))
    codes = torch.floor(parent / dropped)
    kept_mean = float((codes * dropped).mean())
    if kept_mean == 0.0:
        raise CheckpointError(f"no weight of {name} is left after truncation to {bits} bits")
    factor = float(parent.mean()) / kept_mean if bits < parent_bits else 1.0
    return TruncatedWeight(codes, bits, factor * dropped / top)


def clip_and_round(x: Tensor, alpha: float, bits: int) -> Tensor:
    """Return ``x`` clipped to [0, alpha] on 2^bits levels (PACT, Choi et al. 2018)."""
    clipped = x.clamp(0, alpha)
    if bits >= FLOAT_BITS:
        return clipped
    levels = (1 << bits) - 1
    return (clipped * (levels / alpha)).round() * (alpha / levels)
