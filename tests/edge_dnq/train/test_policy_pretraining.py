"""Features that learn from recordings, and their losses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import torch

from edge_dnq.train.config import PolicyLosses, TrainConfig
from edge_dnq.train.policy_pretraining import Glances, glance_losses
from edge_dnq.train.runner import train

from .conftest import task
from .test_training_on_recordings import recording


def with_epochs(config: TrainConfig, epochs: int, oracle: float) -> TrainConfig:
    """Pre-training alone, in effect."""
    stage = msgspec.structs.replace(
        config.policy_training,
        pretraining_epochs=epochs,
        epochs=1,
        batch=4,
        losses=PolicyLosses(distillation=0.0, oracle=oracle),
    )
    return msgspec.structs.replace(config, policy_training=stage, validate_every=100)


def test_glancing_learns_on_which_frames_recognition_is_right(
    tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path
) -> None:
    """The oracle's program is right on bright frames alone; another program is right on all."""
    config = with_epochs(tiny_config, 25, 1.0)
    plain = recording(config)
    rng = np.random.default_rng(1)
    bright = rng.random(len(plain.owner)) < 0.5
    pixels = np.where(bright[:, None, None, None], plain.pixels // 2 + 128, plain.pixels // 2)
    logits = np.zeros_like(plain.logits)
    shown = np.flatnonzero(plain.targets >= 0)
    logits[shown, 0, plain.targets[shown]] = 9.0
    logits[shown, 1, (plain.targets[shown] + 1) % logits.shape[2]] = 5.0
    right = shown[bright[shown]]
    logits[right, 1, plain.targets[right]] = 9.0
    # Nothing but brightness tells them apart.
    made = replace(plain, pixels=pixels.astype(np.uint8), logits=logits)
    made.save(tmp_path / "r.npz")
    report = train(task(config, tiny_cache, tmp_path, recordings=(tmp_path / "r.npz",)))
    chance = np.mean(np.isin(np.arange(len(bright)), right))
    entropy = -chance * np.log(chance) - (1 - chance) * np.log(1 - chance)
    assert report["stages"]["policy-pretraining"]["loss/worth"] < 0.75 * entropy


def test_without_an_oracle_frames_that_show_something_are_worth_it(
    tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path
) -> None:
    """No program of the oracle's default name is needed then."""
    programs = tuple(
        msgspec.structs.replace(
            p, name=p.name.replace("w4a4", "w2a2"), weight_bits=2, activation_bits=2
        )
        if p.name == "w4a4"
        else p
        for p in tiny_config.backbone.programs
    )
    backbone = msgspec.structs.replace(tiny_config.backbone, programs=programs)
    config = msgspec.structs.replace(with_epochs(tiny_config, 1, 0.0), backbone=backbone)
    recording(config).save(tmp_path / "r.npz")
    report = train(task(config, tiny_cache, tmp_path, recordings=(tmp_path / "r.npz",)))
    assert report["stages"]["policy-pretraining"]["loss/worth"] > 0


def test_frames_that_show_nothing_have_no_class() -> None:
    glances = Glances(torch.zeros(3, 3, 8, 8), torch.full((3,), -1), torch.zeros(3).bool())
    classes = torch.randn(3, 5, requires_grad=True)
    parts = glance_losses(classes, torch.zeros(3), glances, 0.1)
    assert float(parts["loss/policy_class"].detach()) == 0
    assert float(parts["loss/worth"]) == np.log(2).astype(np.float32)
    parts["loss/policy_class"].backward()
    assert classes.grad is not None
    assert float(classes.grad.abs().sum()) == 0
