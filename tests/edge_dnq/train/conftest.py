"""A training run small enough for tests: every stage, one size of everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from edge_dnq.nn.config import BackboneConfig, PolicyConfig, ProgramConfig
from edge_dnq.train.config import OptimiserConfig, PolicyStage, RecognitionStage, TrainConfig
from edge_dnq.train.runner import Task

TINY_DATA = "synthetic:24"

_RECOGNITION = RecognitionStage(
    epochs=2,
    batch=16,
    frames=2,
    clip_share=0.5,
    mixup=0.2,
    calibration_batches=1,
    optimiser=OptimiserConfig(learning_rate=0.02),
)


def task(config: TrainConfig, cache: Path, folder: Path, **changes: Any) -> Task:
    """A run in ``folder`` on the tiny data set."""
    values = {"output": folder / "t.pt", "run_dir": folder / "run", "device": "cpu", **changes}
    return Task(config=config, data=TINY_DATA, cache_dir=cache, **values)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Networks this small are slower on several threads, most of all beside other tests."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_config() -> TrainConfig:
    """A run of seconds whose programs differ in bits and in resolution."""
    programs = (
        ProgramConfig("w8a8", 8, 8),
        ProgramConfig("w4a4", 4, 4),
        ProgramConfig("w8a8r24", 8, 8, 24),
    )
    return TrainConfig(
        backbone=BackboneConfig(width=0.125, input_size=32, stem="small", programs=programs),
        policy=PolicyConfig(input_size=16, channels=(4, 8), hidden=8, skip_lengths=(1, 2)),
        clip_frames=4,
        cache_size=32,
        policy_holdout=0.5,
        full_precision=_RECOGNITION,
        any_precision=_RECOGNITION,
        policy_training=PolicyStage(pretraining_epochs=2, epochs=3, batch=8, views=2),
        validate_every=2,
        save_seconds=0.0,
        seed=5,
    )


@pytest.fixture(scope="session")
def tiny_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the decoded frames of the tiny data set."""
    return tmp_path_factory.mktemp("cache")
