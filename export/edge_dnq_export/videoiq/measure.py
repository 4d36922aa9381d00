"""What the float network shows on frames: ranges of its tensors, weight of its constants."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from edge_dnq.nn.videoiq.network import Backbone, ConvLayer, FloatOperations, Rectifier


@dataclass
class SumStatistics:
    """Of one layer: the inputs that each window holds, and the convolution's own spread.

    Attributes:
        count: Windows seen.
        total: Sum of their sums.
        squares: Sum of the squares of their sums.
        energy: Sum of the sums of their inputs' squares.
        spread: Sum over batches of the convolution's mean variance per channel.
        batches: Batches seen.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    energy: float = 0.0
    spread: float = 0.0
    batches: int = 0

    @property
    def mean(self) -> float:
        """Mean sum of a window's inputs."""
        return self.total / max(self.count, 1)

    def share(self, constant: float, noise: float = 0.0) -> float:
        """Return the error that wrong weights make, in deviations of the layer's output.

        Args:
            constant: What every weight is wrong by; the mean of its effect is no loss, because a
                bias takes it.
            noise: Deviation of what single weights are wrong by beyond that.
        """
        windows = max(self.count, 1)
        variance = max(self.squares / windows - self.mean**2, 0.0)
        error = constant**2 * variance + noise**2 * self.energy / windows
        deviation = math.sqrt(self.spread / max(self.batches, 1))
        return math.sqrt(error) / max(deviation, 1e-30)


@dataclass
class Measurement:
    """What was seen.

    Attributes:
        largest: Largest magnitude of every tensor, by name.
        sums: Statistics of every convolution with truncated weights, by name.
    """

    largest: dict[str, float] = field(default_factory=dict)
    sums: dict[str, SumStatistics] = field(default_factory=dict)


class _MeasuringOperations(FloatOperations):
    def __init__(self) -> None:
        self.seen = Measurement()

    def conv(self, name: str, layer: ConvLayer, x: Tensor, target: Rectifier | None) -> Tensor:
        if layer.truncated is not None:
            self._sums(name, layer, x)
        return self._record(name, super().conv(name, layer, x, target))

    def add(self, name: str, identity: Tensor, branch: Tensor, target: Rectifier) -> Tensor:
        return self._record(name, super().add(name, identity, branch, target))

    def mean(self, name: str, x: Tensor) -> Tensor:
        return self._record(name, super().mean(name, x))

    def linear(self, name: str, weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
        return self._record(name, super().linear(name, weight, bias, x))

    def _record(self, name: str, x: Tensor) -> Tensor:
        known = self.seen.largest.get(name, 0.0)
        self.seen.largest[name] = max(known, float(x.abs().max()))
        return x

    def _sums(self, name: str, layer: ConvLayer, x: Tensor) -> None:
        ones = x.new_ones(1, 1, *layer.weight.shape[2:])
        sums = F.conv2d(x.sum(1, keepdim=True), ones, None, layer.stride, layer.padding).double()
        y = F.conv2d(x, layer.weight.to(x), None, layer.stride, layer.padding)
        entry = self.seen.sums.setdefault(name, SumStatistics())
        entry.count += sums.numel()
        entry.total += float(sums.sum())
        entry.squares += float(sums.square().sum())
        squares = x.square().sum(1, keepdim=True)
        entry.energy += float(F.conv2d(squares, ones, None, layer.stride, layer.padding).sum())
        entry.spread += float(y.var((0, 2, 3), unbiased=False).mean())
        entry.batches += 1


@torch.no_grad()
def measure(backbone: Backbone, batches: Iterable[Tensor]) -> Measurement:
    """Run the float network over batches of normalised frames [N, 3, S, S]."""
    ops = _MeasuringOperations()
    for batch in batches:
        backbone.compute(ops, batch)
    return ops.seen
