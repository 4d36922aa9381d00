"""What a checkpoint holds, read from the names and shapes of its tensors alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.videoiq.archive import HINT, Archive

Shape = tuple[int, ...]

FLOAT_BITS = 32
LOWERED_BITS = (32, 8, 4, 2)
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
MOBILENET = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
)  # fmt: skip
"""MobileNetV2 (Sandler et al. 2018), table 2: expansion, channels, blocks, stride of the first."""

MOBILENET_STEM = 32
NORM = ("weight", "bias", "running_mean", "running_var")
NAMED = 3
_BITS = re.compile(r"backbone\.layer1\.0\.bn1_(\d+)\.weight")
_UNUSED = re.compile(
    r".*num_batches_tracked|.*_32fp(\..*)?|.*downsample_32\..*|policy_net\.(temperature|fc\..*)"
)


@dataclass(frozen=True)
class BlockShape:
    """One residual block: where it is, and its convolutions as (name, O, I, kernel, stride)."""

    stage: int
    index: int
    convs: tuple[tuple[str, int, int, int, int], ...]
    projection: tuple[int, int, int] | None

    def prefix(self, suffix: str = "") -> str:
        """Return the block's prefix; ``suffix`` is that of the separate backbone."""
        return f"backbone.layer{self.stage}{suffix}.{self.index}"


@dataclass(frozen=True)
class Layout:
    """What was recognised.

    Attributes:
        depth: 18, 34 or 50.
        width: Channels of the stem; 64 in the published networks.
        bits: Widths of the parent's programs in the order of the policy's actions.
        separate: Whether a separate full-precision backbone is the first action.
        teacher: Whether a full-precision backbone is there as a teacher only.
        classes: Number of classes.
        features: Channels of the policy's pooled features, or None without a policy.
        hidden: Size of its memory, or None.
        actions: Rows of its action head, or None.
    """

    depth: int
    width: int
    bits: tuple[int, ...]
    separate: bool
    teacher: bool
    classes: int
    features: int | None
    hidden: int | None
    actions: int | None

    @property
    def family(self) -> str:
        """What the two kinds of checkpoint are called here."""
        return "separate full-precision backbone" if self.separate else "one parent"

    @property
    def parent_bits(self) -> int:
        """Width that weights are truncated from."""
        return max(self.bits)

    @property
    def program_bits(self) -> tuple[int, ...]:
        """Widths of all programs in the order of the policy's actions."""
        return ((FLOAT_BITS,) if self.separate else ()) + self.bits

    @property
    def skips(self) -> int:
        """Number of skip actions."""
        return 0 if self.actions is None else self.actions - len(self.program_bits)

    def blocks(self) -> Iterator[BlockShape]:
        """Yield the residual blocks in order."""
        expansion = 4 if self.depth == 50 else 1
        inputs = self.width
        for stage, count in enumerate(BLOCKS[self.depth], 1):
            planes = self.width * 2 ** (stage - 1)
            outputs = planes * expansion
            for index in range(count):
                stride = 2 if stage > 1 and index == 0 else 1
                convs: tuple[tuple[str, int, int, int, int], ...] = (
                    ("1", planes, inputs, 3, stride),
                    ("2", planes, planes, 3, 1),
                )
                if expansion == 4:
                    convs = (
                        ("1", planes, inputs, 1, 1),
                        ("2", planes, planes, 3, stride),
                        ("3", outputs, planes, 1, 1),
                    )
                changes = stride != 1 or inputs != outputs
                projection = (outputs, inputs, stride) if changes else None
                yield BlockShape(stage, index, convs, projection)
                inputs = outputs


def recognise(archive: Archive, bits: tuple[int, ...] | None = None) -> Layout:
    """Return what ``archive`` holds, having checked that every tensor is there and fits.

    Args:
        archive: The file.
        bits: The order of the parent's widths where the file does not say it.

    Raises:
        CheckpointError: not such a checkpoint, incomplete, of another shape, or ambiguous.
    """
    path, state = archive.path, archive.state
    for key in ("backbone.conv1.weight", "fc.weight"):
        if key not in state:
            raise CheckpointError(f"{path} has no {key}; it has {_listed(state)}: {HINT}")
    found = tuple(int(m[1]) for m in map(_BITS.fullmatch, state) if m)
    if not found:
        raise CheckpointError(
            f"{path} has no batch norm of any precision (backbone.layer1.0.bn1_BITS.weight): {HINT}"
        )
    ordered = _ordered(path, found, bits)
    full = any(re.match(r"backbone\.conv1_32fp\.", key) for key in state)
    separate = full and FLOAT_BITS not in ordered
    policy = any(key.startswith("policy_net.") for key in state)
    layout = Layout(
        depth=_depth(archive),
        width=state["backbone.conv1.weight"].shape[0],
        bits=ordered,
        separate=separate,
        teacher=full and not separate,
        classes=state["fc.weight"].shape[0],
        features=_size(archive, "policy_net.rnn.weight_ih", 1) if policy else None,
        hidden=_size(archive, "policy_net.rnn.weight_hh", 1) if policy else None,
        actions=_size(archive, "policy_net.linear.weight", 0) if policy else None,
    )
    _require_fit(archive, layout)
    if layout.skips < 0:
        raise CheckpointError(
            f"{path} has a policy of {layout.actions} actions for {len(layout.program_bits)} "
            f"precisions ({', '.join(map(str, layout.program_bits))} bit): {HINT}"
        )
    return layout


