"""Any-precision EfficientNet-Lite (Tan & Le 2019; the Lite variants have no squeeze-and-excite).

Pointwise convolutions have the program's bits. What is thin or linear stays at 8: the stem, the
depthwise filters and their inputs, the bottlenecks between blocks, the features and the classifier.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from torch import nn

from edge_dnq.nn.backbone import DEFAULT_INPUT_SCALE, AnyPrecisionBackbone, Layout
from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.layers import AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.operations import Operations
from edge_dnq.nn.quantisers import SignedGrid, UnsignedGrid

T = TypeVar("T")


class StageShape(NamedTuple):
    """Blocks of one shape: the first has the stride, the others are residual."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


STAGES = (
    StageShape(1, 16, 1, 1, 3),
    StageShape(6, 24, 2, 2, 3),
    StageShape(6, 40, 2, 2, 5),
    StageShape(6, 80, 3, 2, 3),
    StageShape(6, 112, 3, 1, 5),
    StageShape(6, 192, 4, 2, 5),
    StageShape(6, 320, 1, 1, 3),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280


class InvertedBottleneck(nn.Module):
    """Expansion, depthwise filter, linear projection, and the sum where the shape stays."""

    def __init__(self, layout: Layout, inputs: int, outputs: int, shape: StageShape, stride: int):
        super().__init__()
        channels = inputs * shape.expansion
        self.expand: AnyPrecisionConv2d | None = None
        self.expand_grid: UnsignedGrid | None = None
        if shape.expansion > 1:
            self.expand = layout.conv(inputs, channels, 1)
            self.expand_grid = UnsignedGrid(layout.edge_bits)
        self.filter = layout.edge_conv(channels, channels, shape.kernel, stride, groups=channels)
        self.filter_grid = layout.activation()
        self.project = layout.conv(channels, outputs, 1)
        self.project_grid = layout.addend()
        self.sum_grid = layout.addend() if stride == 1 and inputs == outputs else None

    def compute(self, ops: Operations[T], name: str, x: T) -> T:
        """Run the block under ``ops``."""
        y = x
        if self.expand is not None and self.expand_grid is not None:
            y = ops.conv(f"{name}.expand", self.expand, y, self.expand_grid)
        y = ops.conv(f"{name}.filter", self.filter, y, self.filter_grid)
        y = ops.conv(f"{name}.project", self.project, y, self.project_grid)
        return y if self.sum_grid is None else ops.add(f"{name}.sum", x, y, self.sum_grid)


class AnyPrecisionEfficientNet(AnyPrecisionBackbone):
    """EfficientNet-Lite0 with a width multiplier."""

    def __init__(
        self, config: BackboneConfig, classes: int, input_scale: float = DEFAULT_INPUT_SCALE
    ) -> None:
        super().__init__(config, classes, input_scale)
        layout = Layout(config)

        def width(channels: int) -> int:
            return max(8, round(channels * config.width / 8) * 8)

        channels = width(STEM_CHANNELS)
        self.stem = layout.edge_conv(3, channels, 3, 2)
        self.stem_grid = UnsignedGrid(layout.edge_bits)
        self.blocks = nn.ModuleList()
        for shape in STAGES:
            for index in range(shape.blocks):
                stride = shape.stride if index == 0 else 1
                outputs = width(shape.channels)
                self.blocks.append(InvertedBottleneck(layout, channels, outputs, shape, stride))
                channels = outputs
        self.head = layout.conv(channels, width(HEAD_CHANNELS), 1)
        self.head_grid = UnsignedGrid(layout.edge_bits)
        self.feature_grid = UnsignedGrid(layout.edge_bits)
        self.classifier = AnyPrecisionLinear(width(HEAD_CHANNELS), classes, layout.edge_bits)
        self.logit_grid: SignedGrid = layout.addend()
        self._keep_lowest_bits()

    def compute(self, ops: Operations[T], x: T) -> T:
        """State the network's topology to ``ops`` and return the logits."""
        x = ops.conv("stem", self.stem, x, self.stem_grid)
        for number, block in enumerate(self.blocks, 1):
            assert isinstance(block, InvertedBottleneck)
            x = block.compute(ops, f"block{number}", x)
        x = ops.conv("head", self.head, x, self.head_grid)
        x = ops.mean("feature", x, self.feature_grid)
        return ops.linear("logits", self.classifier, x, self.logit_grid)
