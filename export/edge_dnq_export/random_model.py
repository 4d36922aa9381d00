"""Models with random but well-behaved weights, for timing a device before any training."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from edge_dnq.nn.config import BackboneConfig, ModelConfig, PolicyConfig
from edge_dnq.nn.model import VideoModel
from edge_dnq.nn.resize import resize_frames
from edge_dnq.synthetic import render_clip
from edge_dnq.video.preprocess import network_frame

SMALL_STEM_LIMIT = 64
CALIBRATION_CLIPS = 4


def random_model(
    architecture: Literal["resnet18", "resnet34", "resnet50", "efficientnet_lite0"],
    *,
    input_size: int = 224,
    classes: int = 200,
    width: float = 1.0,
    seed: int = 0,
    policy: PolicyConfig | None = None,
) -> VideoModel:
    """Return a model whose activations have the ranges of a trained one.

    Batch norms and clip values are calibrated layer by layer on rendered frames, so every program
    does the work, and takes the time, of a trained network of the same shape.

    Args:
        architecture: Which network.
        input_size: Side of the square input in pixels.
        classes: Number of logits.
        width: Channel multiplier.
        seed: Seed of weights and calibration frames.
        policy: The policy network's shape; None takes the default.
    """
    config = ModelConfig(
        labels=tuple(f"class_{index:03d}" for index in range(classes)),
        backbone=BackboneConfig(
            architecture=architecture,
            width=width,
            stem="small" if input_size <= SMALL_STEM_LIMIT else "imagenet",
            input_size=input_size,
        ),
        policy=policy or PolicyConfig(),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VideoModel(config).eval()
        frames = model.normalise(torch.from_numpy(_calibration_frames(input_size, seed)))
        for program in model.backbone.programs:
            resolution = model.backbone.resolution(program)
            model.backbone.calibrate(resize_frames(frames, resolution), program)
        assert model.policy is not None
        model.policy.calibrate(resize_frames(frames, model.policy.config.input_size))
    model.record = {"stage": "random", "seed": seed}
    return model


def _calibration_frames(size: int, seed: int) -> np.ndarray:
    """Return rendered frames, uint8 [N, size, size, 3]."""
    clips = [
        render_clip(seed + index, frames=2, size=max(size, 64)).frames
        for index in range(CALIBRATION_CLIPS)
    ]
    return np.stack([network_frame(frame, size) for clip in clips for frame in clip])