def unused_keys(archive: Archive, layout: Layout) -> list[str]:
    """Return the tensors that nothing is known about; importing goes on without them."""
    known = dict(expected_shapes(layout))
    return sorted(k for k in archive.state if k not in known and not _UNUSED.fullmatch(k))


def _ordered(path: object, found: tuple[int, ...], asked: tuple[int, ...] | None) -> Shape:
    shown = ",".join(map(str, found))
    if odd := [b for b in found if b not in LOWERED_BITS]:
        raise CheckpointError(
            f"{path} has a precision of {odd[0]} bits; programs are made for 32, 8, 4 and 2"
        )
    if asked is not None:
        if sorted(asked) != sorted(found):
            raise CheckpointError(
                f"--bits {','.join(map(str, asked))} does not name the precisions of {path}: "
                f"it has {shown}"
            )
        return asked
    if list(found) != sorted(found, reverse=True):
        raise CheckpointError(
            f"{path} lists its precisions as {shown}, so their order in the policy's actions is "
            "not certain: say it, for example --bits 32,4,2"
        )
    return found


def _depth(archive: Archive) -> int:
    state = archive.state
    counts = tuple(
        len({k for k in state if re.fullmatch(rf"backbone\.layer{stage}\.\d+\.conv1\.weight", k)})
        for stage in range(1, 5)
    )
    bottleneck = "backbone.layer1.0.conv3.weight" in state
    for depth, blocks in BLOCKS.items():
        if blocks == counts and bottleneck == (depth == 50):
            return depth
    kind = "bottleneck" if bottleneck else "basic"
    raise CheckpointError(
        f"{archive.path} has {'-'.join(map(str, counts))} {kind} blocks: expected a ResNet of "
        "depth 18 (2-2-2-2 basic), 34 (3-4-6-3 basic) or 50 (3-4-6-3 bottleneck)"
    )


def _size(archive: Archive, key: str, axis: int) -> int:
    value = archive.state.get(key)
    if value is None or value.dim() != 2:
        what = "is missing" if value is None else f"has shape {list(value.shape)}"
        raise CheckpointError(f"{archive.path} has an incomplete policy: {key} {what}")
    return value.shape[axis]


def expected_shapes(layout: Layout) -> Iterator[tuple[str, Shape]]:
    """Yield name and shape of every tensor that the network of ``layout`` computes with.

    A clip value may be a scalar or a vector of one; its shape is given as ().
    """
    yield from _stem("", layout.width)
    outputs = layout.width
    for block in layout.blocks():
        prefix = block.prefix()
        for name, out, inputs, kernel, _ in block.convs:
            yield f"{prefix}.conv{name}.weight", (out, inputs, kernel, kernel)
            for bits in layout.bits:
                yield from _norm(f"{prefix}.bn{name}_{bits}", out)
                yield f"{prefix}.q_alpha{name}_{bits}", ()
        for bits in layout.bits:
            yield from _projection(block, f"{prefix}.downsample_{bits}")
        outputs = block.convs[-1][1]
        if layout.separate:
            separate = block.prefix("_32fp")
            for name, out, inputs, kernel, _ in block.convs:
                yield f"{separate}.conv{name}.weight", (out, inputs, kernel, kernel)
                yield from _norm(f"{separate}.bn{name}", out)
            yield from _projection(block, f"{separate}.downsample_32")
    if layout.separate:
        yield from _stem("_32fp", layout.width)
    yield "fc.weight", (layout.classes, outputs)
    yield "fc.bias", (layout.classes,)
    if layout.actions is not None:
        yield from _policy(layout)


def _stem(suffix: str, width: int) -> Iterator[tuple[str, Shape]]:
    yield f"backbone.conv1{suffix}.weight", (width, 3, 7, 7)
    yield from _norm(f"backbone.bn1{suffix}", width)


