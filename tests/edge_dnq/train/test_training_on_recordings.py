"""Decisions trained on recordings, through the whole runner."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from edge_dnq.errors import DataError
from edge_dnq.nn.checkpoint import load_checkpoint
from edge_dnq.nn.gumbel import Decisions
from edge_dnq.nn.segments import Segments
from edge_dnq.synthetic import LABELS
from edge_dnq.train.config import PolicyLosses, TrainConfig
from edge_dnq.train.policy import decision_losses
from edge_dnq.train.policy_batches import PolicyBatch
from edge_dnq.train.recordings import Recording
from edge_dnq.train.runner import train

from .conftest import task


def recording(config: TrainConfig, size: int = 16) -> Recording:
    """Nine streams of two segments with filler before and between them."""
    rng = np.random.default_rng(0)
    owner = np.tile([-1, 0, 0, 0, -1, -1, 1, 1], 9)
    classes = rng.integers(0, len(LABELS), (9, 2))
    targets = np.where(owner < 0, -1, classes.repeat(8, 0)[np.arange(72), np.maximum(owner, 0)])
    programs = tuple(program.name for program in config.backbone.programs)
    return Recording(
        programs,
        LABELS,
        rng.integers(0, 256, (72, size, size, 3), np.uint8),
        rng.normal(size=(72, len(programs), len(LABELS))).astype(np.float32),
        owner,
        targets,
        np.full(9, 8),
    )


def with_oracle(config: TrainConfig) -> TrainConfig:
    stage = msgspec.structs.replace(
        config.policy_training, losses=PolicyLosses(distillation=0.0, oracle=1.0), window=6
    )
    policy = msgspec.structs.replace(config.policy, context=True)
    return msgspec.structs.replace(config, policy=policy, policy_training=stage)


def test_a_policy_is_trained_on_a_recording(
    tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path
) -> None:
    config = with_oracle(tiny_config)
    recording(config).save(tmp_path / "r.npz")
    recordings, output = (tmp_path / "r.npz",), tmp_path / "t.safetensors"
    report = train(
        task(config, tiny_cache, tmp_path, recordings=recordings, output=output, half=True)
    )
    assert report["stages"]["policy"]["loss/oracle"] > 0
    model = load_checkpoint(output)
    assert model.record["recordings"] == ["r.npz"]
    assert model.policy is not None
    assert model.policy.config.context


def test_a_recording_of_another_model_is_refused_before_anything_is_trained(
    tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path
) -> None:
    recording(tiny_config, size=20).save(tmp_path / "r.npz")
    refused = task(tiny_config, tiny_cache, tmp_path, recordings=(tmp_path / "r.npz",))
    with pytest.raises(DataError, match="20 pixels, the policy takes 16"):
        train(refused)
    assert not list((tmp_path / "run").glob("*.state.pt"))


def test_pieces_without_any_action_give_finite_losses() -> None:
    logits = torch.zeros(2, 5, 3, requires_grad=True)
    actions = torch.nn.functional.one_hot(logits.argmax(-1), 3).float() + logits * 0
    decided = torch.ones(2, 5, dtype=torch.bool)
    decisions = Decisions(actions, logits.softmax(-1), decided, torch.zeros(2, 5, 4))
    batch = PolicyBatch(
        torch.zeros(2, 5, 3, 16, 16),
        torch.zeros(2, 5, 2, 4),
        torch.zeros(2, 1, 4),
        Segments(torch.full((2, 5), -1), 1),
        torch.full((2, 1), -1),
    )
    parts = decision_losses(decisions, batch, torch.tensor([1.0, 0.5, 0.0]), 0.1)
    assert all(bool(part.isfinite()) for part in parts.values()), parts
