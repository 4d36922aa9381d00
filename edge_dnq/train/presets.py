"""Ready-made training configurations."""

from __future__ import annotations

from edge_dnq.nn.config import BackboneConfig, PolicyConfig
from edge_dnq.train.config import (
    OptimiserConfig,
    PolicyLosses,
    PolicyStage,
    RecognitionStage,
    TrainConfig,
)

QUICK = TrainConfig(
    backbone=BackboneConfig(architecture="resnet18", width=0.5, input_size=96),
    policy=PolicyConfig(),
    clip_frames=8,
    cache_size=128,
    policy_holdout=0.2,
    full_precision=RecognitionStage(
        epochs=200,
        batch=64,
        mixup=0.2,
        optimiser=OptimiserConfig(name="adamw", learning_rate=2e-3, weight_decay=0.05),
    ),
    any_precision=RecognitionStage(
        epochs=30,
        batch=64,
        mixup=0.2,
        optimiser=OptimiserConfig(
            name="adamw",
            learning_rate=5e-4,
            weight_decay=0.01,
            clip_learning_rate=5e-3,
            warmup=0.1,
        ),
    ),
    policy_training=PolicyStage(
        pretraining_epochs=30,
        epochs=60,
        batch=32,
        optimiser=OptimiserConfig(name="adamw", learning_rate=1e-3, weight_decay=0.01),
    ),
    validate_every=10,
)
"""Minutes on two CPU cores: a half-width ResNet-18 at 96 pixels."""

DEFAULT = TrainConfig(
    backbone=BackboneConfig(architecture="resnet18", width=1.0, input_size=112),
    policy=PolicyConfig(),
    clip_frames=8,
    cache_size=128,
    policy_holdout=0.2,
    full_precision=RecognitionStage(
        epochs=200,
        batch=64,
        frames=2,
        clip_share=0.5,
        mixup=0.2,
        optimiser=OptimiserConfig(name="sgd", learning_rate=0.05, weight_decay=5e-4),
    ),
    any_precision=RecognitionStage(
        epochs=80,
        batch=64,
        frames=2,
        clip_share=0.5,
        optimiser=OptimiserConfig(
            name="sgd", learning_rate=0.01, weight_decay=1e-4, clip_learning_rate=0.02
        ),
    ),
    policy_training=PolicyStage(pretraining_epochs=40, epochs=50, batch=64, views=8),
)
"""A full-width ResNet-18 at 112 pixels: an evening on a CPU, less than an hour on a GPU."""

PAPER = TrainConfig(
    backbone=BackboneConfig(architecture="resnet50", width=1.0, input_size=224),
    policy=PolicyConfig(input_size=84, channels=(32, 64, 128, 256), hidden=512),
    clip_frames=16,
    cache_size=256,
    full_precision=RecognitionStage(
        epochs=100,
        batch=48,
        frames=8,
        clip_share=1.0,
        label_smoothing=0.0,
        optimiser=OptimiserConfig(
            name="sgd", learning_rate=0.01, weight_decay=5e-4, schedule="step"
        ),
    ),
    any_precision=RecognitionStage(
        epochs=50,
        batch=48,
        frames=8,
        clip_share=1.0,
        label_smoothing=0.0,
        optimiser=OptimiserConfig(
            name="sgd",
            learning_rate=0.01,
            weight_decay=1e-4,
            schedule="step",
            clip_learning_rate=0.01,
            clip_weight_decay=5e-4,
        ),
    ),
    policy_training=PolicyStage(
        pretraining_epochs=100,
        epochs=50,
        batch=48,
        views=0,
        label_smoothing=0.0,
        temperature=5.0,
        temperature_decay=0.956,
        optimiser=OptimiserConfig(
            name="sgd", learning_rate=0.01, weight_decay=5e-4, schedule="step"
        ),
        losses=PolicyLosses(balance=1.0, cost=0.16, entropy=0.1),
    ),
    validate_every=1,
)
"""The published recipe (VideoIQ, Sun et al. 2021) on GPUs: 224 pixels, 16 frames, ResNet-50.

The network family is this package's ({8, 4, 2} bits, a small policy CNN in place of MobileNetV2),
and all training clips serve every stage. What the publication leaves open (batch size, the length
of the second stage, frames per step) is chosen here.
"""

PRESETS = {"quick": QUICK, "default": DEFAULT, "paper": PAPER}
