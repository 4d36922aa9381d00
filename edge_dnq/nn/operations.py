"""One description of a network, several ways to run it.

A backbone states its topology once, in terms of :class:`Operations`. Training, calibration, the
exact deployed arithmetic, counting and the lowering to integer programs are interpretations of that
one description, so they cannot drift apart.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from edge_dnq.nn.layers import AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.quantisers import Grid, UnsignedGrid

T = TypeVar("T")


class Operations(Protocol[T]):
    """What a backbone may be built from; ``T`` stands for a tensor of the interpretation.

    ``name`` is the name of the tensor that the operation produces. ``target`` is the grid that the
    result is put on. A convolution whose result will be added to a residual branch is told the grid
    of that sum (``addend_of``), because both addends must be expressed in its units.
    """

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: T,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> T:
        """Convolve, normalise and quantise."""
        ...

    def add(self, name: str, x: T, y: T, target: Grid) -> T:
        """Add two tensors of one shape, clip to the range of ``target``, and quantise."""
        ...

    def max_pool(self, name: str, x: T, size: int, stride: int, padding: int) -> T:
        """Take the maximum over square windows; the grid stays."""
        ...

    def mean(self, name: str, x: T, target: UnsignedGrid) -> T:
        """Average over height and width, and quantise."""
        ...

    def linear(self, name: str, layer: AnyPrecisionLinear, x: T, target: Grid) -> T:
        """Apply the classifier and quantise the logits."""
        ...


class FakeQuantOperations:
    """Float arithmetic on quantised values, differentiable; ``program`` None means no grids."""

    def __init__(self, program: str | None) -> None:
        self.program = program

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: Tensor,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> Tensor:
        """See :class:`Operations`."""
        return self.quantise(layer(x, self.program), target)

    def add(self, name: str, x: Tensor, y: Tensor, target: Grid) -> Tensor:
        """See :class:`Operations`."""
        return self.quantise(x + y, target)

    def max_pool(self, name: str, x: Tensor, size: int, stride: int, padding: int) -> Tensor:
        """See :class:`Operations`."""
        return F.max_pool2d(x, size, stride, padding)

    def mean(self, name: str, x: Tensor, target: UnsignedGrid) -> Tensor:
        """See :class:`Operations`."""
        return self.quantise(x.mean((2, 3)), target)

    def linear(self, name: str, layer: AnyPrecisionLinear, x: Tensor, target: Grid) -> Tensor:
        """See :class:`Operations`."""
        logits: Tensor = layer(x, self.program)
        return self.quantise(logits, target)

    def quantise(self, x: Tensor, target: Grid) -> Tensor:
        """Put ``x`` on ``target``."""
        result: Tensor = target(x, self.program)
        return result


class CalibratingOperations(FakeQuantOperations):
    """Sets batch-norm statistics and clip values layer by layer from one batch."""

    program: str

    def __init__(self, program: str) -> None:
        super().__init__(program)

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: Tensor,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> Tensor:
        """See :class:`Operations`."""
        layer.norm(self.program).set_statistics(layer.convolve(x, self.program))
        return super().conv(name, layer, x, target, addend_of)

    def quantise(self, x: Tensor, target: Grid) -> Tensor:
        """Calibrate ``target`` on ``x``, then put ``x`` on it."""
        target.calibrate(x, self.program)
        return super().quantise(x, target)


class CountingOperations:
    """Counts multiply-accumulates; a tensor is its shape (channels, height, width)."""

    def __init__(self) -> None:
        self.macs = 0

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: torch.Size,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> torch.Size:
        """See :class:`Operations`."""
        height, width = ((side - 1) // layer.stride + 1 for side in x[1:])
        self.macs += layer.weight.numel() * height * width
        return torch.Size((layer.weight.shape[0], height, width))

    def add(self, name: str, x: torch.Size, y: torch.Size, target: Grid) -> torch.Size:
        """See :class:`Operations`."""
        return x

    def max_pool(
        self, name: str, x: torch.Size, size: int, stride: int, padding: int
    ) -> torch.Size:
        """See :class:`Operations`."""
        return torch.Size((x[0], *((side + 2 * padding - size) // stride + 1 for side in x[1:])))

    def mean(self, name: str, x: torch.Size, target: UnsignedGrid) -> torch.Size:
        """See :class:`Operations`."""
        return torch.Size((x[0],))

    def linear(
        self, name: str, layer: AnyPrecisionLinear, x: torch.Size, target: Grid
    ) -> torch.Size:
        """See :class:`Operations`."""
        self.macs += layer.weight.numel()
        return torch.Size((layer.weight.shape[0],))
