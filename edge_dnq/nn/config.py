"""What a model is made of, as plain data. Free of torch, so that any side may read it.

The configuration travels inside the checkpoint; the networks are rebuilt from it alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge_dnq.errors import CheckpointError

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Bits = Literal[8, 4, 2]

ARCHITECTURES = ("resnet18", "resnet34", "resnet50", "efficientnet_lite0")


class ProgramConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to run the backbone: a weight and an activation width, and optionally a resolution.

    Attributes:
        name: The program's name, which is also the action's: ``w4a4``, ``w8a8r80``.
        weight_bits: Bits kept of each nested weight in the body (stem and classifier stay at 8).
        activation_bits: Width of the hidden unsigned activations.
        resolution: Side of the square input in pixels; None means the backbone's input size.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^w[248]a[248](r\d+)?$")]
    weight_bits: Bits
    activation_bits: Bits
    resolution: PositiveInt | None = None


DEFAULT_PROGRAMS = (
    ProgramConfig("w8a8", 8, 8),
    ProgramConfig("w4a4", 4, 4),
    ProgramConfig("w2a2", 2, 2),
)


class BackboneConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An any-precision recognition network.

    Attributes:
        architecture: ``resnet18``, ``resnet34``, ``resnet50`` or ``efficientnet_lite0``.
        width: Multiplier of every channel count; channels are rounded to multiples of 8.
        stem: ``imagenet`` is 7x7 stride 2 and a 3x3 stride 2 max-pool; ``small`` is 3x3 stride 2
            without pooling, for inputs of 64 pixels and less. Residual networks only.
        input_size: Side of the square input in pixels.
        programs: The precisions this network is trained for, most precise first.
        full_precision: Whether the network also carries an unquantised mode (teachers do).
        lowest_bits: Layers and activation grids that keep more bits than the program asks for, by
            their name in the network: ``{"blocks.0.project": 8, "blocks.0.filter_grid": 4}``.
    """

    architecture: Literal["resnet18", "resnet34", "resnet50", "efficientnet_lite0"] = "resnet18"
    width: Annotated[float, msgspec.Meta(gt=0, le=4)] = 1.0
    stem: Literal["imagenet", "small"] = "imagenet"
    input_size: Annotated[int, msgspec.Meta(ge=32, le=1024)] = 224
    programs: tuple[ProgramConfig, ...] = DEFAULT_PROGRAMS
    full_precision: bool = False
    lowest_bits: dict[str, Bits] = {}


class PolicyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The policy network: a small CNN on a downscaled frame, an LSTM cell, an action head.

    Attributes:
        input_size: Side of the square policy frame in pixels.
        channels: Output channels of its stride-2 convolutions.
        hidden: Size of the LSTM state.
        skip_lengths: One skip action per entry; an action of length n skips n frames.
        context: Whether it is told how much changed and how sure recognition is
            (:mod:`edge_dnq.context`).
    """

    input_size: Annotated[int, msgspec.Meta(ge=16, le=512)] = 48
    channels: tuple[PositiveInt, ...] = (16, 24, 32, 48)
    hidden: PositiveInt = 64
    skip_lengths: tuple[PositiveInt, ...] = (1,)
    context: bool = False


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that rebuilds a model.

    Attributes:
        labels: Class names, in the order of the logits.
        backbone: The recognition network.
        policy: The policy network, or None before it has been trained.
        clip_frames: Frames sampled uniformly from one clip in training and evaluation.
        mean: Per-channel mean in pixel units (0..255), RGB.
        std: Per-channel deviation in pixel units, RGB. The defaults make the int8 input of a
            program equal ``pixel - 128``.
    """

    labels: tuple[str, ...]
    backbone: BackboneConfig
    policy: PolicyConfig | None = None
    clip_frames: PositiveInt = 8
    mean: tuple[float, float, float] = (128.0, 128.0, 128.0)
    std: tuple[float, float, float] = (128.0, 128.0, 128.0)

    def __post_init__(self) -> None:
        """Reject combinations that no network can have."""
        names = [program.name for program in self.backbone.programs]
        if len(set(names)) != len(names):
            raise ValueError(f"program names repeat: {', '.join(names)}")
        if not self.labels:
            raise ValueError("labels must not be empty")
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, got {self.std}")

    @property
    def input_scale(self) -> float:
        """Real size of one int8 input code: the smallest that spans all pixel values.

        1/128 for the default normalisation, whose codes are then exactly ``pixel - 128``.
        """
        lowest = max(mean / std for mean, std in zip(self.mean, self.std, strict=True))
        highest = max((255 - mean) / std for mean, std in zip(self.mean, self.std, strict=True))
        return max(lowest / 128, highest / 127)

    @property
    def actions(self) -> tuple[str, ...]:
        """Action names in the order of the policy's logits: the programs, then the skips."""
        lengths = self.policy.skip_lengths if self.policy is not None else ()
        return tuple(p.name for p in self.backbone.programs) + tuple(
            skip_name(length) for length in lengths
        )


def skip_name(length: int) -> str:
    """Return the action name of a skip of ``length`` frames: ``skip``, ``skip4``."""
    return "skip" if length == 1 else f"skip{length}"


def encode_config(config: ModelConfig) -> str:
    """Serialise ``config`` as JSON for a checkpoint."""
    return msgspec.json.encode(config).decode()


def decode_config(text: str | bytes) -> ModelConfig:
    """Parse the configuration of a checkpoint.

    Raises:
        CheckpointError: the text is not a configuration of this version.
    """
    try:
        return msgspec.json.decode(text, type=ModelConfig)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CheckpointError(
            f"the checkpoint's model configuration is not valid: {error}; "
            "expected a checkpoint written by `edge-dnq train`"
        ) from error
