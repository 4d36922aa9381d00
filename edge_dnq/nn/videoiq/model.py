"""An imported checkpoint with what its file does not say, as options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.config import skip_name
from edge_dnq.nn.normalise import normalise
from edge_dnq.nn.videoiq.archive import read_archive
from edge_dnq.nn.videoiq.layout import FLOAT_BITS, Layout, recognise, unused_keys
from edge_dnq.nn.videoiq.network import Backbone, parent_backbone, separate_backbone
from edge_dnq.nn.videoiq.policy import POLICY_SIDE, ImportedPolicy

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
INPUT_SIZE, CLIP_FRAMES = 224, 16


@dataclass(frozen=True)
class ImportOptions:
    """What a checkpoint does not say about itself.

    Attributes:
        input_size: Side of the network frame in pixels.
        clip_frames: Frames sampled from a clip in training.
        skip_lengths: Frames of each skip action; None is (1,) where there is one such action.
        bits: The parent's widths in the order of the actions; None reads the file.
        labels: Class names; None numbers the classes.
        policy_size: Side of the policy's frame in pixels.
    """

    input_size: int = INPUT_SIZE
    clip_frames: int = CLIP_FRAMES
    skip_lengths: tuple[int, ...] | None = None
    bits: tuple[int, ...] | None = None
    labels: tuple[str, ...] | None = None
    policy_size: int = POLICY_SIDE


@dataclass(frozen=True)
class ImportedModel:
    """A recognised checkpoint, ready to be interpreted.

    Attributes:
        path: Where it came from.
        layout: What was recognised.
        options: What was said beside it.
        labels: Class names in the order of the logits.
        skip_lengths: One per skip action.
        facts: What the file says about its training.
        unused: Tensors that nothing is known about.
    """

    path: Path
    layout: Layout
    options: ImportOptions
    labels: tuple[str, ...]
    skip_lengths: tuple[int, ...]
    facts: dict[str, str | int | float]
    unused: tuple[str, ...]
    state: Mapping[str, Tensor] = field(repr=False)

    @property
    def programs(self) -> dict[str, int]:
        """Program names and their widths, in the order of the policy's actions."""
        return {program_name(bits): bits for bits in self.layout.program_bits}

    @property
    def actions(self) -> tuple[str, ...]:
        """Action names in the order of the policy's logits."""
        return (*self.programs, *(skip_name(length) for length in self.skip_lengths))

    def backbone(self, bits: int) -> Backbone:
        """Build the recognition network of one width (it is as large as all its weights)."""
        if self.layout.separate and bits == FLOAT_BITS:
            return separate_backbone(self.state, self.layout)
        return parent_backbone(self.state, self.layout, bits)

    def policy(self) -> ImportedPolicy | None:
        """Build the policy, where there is one."""
        if self.layout.actions is None:
            return None
        return ImportedPolicy(self.state, self.layout, self.options.policy_size)

    def normalise(self, frames: Tensor) -> Tensor:
        """Return network frames, uint8 [N, S, S, 3], as the networks take them: [N, 3, S, S]."""
        return normalise(frames, IMAGENET_MEAN, IMAGENET_STD)

    def parameters(self) -> dict[str, int]:
        """Return the number of weights of each part, batch norms included."""
        parts = {"backbone": 0, "policy": 0, "classifier": 0}
        for key, value in self.state.items():
            part = {"backbone": "backbone", "policy_net": "policy", "fc": "classifier"}
            name = part.get(key.split(".")[0])
            if name is not None:
                parts[name] += value.numel()
        return {name: count for name, count in parts.items() if count}


def load_videoiq(path: str | Path, options: ImportOptions | None = None) -> ImportedModel:
    """Recognise the checkpoint ``path``.

    Raises:
        CheckpointError: missing, damaged, not such a checkpoint, incomplete or ambiguous; the
            message says which option settles it.
        RuntimeMissingError: torch is too old to open files safely.
    """
    options = options or ImportOptions()
    archive = read_archive(Path(path))
    layout = recognise(archive, options.bits)
    state = {
        key: value.to(torch.float32) if value.is_floating_point() else value
        for key, value in archive.state.items()
    }
    return ImportedModel(
        archive.path,
        layout,
        options,
        _labels(archive.path, layout, options),
        _skip_lengths(archive.path, layout, options),
        archive.facts,
        tuple(unused_keys(archive, layout)),
        state,
    )


def program_name(bits: int) -> str:
    """Return the name of the program of ``bits``: ``w4a4``."""
    return f"w{bits}a{bits}"


def _labels(path: Path, layout: Layout, options: ImportOptions) -> tuple[str, ...]:
    if options.labels is None:
        return tuple(f"class_{index:03d}" for index in range(layout.classes))
    if len(options.labels) != layout.classes:
        raise CheckpointError(
            f"{path} has {layout.classes} classes, but {len(options.labels)} labels were given"
        )
    return options.labels


def _skip_lengths(path: Path, layout: Layout, options: ImportOptions) -> tuple[int, ...]:
    asked, count = options.skip_lengths, layout.skips
    if asked is None:
        if count > 1:
            example = ",".join(str(2**index) for index in range(count))
            raise CheckpointError(
                f"{path} has {count} skip actions, and does not say how many frames each skips: "
                f"say it, for example --skip-lengths {example}"
            )
        return (1,) * count
    if len(asked) != count or len(set(asked)) != len(asked) or min(asked, default=1) < 1:
        raise CheckpointError(
            f"--skip-lengths {','.join(map(str, asked))} does not fit {path}: "
            f"it has {count} skip actions, which need different lengths of at least 1"
        )
    return asked
