"""What a training run does, as plain data: stages, losses by name and weight, optimisers.

Free of torch. A configuration is a preset (``presets.py``), changed by a JSON file and by
``key=value`` settings with dotted keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.config import BackboneConfig, ModelConfig, PolicyConfig

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Fraction = Annotated[float, msgspec.Meta(ge=0, lt=1)]


RECIPE_STAGES = ("full-precision", "any-precision", "policy")
"""The stages that may be trained one at a time, in their order."""


class OptimiserConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An optimiser and the course of its learning rate over one stage.

    Attributes:
        name: ``sgd`` (Nesterov momentum) or ``adamw``.
        learning_rate: The peak.
        weight_decay: Of convolution and linear weights; batch norms and biases are not decayed.
        momentum: Of SGD.
        schedule: ``one_cycle`` warms up linearly, then falls to zero along a cosine; ``step``
            divides by ten at one half and at three quarters; ``constant`` stays.
        warmup: Fraction of the stage that ``one_cycle`` warms up for.
        clip_learning_rate: Peak for the activation clip values; None means ``learning_rate``.
        clip_weight_decay: Of the activation clip values.
        max_gradient_norm: Gradients are scaled down to this norm; None leaves them.
    """

    name: Literal["sgd", "adamw"] = "sgd"
    learning_rate: Positive = 0.05
    weight_decay: Weight = 5e-4
    momentum: Fraction = 0.9
    schedule: Literal["one_cycle", "step", "constant"] = "one_cycle"
    warmup: Fraction = 0.2
    clip_learning_rate: Positive | None = None
    clip_weight_decay: Weight = 0.0
    max_gradient_norm: Positive | None = 5.0