def _norm(prefix: str, channels: int) -> Iterator[tuple[str, Shape]]:
    for part in NORM:
        yield f"{prefix}.{part}", (channels,)


def _projection(block: BlockShape, prefix: str) -> Iterator[tuple[str, Shape]]:
    if block.projection is not None:
        outputs, inputs, _ = block.projection
        yield f"{prefix}.0.weight", (outputs, inputs, 1, 1)
        yield from _norm(f"{prefix}.1", outputs)


@dataclass(frozen=True)
class PolicyConv:
    """A convolution of the policy: keys of weight and batch norm, shape, stride, rectifier."""

    weight: str
    norm: str
    shape: Shape
    stride: int
    groups: int
    rectified: bool


def policy_convs(features: int) -> Iterator[tuple[PolicyConv, ...]]:
    """Yield the policy's convolutions: the stem, one tuple per inverted residual, the last one."""
    root = "policy_net"
    yield (
        PolicyConv(
            f"{root}.features.0.0.weight", f"{root}.features.0.1", (MOBILENET_STEM, 3, 3, 3), 2, 1,
            True,
        ),
    )  # fmt: skip
    inputs, index = MOBILENET_STEM, 0
    for expansion, outputs, count, first in MOBILENET:
        for number in range(count):
            index += 1
            middle = inputs * expansion
            shapes: list[tuple[Shape, int, int, bool]] = [
                ((middle, 1, 3, 3), first if number == 0 else 1, middle, True),
                ((outputs, middle, 1, 1), 1, 1, False),
            ]
            if expansion != 1:
                shapes.insert(0, ((middle, inputs, 1, 1), 1, 1, True))
            prefix, place, convs = f"{root}.features.{index}.conv", 0, []
            for shape, stride, groups, rectified in shapes:
                weight, norm = f"{prefix}.{place}.weight", f"{prefix}.{place + 1}"
                convs.append(PolicyConv(weight, norm, shape, stride, groups, rectified))
                place += 3
            yield tuple(convs)
            inputs = outputs
    last = (features, inputs, 1, 1)
    yield (PolicyConv(f"{root}.conv.0.weight", f"{root}.conv.1", last, 1, 1, True),)


def _policy(layout: Layout) -> Iterator[tuple[str, Shape]]:
    assert layout.features is not None
    assert layout.hidden is not None
    assert layout.actions is not None
    for convs in policy_convs(layout.features):
        for conv in convs:
            yield conv.weight, conv.shape
            yield from _norm(conv.norm, conv.shape[0])
    gates = 4 * layout.hidden
    yield "policy_net.rnn.weight_ih", (gates, layout.features)
    yield "policy_net.rnn.weight_hh", (gates, layout.hidden)
    yield "policy_net.rnn.bias_ih", (gates,)
    yield "policy_net.rnn.bias_hh", (gates,)
    yield "policy_net.linear.weight", (layout.actions, layout.hidden)
    yield "policy_net.linear.bias", (layout.actions,)


def _require_fit(archive: Archive, layout: Layout) -> None:
    expected = dict(expected_shapes(layout))
    state = archive.state
    problems = []
    if missing := expected.keys() - state.keys():
        problems.append(f"missing {_listed(missing)}")
        if extra := unused_keys(archive, layout):
            problems.append(f"unknown {_listed(extra)}")
    wrong = [k for k in expected.keys() & state.keys() if not _fits(state[k], expected[k])]
    if wrong:
        key = min(wrong)
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        problems.append(
            f"{key} has shape {list(state[key].shape)} where {list(expected[key])} fits{more}"
        )
    if problems:
        raise CheckpointError(
            f"{archive.path} looks like a ResNet-{layout.depth} of the VideoIQ code "
            f"({layout.family}), but does not fit: {'; '.join(problems)}"
        )
    _require_positive(archive.path, state, expected)


def _require_positive(path: object, state: Mapping[str, Tensor], keys: Iterable[str]) -> None:
    for key in keys:
        value = state[key]
        if ".q_alpha" in key and float(value) <= 0:
            raise CheckpointError(f"{path} has the clip value {float(value):g} in {key}")
        if key.endswith("running_var") and float(value.min()) < 0:
            raise CheckpointError(f"{path} has a negative variance in {key}")


def _fits(value: Tensor, shape: Shape) -> bool:
    if not value.is_floating_point():
        return False
    return tuple(value.shape) == shape or (shape == () and tuple(value.shape) == (1,))


def _listed(keys: Iterable[str]) -> str:
    names = sorted(keys)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
