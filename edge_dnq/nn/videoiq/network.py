"""The imported recognition network: one topology, stated to whatever interprets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from edge_dnq.nn.videoiq.layout import FLOAT_BITS, BlockShape, Layout
from edge_dnq.nn.videoiq.quantisers import TruncatedWeight, clip_and_round, truncate

T = TypeVar("T")
EPSILON = 1e-5
"""Of every batch norm; torch's default, which the files do not carry."""

POOL = (3, 2, 1)
"""Size, stride and padding of the stem's max-pool."""


@dataclass(frozen=True)
class Rectifier:
    """What a tensor passes on its way into the next layer.

    Attributes:
        alpha: Clip value, or None for a plain rectifier.
        bits: Width of the grid; 32 is none.
    """

    alpha: float | None = None
    bits: int = FLOAT_BITS

    def __call__(self, x: Tensor) -> Tensor:
        """Return the rectified, clipped, rounded tensor."""
        return x.relu() if self.alpha is None else clip_and_round(x, self.alpha, self.bits)


@dataclass(frozen=True)
class ConvLayer:
    """A convolution and its batch norm as y = convolution * gain + offset.

    Attributes:
        weight: Real weights, float64 [O, I, K, K].
        gain: float64 [O].
        offset: float64 [O].
        stride: 1 or 2; padding is half the kernel.
        truncated: The integers behind ``weight`` where it has few bits.
    """

    weight: Tensor
    gain: Tensor
    offset: Tensor
    stride: int
    truncated: TruncatedWeight | None = None

    @property
    def padding(self) -> int:
        """Equal on all sides."""
        return self.weight.shape[2] // 2


@dataclass(frozen=True)
class Block:
    """A residual block.

    Attributes:
        name: ``layer2.0``.
        convs: Its two or three convolutions.
        rectifiers: What enters each of them; the first also makes the identity.
        projection: The shortcut where the shape changes.
    """

    name: str
    convs: tuple[ConvLayer, ...]
    rectifiers: tuple[Rectifier, ...]
    projection: ConvLayer | None


class Operations(Protocol[T]):
    """What a backbone asks of an interpretation of its topology."""

    def conv(self, name: str, layer: ConvLayer, x: T, target: Rectifier | None) -> T:
        """Convolve and normalise; ``target`` None leaves the sum of a block to rectify."""
        ...

    def add(self, name: str, identity: T, branch: T, target: Rectifier) -> T:
        """Add and rectify."""
        ...

    def max_pool(self, name: str, x: T, size: int, stride: int, padding: int) -> T:
        """Take the maximum of windows."""
        ...

    def mean(self, name: str, x: T) -> T:
        """Average over height and width."""
        ...

    def linear(self, name: str, weight: Tensor, bias: Tensor, x: T) -> T:
        """Classify."""
        ...


@dataclass(frozen=True)
class Backbone:
    """The recognition network of one precision.

    Attributes:
        bits: Width of the program.
        stem: Full precision.
        blocks: Residual blocks in order.
        classifier: Weight [K, C] and bias [K], full precision, float64.
    """

    bits: int
    stem: ConvLayer
    blocks: tuple[Block, ...]
    classifier: tuple[Tensor, Tensor]

    def compute(self, ops: Operations[T], x: T) -> T:
        """State the topology to ``ops`` and return the logits.

        Pooling and rounding are both monotone, so the stem is rounded before it is pooled: the
        result is the same, and the pooled tensor is a small one.
        """
        targets = [block.rectifiers[0] for block in self.blocks] + [Rectifier()]
        x = ops.conv("stem", self.stem, x, targets[0])
        x = ops.max_pool("stem.pool", x, *POOL)
        for block, target in zip(self.blocks, targets[1:], strict=True):
            y = x
            *hidden, last = block.convs
            for index, (conv, inner) in enumerate(
                zip(hidden, block.rectifiers[1:], strict=True), 1
            ):
                y = ops.conv(f"{block.name}.conv{index}", conv, y, inner)
            y = ops.conv(f"{block.name}.conv{len(block.convs)}", last, y, None)
            if block.projection is not None:
                x = ops.conv(f"{block.name}.projection", block.projection, x, None)
            x = ops.add(f"{block.name}.sum", x, y, target)
        return ops.linear("logits", *self.classifier, ops.mean("feature", x))

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        """Return the logits [N, K] of normalised frames [N, 3, S, S], in their floating type."""
        return self.compute(FloatOperations(), x)