class RecognitionLosses(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Weights of the recognition losses.

    Attributes:
        cross_entropy: Against the labels.
        distillation: Against the full-precision network; unused while that one is trained.
    """

    cross_entropy: Weight = 1.0
    distillation: Weight = 1.0


class PolicyLosses(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Weights of the policy losses.

    Published: L = CE + KD + 1.0 class + 0.5..1.0 balance + 0.16 cost + 0.1 entropy.

    Attributes:
        cross_entropy: Of the video prediction, against the labels.
        distillation: Of the video prediction, against the full-precision network's.
        policy_class: Cross-entropy of the policy's own class head.
        balance: Keeps every action in use.
        cost: Mean cost of the chosen actions.
        entropy: Entropy of the choices; a positive weight makes them decisive.
        oracle: Against the advice of one who knows the segments, see ``PolicyStage.oracle``.
        precision: Beside that advice: what the programs' logits say about their answers.
    """

    cross_entropy: Weight = 1.0
    distillation: Weight = 1.0
    policy_class: Weight = 1.0
    balance: Weight = 0.5
    cost: Weight = 0.16
    entropy: Weight = 0.1
    oracle: Weight = 0.0
    precision: Weight = 1.0


class OracleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The advice that a policy may be taught to follow (:mod:`edge_dnq.train.oracle`).

    Attributes:
        program: Whose answers tell which frames are worth executing.
        gain: Probability of the right class that executing a frame must add to the answer, to be
            worth it.
        gap: Frames from one executed frame of a segment to the next at least.
        weight: Of frames worth executing in the loss; the others count 1.
        precision_scale: Action logits that two programs are to lie apart, for each unit of
            probability that one gives the right class more than the other: at a price of L logits a
            frame, a program that costs d frames more is worth it from L * d / precision_scale on.
    """

    program: str
    gain: Fraction = 0.1
    gap: PositiveInt = 2
    weight: Positive = 2.0
    precision_scale: Positive = 8.0


class RecognitionStage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stage that trains the recognition network.

    Attributes:
        epochs: Passes over the training clips; one pass takes ``frames`` frames of every clip.
        batch: Clips per step, over all processes.
        frames: Frames drawn per clip and step.
        clip_share: Share of the cross-entropy that is taken on the mean logits of a clip's frames;
            the rest is taken on single frames.
        label_smoothing: Of the cross-entropy.
        mixup: Parameter of the Beta distribution that frames are blended with; 0 turns it off.
        frozen: Modules by name, as ``stem`` or ``blocks.0``, whose weights and whose batch norms of
            the unquantised mode stay as the stage found them: few clips then cannot spoil what was
            learnt on many, and the first stage is faster.
        calibration_batches: Batches that set clip values and statistics before the first step of
            the any-precision stage.
        optimiser: How weights are updated.
        losses: Their weights.
    """

    epochs: PositiveInt
    batch: PositiveInt = 64
    frames: PositiveInt = 1
    clip_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    label_smoothing: Fraction = 0.1
    mixup: Weight = 0.0
    frozen: tuple[str, ...] = ()
    calibration_batches: PositiveInt = 4
    optimiser: OptimiserConfig = OptimiserConfig()
    losses: RecognitionLosses = RecognitionLosses()


class PolicyStage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The stage that trains the policy network against the frozen recognition network.

    Attributes:
        pretraining_epochs: Passes that train only what the policy sees
            (:mod:`edge_dnq.train.policy_pretraining`).
        epochs: Passes that train the decisions.
        batch: Clips per step, over all processes.
        views: Augmented views per clip whose recognition logits are computed once and kept in
            memory; 0 computes fresh ones in every epoch.
        window: Frames of a piece of a recorded sequence.
        label_smoothing: Of the class head's cross-entropy.
        temperature: Of the Gumbel-softmax in the first epoch.
        temperature_decay: Its factor per epoch.
        costs: ``macs`` for bit operations (weight bits x activation bits / 64 x MACs, relative to
            the costliest program), or the cost of each action by name, in any one unit.
        optimiser: How weights are updated.
        losses: Their weights.
        oracle: Who advises, where ``losses.oracle`` is positive.
    """

    pretraining_epochs: Count
    epochs: PositiveInt
    batch: PositiveInt = 32
    views: Count = 4
    window: PositiveInt = 32
    label_smoothing: Fraction = 0.1
    temperature: Positive = 5.0
    temperature_decay: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.956
    costs: Literal["macs"] | dict[str, Weight] = "macs"
    optimiser: OptimiserConfig = OptimiserConfig(name="adamw", learning_rate=2e-3)
    losses: PolicyLosses = PolicyLosses()
    oracle: OracleConfig = OracleConfig(program="w4a4")


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole run.

    Attributes:
        backbone: The recognition network (its ``full_precision`` is set by the stages).
        policy: The policy network.
        clip_frames: Frames sampled uniformly from one clip.
        cache_size: Side of the decoded training frames that are kept on disk, in pixels; random
            crops are taken from them.
        mean, std: Normalisation in pixel units.
        policy_holdout: Fraction of the training clips that recognition never sees and the policy
            is trained on. A network is too sure of the clips it was fitted on: a policy trained on
            those learns that the cheapest program is always right. 0 uses all clips for both.
        full_precision, any_precision, policy_training: The stages.
        validate_every: Epochs between two validations (the last epoch is always validated).
        save_seconds: Least time between two saves inside a stage.
        seed: Of everything.
    """

    backbone: BackboneConfig
    policy: PolicyConfig
    clip_frames: PositiveInt
    cache_size: PositiveInt
    mean: tuple[float, float, float] = (128.0, 128.0, 128.0)
    std: tuple[float, float, float] = (128.0, 128.0, 128.0)
    policy_holdout: Fraction = 0.0
    full_precision: RecognitionStage
    any_precision: RecognitionStage
    policy_training: PolicyStage
    validate_every: PositiveInt = 10
    save_seconds: Weight = 30.0
    seed: Count = 0

    def model_config(
        self, labels: tuple[str, ...], *, full_precision: bool = False, policy: bool = False
    ) -> ModelConfig:
        """Return the configuration of the model that a stage trains."""
        return ModelConfig(
            labels=labels,
            backbone=msgspec.structs.replace(self.backbone, full_precision=full_precision),
            policy=self.policy if policy else None,
            clip_frames=self.clip_frames,
            mean=self.mean,
            std=self.std,
        )


def action_costs(
    costs: Literal["macs"] | dict[str, float], config: ModelConfig, macs: dict[str, int]
) -> tuple[float, ...]:
    """Return the cost of each action, the costliest being 1, in the order of ``config.actions``.

    The default is c = weight bits x activation bits / 64 x relative MACs, which for square bit
    widths is the method's min(b, 8)^2 / 64; a skip costs 0.

    Args:
        costs: ``macs``, or measured costs by action name; a skip that is not named costs 0.
        config: Names the programs and the skips.
        macs: Multiply-accumulates per program.

    Raises:
        EdgeDnqError: a program has no cost, or a name is no action.
    """
    programs = {program.name: program for program in config.backbone.programs}
    if costs == "macs":
        raw = {
            name: program.weight_bits * program.activation_bits / 64 * macs[name]
            for name, program in programs.items()
        }
    else:
        raw = dict(costs)
        if unknown := sorted(raw.keys() - set(config.actions)):
            raise EdgeDnqError(
                f"costs name {', '.join(unknown)}; the actions are {', '.join(config.actions)}"
            )
        if missing := [name for name in programs if name not in raw]:
            raise EdgeDnqError(f"costs leave out {', '.join(missing)}: give every program one")
    largest = max(raw.values())
    if largest <= 0:
        raise EdgeDnqError("costs must not all be zero")
    return tuple(raw.get(name, 0.0) / largest for name in config.actions)


def load_config(preset: TrainConfig, path: Path | None, settings: tuple[str, ...]) -> TrainConfig:
    """Return ``preset`` changed by a JSON file and then by ``dotted.key=value`` settings.

    The file holds only what differs: nested objects are merged, other values replaced.

    Raises:
        EdgeDnqError: unreadable file, a setting without ``=``, an unknown key, or a bad value.
    """
    data = msgspec.to_builtins(preset)
    if path is not None:
        try:
            changes = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise EdgeDnqError(f"cannot read {path}: {error}; expected a JSON object") from error
        if not isinstance(changes, dict):
            raise EdgeDnqError(f"{path} must hold a JSON object of settings")
        data = _merged(data, changes)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise EdgeDnqError(f"--set {setting}: expected key=value, e.g. any_precision.epochs=5")
        change: Any = _parse_value(text)
        for part in reversed(key.strip().split(".")):
            change = {part: change}
        data = _merged(data, change)
    try:
        return msgspec.convert(data, TrainConfig)
    except (msgspec.ValidationError, ValueError) as error:
        raise EdgeDnqError(f"invalid training configuration: {error}") from error


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return result
