"""Any-precision residual networks (He et al. 2016) with a width multiplier."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.deployed import DeployedOperations, Tap
from edge_dnq.nn.layers import FULL_PRECISION, AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.operations import (
    CalibratingOperations,
    CountingOperations,
    FakeQuantOperations,
    Operations,
)
from edge_dnq.nn.quantisers import SignedGrid, UnsignedGrid

T = TypeVar("T")

STAGE_BLOCKS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
}
STAGE_CHANNELS = (64, 128, 256, 512)
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

    def activation(self) -> UnsignedGrid:
        """Make the grid of a hidden activation."""
        return UnsignedGrid(self.activation_bits)

    def addend(self) -> SignedGrid:
        """Make the 8-bit grid of a convolution output that will be added."""
        return SignedGrid(self.edge_bits)


class ResidualBlock(nn.Module):
    """A residual block: convolutions, a projection where the shape changes, and the sum.

    The sum's grid belongs to the chain of blocks that share it: an identity branch is the quantised
    activation itself, so input and output of such a block must be in the same units.
    """

    def __init__(self, layout: Layout, inputs: int, planes: int, outputs: int, stride: int) -> None:
        super().__init__()
        if outputs == planes:
            shapes = [(inputs, planes, 3, stride), (planes, outputs, 3, 1)]
        else:
            shapes = [
                (inputs, planes, 1, 1),
                (planes, planes, 3, stride),
                (planes, outputs, 1, 1),
            ]
        self.convs = nn.ModuleList(layout.conv(*shape) for shape in shapes)
        self.activations = nn.ModuleList(layout.activation() for _ in shapes[:-1])
        self.branch = layout.addend()
        self.projection: AnyPrecisionConv2d | None = None
        self.shortcut: SignedGrid | None = None
        if stride != 1 or inputs != outputs:
            self.projection = layout.conv(inputs, outputs, 1, stride)
            self.shortcut = layout.addend()

    def compute(self, ops: Operations[T], name: str, x: T, chain: UnsignedGrid) -> T:
        """Run the block under ``ops``; ``chain`` is the grid of the sum."""
        y = x
        *hidden, last = self.convs
        for index, (conv, grid) in enumerate(zip(hidden, self.activations, strict=True), 1):
            assert isinstance(conv, AnyPrecisionConv2d)
            assert isinstance(grid, UnsignedGrid)
            y = ops.conv(f"{name}.conv{index}", conv, y, grid)
        assert isinstance(last, AnyPrecisionConv2d)
        y = ops.conv(f"{name}.conv{len(self.convs)}", last, y, self.branch, chain)
        if self.projection is not None and self.shortcut is not None:
            x = ops.conv(f"{name}.projection", self.projection, x, self.shortcut, chain)
        return ops.add(f"{name}.sum", x, y, chain)


class AnyPrecisionResNet(nn.Module):
    """ResNet-18/34/50 that runs at several precisions from one set of weights.

    Args:
        config: Architecture, width, stem, input size and programs.
        classes: Number of logits.
        input_scale: Real size of one int8 input code (see ``ModelConfig.input_scale``).
    """

    def __init__(
        self, config: BackboneConfig, classes: int, input_scale: float = DEFAULT_INPUT_SCALE
    ) -> None:
        super().__init__()
        self.config = config
        self.input_scale = input_scale
        layout = Layout(config)
        widths = [max(8, round(c * config.width / 8) * 8) for c in STAGE_CHANNELS]
        expansion = 4 if config.architecture == "resnet50" else 1
        kernel = 7 if config.stem == "imagenet" else 3
        self.stem = AnyPrecisionConv2d(
            3, widths[0], kernel, 2, layout.edge_bits, config.full_precision
        )
        self.stages = nn.ModuleList()
        self.chains = nn.ModuleList(layout.activation() for _ in widths)
        channels = widths[0]
        for index, (width, count) in enumerate(
            zip(widths, STAGE_BLOCKS[config.architecture], strict=True)
        ):
            blocks = nn.ModuleList()
            for block in range(count):
                stride = 2 if index > 0 and block == 0 else 1
                blocks.append(ResidualBlock(layout, channels, width, width * expansion, stride))
                channels = width * expansion
            self.stages.append(blocks)
        # Where the first block's branch is an identity, the stem's output is part of its chain.
        first = self.stages[0][0]  # type: ignore[index]
        self.stem_grid = layout.activation() if first.projection is not None else None
        self.feature_grid = UnsignedGrid(layout.edge_bits)
        self.classifier = AnyPrecisionLinear(channels, classes, layout.edge_bits)
        self.logit_grid = SignedGrid(layout.edge_bits)

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
        chain = self.chains[0]
        assert isinstance(chain, UnsignedGrid)
        x = ops.conv("stem", self.stem, x, self.stem_grid or chain)
        if self.config.stem == "imagenet":
            x = ops.max_pool("stem.pool", x, 3, 2, 1)
        for index, (blocks, chain) in enumerate(zip(self.stages, self.chains, strict=True), 1):
            assert isinstance(blocks, nn.ModuleList)
            assert isinstance(chain, UnsignedGrid)
            for number, block in enumerate(blocks, 1):
                assert isinstance(block, ResidualBlock)
                x = block.compute(ops, f"stage{index}.block{number}", x, chain)
        x = ops.mean("feature", x, self.feature_grid)
        return ops.linear("logits", self.classifier, x, self.logit_grid)

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
    def from_full_precision(
        cls, teacher: AnyPrecisionResNet, config: BackboneConfig
    ) -> AnyPrecisionResNet:
        """Return a network of ``config`` that starts from the teacher's weights and batch norms.

        Clip values start at their defaults: call :meth:`calibrate` for each program next.
        """
        student = cls(config, teacher.classifier.weight.shape[0], teacher.input_scale)
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