class FloatOperations:
    """The published arithmetic in the floating type of the frames."""

    def conv(self, name: str, layer: ConvLayer, x: Tensor, target: Rectifier | None) -> Tensor:
        """See :class:`Operations`."""
        y = F.conv2d(x, layer.weight.to(x), None, layer.stride, layer.padding)
        shape = (1, -1, 1, 1)
        y = y * layer.gain.to(x).view(shape) + layer.offset.to(x).view(shape)
        return y if target is None else target(y)

    def add(self, name: str, identity: Tensor, branch: Tensor, target: Rectifier) -> Tensor:
        """See :class:`Operations`."""
        return target(identity + branch)

    def max_pool(self, name: str, x: Tensor, size: int, stride: int, padding: int) -> Tensor:
        """See :class:`Operations`."""
        return F.max_pool2d(x, size, stride, padding)

    def mean(self, name: str, x: Tensor) -> Tensor:
        """See :class:`Operations`."""
        return x.mean((2, 3))

    def linear(self, name: str, weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
        """See :class:`Operations`."""
        return F.linear(x, weight.to(x), bias.to(x))


def parent_backbone(state: Mapping[str, Tensor], layout: Layout, bits: int) -> Backbone:
    """Return the program of ``bits`` that the parent's weights give.

    Raises:
        CheckpointError: a tensor of weights has no quantised form.
    """

    def conv(weight: str, norm: str, stride: int) -> ConvLayer:
        truncated = truncate(state[weight], bits, layout.parent_bits, weight)
        gain, offset = batch_norm_affine(state, norm)
        few = truncated if bits < 8 else None
        return ConvLayer(truncated.real, gain, offset, stride, few)

    def block(shape: BlockShape) -> Block:
        prefix = shape.prefix()
        convs = tuple(
            conv(f"{prefix}.conv{name}.weight", f"{prefix}.bn{name}_{bits}", stride)
            for name, *_, stride in shape.convs
        )
        alphas = (float(state[f"{prefix}.q_alpha{name}_{bits}"]) for name, *_ in shape.convs)
        projection = None
        if shape.projection is not None:
            down = f"{prefix}.downsample_{bits}"
            projection = conv(f"{down}.0.weight", f"{down}.1", shape.projection[2])
        rectifiers = tuple(Rectifier(alpha, bits) for alpha in alphas)
        return Block(_name(shape), convs, rectifiers, projection)

    blocks = tuple(block(shape) for shape in layout.blocks())
    return Backbone(bits, _plain(state, "backbone.conv1", "backbone.bn1", 2), blocks, _fc(state))


def separate_backbone(state: Mapping[str, Tensor], layout: Layout) -> Backbone:
    """Return the plain full-precision network that stands beside the parent."""

    def block(shape: BlockShape) -> Block:
        prefix = shape.prefix("_32fp")
        convs = tuple(
            _plain(state, f"{prefix}.conv{name}", f"{prefix}.bn{name}", stride)
            for name, *_, stride in shape.convs
        )
        projection = None
        if shape.projection is not None:
            down = f"{prefix}.downsample_32"
            projection = _plain(state, f"{down}.0", f"{down}.1", shape.projection[2])
        return Block(_name(shape), convs, (Rectifier(),) * len(convs), projection)

    blocks = tuple(block(shape) for shape in layout.blocks())
    stem = _plain(state, "backbone.conv1_32fp", "backbone.bn1_32fp", 2)
    return Backbone(FLOAT_BITS, stem, blocks, _fc(state))


def _name(shape: BlockShape) -> str:
    return f"layer{shape.stage}.{shape.index}"


def _plain(state: Mapping[str, Tensor], conv: str, norm: str, stride: int) -> ConvLayer:
    return ConvLayer(state[f"{conv}.weight"].double(), *batch_norm_affine(state, norm), stride)


def _fc(state: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    return state["fc.weight"].double(), state["fc.bias"].double()


def batch_norm_affine(state: Mapping[str, Tensor], norm: str) -> tuple[Tensor, Tensor]:
    """Return gain and offset of a batch norm, float64."""
    weight, bias, mean, variance = (
        state[f"{norm}.{part}"].double()
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    gain = weight / torch.sqrt(variance + EPSILON)
    return gain, bias - mean * gain
