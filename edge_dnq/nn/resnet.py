"""Any-precision residual networks (He et al. 2016) with a width multiplier."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from edge_dnq.nn.backbone import DEFAULT_INPUT_SCALE, AnyPrecisionBackbone, Layout
from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.layers import AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.operations import Operations
from edge_dnq.nn.quantisers import SignedGrid, UnsignedGrid

T = TypeVar("T")

STAGE_BLOCKS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
}
STAGE_CHANNELS = (64, 128, 256, 512)


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


class AnyPrecisionResNet(AnyPrecisionBackbone):
    """ResNet-18/34/50."""

    def __init__(
        self, config: BackboneConfig, classes: int, input_scale: float = DEFAULT_INPUT_SCALE
    ) -> None:
        super().__init__(config, classes, input_scale)
        layout = Layout(config)
        widths = [max(8, round(c * config.width / 8) * 8) for c in STAGE_CHANNELS]
        expansion = 4 if config.architecture == "resnet50" else 1
        kernel = 7 if config.stem == "imagenet" else 3
        self.stem = layout.edge_conv(3, widths[0], kernel, 2)
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
        self._keep_lowest_bits()

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
