"""What all any-precision recognition networks share."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.deployed import DeployedOperations, Tap
from edge_dnq.nn.layers import (
    FULL_PRECISION,
    AnyPrecisionConv2d,
    AnyPrecisionLinear,
    NestedWeight,
)
from edge_dnq.nn.operations import (
    CalibratingOperations,
    CountingOperations,
    FakeQuantOperations,
    Operations,
)
from edge_dnq.nn.quantisers import Grid, SignedGrid, UnsignedGrid

T = TypeVar("T")
Self = TypeVar("Self", bound="AnyPrecisionBackbone")

DEFAULT_INPUT_SCALE = 1 / 128


class Layout:
    """What the layers of one backbone share: bits per program, and which modes there are."""

    def __init__(self, config: BackboneConfig) -> None:
        self.body_bits: dict[str, int] = {p.name: p.weight_bits for p in config.programs}
        self.edge_bits: dict[str, int] = dict.fromkeys(self.body_bits, 8)
        self.activation_bits: dict[str, int] = {p.name: p.activation_bits for p in config.programs}
        self.full_precision = config.full_precision

    def conv(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> AnyPrecisionConv2d:
        """Make a convolution of the body."""
        return AnyPrecisionConv2d(
            inputs, outputs, kernel, stride, self.body_bits, self.full_precision
        )

    def edge_conv(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> AnyPrecisionConv2d:
        """Make a convolution that has 8-bit weights in every program."""
        return AnyPrecisionConv2d(
            inputs, outputs, kernel, stride, self.edge_bits, self.full_precision, groups
        )

    def activation(self) -> UnsignedGrid:
        """Make the grid of a hidden activation."""
        return UnsignedGrid(self.activation_bits)

    def addend(self) -> SignedGrid:
        """Make the 8-bit grid of a convolution output that will be added."""
        return SignedGrid(self.edge_bits)


class AnyPrecisionBackbone(nn.Module):
    """A recognition network that runs at several precisions from one set of weights.

    A subclass builds its layers and states its topology in :meth:`compute`; everything else follows
    from that.

    Args:
        config: Architecture, width, stem, input size and programs.
        classes: Number of logits.
        input_scale: Real size of one int8 input code (see ``ModelConfig.input_scale``).
    """

    classifier: AnyPrecisionLinear

    def __init__(
        self, config: BackboneConfig, classes: int, input_scale: float = DEFAULT_INPUT_SCALE
    ) -> None:
        super().__init__()
        self.config = config
        self.classes = classes
        self.input_scale = input_scale

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, most precise first."""
        return tuple(program.name for program in self.config.programs)

    def resolution(self, program: str | None) -> int:
        """Return the side of the square input of ``program`` in pixels."""
        for candidate in self.config.programs:
            if candidate.name == program and candidate.resolution is not None:
                return candidate.resolution
        return self.config.input_size

    def compute(self, ops: Operations[T], x: T) -> T:
        """State the network's topology to ``ops`` and return the logits."""
        raise NotImplementedError

    def _keep_lowest_bits(self) -> None:
        """Raise layers and grids to ``config.lowest_bits``; called when all are made.

        Raises:
            CheckpointError: a name is not that of a layer or of a grid.
        """
        modules = dict(self.named_modules())
        for name, lowest in self.config.lowest_bits.items():
            module = modules.get(name)
            if isinstance(module, NestedWeight):
                module.weight_bits = raised(module.weight_bits, lowest)
            elif isinstance(module, Grid):
                module.bits = raised(module.bits, lowest)
            else:
                raise CheckpointError(
                    f"lowest_bits names {name!r}, which is neither a layer nor a grid of "
                    f"{self.config.architecture}"
                )

    def forward(self, x: Tensor, program: str | None) -> Tensor:
        """Return logits [N, K] of normalised frames [N, 3, S, S].

        Training mode is fake-quantised float with batch statistics; evaluation mode computes the
        integers of the exported program. ``program`` None is the unquantised network.

        Raises:
            KeyError: ``program`` is not one of :attr:`programs`, or None without
                ``config.full_precision``.
        """
        self._require(program)
        if program is not None and not self.training:
            return self.deployed(x, program)
        return self.compute(FakeQuantOperations(program), x)

    @torch.no_grad()
    def deployed(self, x: Tensor, program: str, tap: Tap | None = None) -> Tensor:
        """Return the logits [N, K] that the exported program of ``program`` gives.

        Args:
            x: Normalised frames, float32 [N, 3, S, S].
            program: Name of the program.
            tap: Sees and may replace the codes of every tensor (for verification).
        """
        ops = DeployedOperations(program, tap)
        logits = self.compute(ops, ops.encode(x, self.input_scale))
        return logits.codes * logits.grid.scale

    @torch.no_grad()
    def calibrate(self, x: Tensor, program: str) -> None:
        """Set the batch norms and clip values of ``program`` from frames [N, 3, S, S]."""
        self._require(program)
        self.compute(CalibratingOperations(program), x)

    def macs(self, program: str) -> int:
        """Return the multiply-accumulates of one frame."""
        side = self.resolution(program)
        ops = CountingOperations()
        self.compute(ops, torch.Size((3, side, side)))
        return ops.macs

    @classmethod
    def from_full_precision(cls: type[Self], teacher: Self, config: BackboneConfig) -> Self:
        """Return a network of ``config`` that starts from the teacher's weights and batch norms.

        Clip values start at their defaults: call :meth:`calibrate` for each program next.
        """
        student = type(teacher)(config, teacher.classes, teacher.input_scale)
        known = teacher.state_dict()
        state = student.state_dict()
        for key in state:
            source = key
            for name in student.programs:
                source = source.replace(f".norms.{name}.", f".norms.{FULL_PRECISION}.")
            if source in known and known[source].shape == state[key].shape:
                state[key] = known[source]
        student.load_state_dict(state)
        return student

    def _require(self, program: str | None) -> None:
        if program is None and not self.config.full_precision:
            raise KeyError("this network has no full-precision mode")
        if program is not None and program not in self.programs:
            raise KeyError(f"no program {program!r}; this network has {', '.join(self.programs)}")


def raised(bits: dict[str, int], lowest: int) -> dict[str, int]:
    """Return the bits of every program, at least ``lowest``."""
    return {program: max(own, lowest) for program, own in bits.items()}
