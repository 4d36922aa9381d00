from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import msgspec
import pytest
import torch

from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.checkpoint import load_checkpoint
from edge_dnq.train.config import TrainConfig
from edge_dnq.train.loop import STAGES
from edge_dnq.train.metrics import Entry, MetricsLog
from edge_dnq.train.runner import train

from .conftest import TINY_DATA, task

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def finished(
    tiny_config: TrainConfig, tiny_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("finished")
    return folder, train(task(tiny_config, tiny_cache, folder))


def values(folder: Path) -> list[tuple[str, int, dict[str, float]]]:
    log = MetricsLog(folder / "run" / "metrics.jsonl")
    return [(e["stage"], e["epoch"], e["values"]) for e in log.entries]


def assert_same_result(first: Path, second: Path) -> None:
    one, two = (load_checkpoint(folder / "t.pt") for folder in (first, second))
    assert one.config == two.config
    assert one.record == two.record
    state = two.state_dict()
    different = [k for k, v in one.state_dict().items() if not torch.equal(v, state[k])]
    assert different == []
    assert values(first) == values(second)


def test_every_stage_leaves_its_mark(
    finished: tuple[Path, dict[str, Any]], tiny_config: TrainConfig
) -> None:
    folder, report = finished
    model = load_checkpoint(folder / "t.pt")
    assert model.config.actions == ("w8a8", "w4a4", "w8a8r24", "skip", "skip2")
    assert model.policy is not None
    assert list(report["stages"]) == list(STAGES)
    assert model.record["data"] == TINY_DATA
    assert model.record["seed"] == 5
    assert {k: v["epochs"] for k, v in model.record["stages"].items()} == dict(
        zip(STAGES, (2, 2, 2, 3), strict=True)
    )
    assert msgspec.convert(model.record["config"], TrainConfig) == tiny_config
    uses = [v for k, v in report["stages"]["policy"].items() if k.startswith("use/")]
    assert len(uses) == 5
    assert sum(uses) == pytest.approx(1.0)
    assert cv2.imread(report["curves"]) is not None


def test_validation_agrees_with_the_checkpoint(
    finished: tuple[Path, dict[str, Any]], tiny_config: TrainConfig, tiny_cache: Path
) -> None:
    """Recompute the logged accuracy of a program from the file alone."""
    from edge_dnq.train.data import open_dataset

    folder, report = finished
    model = load_checkpoint(folder / "t.pt")
    clips = open_dataset(
        TINY_DATA, "val", clip_frames=4, cache_size=32, cache_dir=tiny_cache, seed=5
    )
    hits = 0
    with torch.no_grad():
        for index in range(len(clips)):
            frames = model.normalise(torch.from_numpy(clips.clip(index).copy()))
            logits = model.backbone(frames, "w4a4").mean(0)
            hits += int(logits.argmax()) == int(clips.targets[index])
    logged = report["stages"]["any-precision"]["top1/w4a4"]
    assert hits / len(clips) == pytest.approx(logged)


def test_interrupted_run_comes_to_the_same_result(
    finished: tuple[Path, dict[str, Any]],
    tiny_config: TrainConfig,
    tiny_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Interrupt inside a stage, after a stage's last epoch, and in each later stage."""
    breaks = [("full-precision", 2), ("any-precision", 1), ("policy-pretraining", 2), ("policy", 2)]
    add = MetricsLog.add

    def interrupted(log: MetricsLog, entry: Entry) -> None:
        add(log, entry)
        if breaks and (entry["stage"], entry["epoch"]) == breaks[0]:
            breaks.pop(0)
            raise KeyboardInterrupt  # logged, but not saved: the epoch has to be repeated

    monkeypatch.setattr(MetricsLog, "add", interrupted)
    for attempt in range(4):
        with pytest.raises(KeyboardInterrupt):
            train(task(tiny_config, tiny_cache, tmp_path, resume=attempt > 0))
        assert not (tmp_path / "t.pt").exists()
    train(task(tiny_config, tiny_cache, tmp_path, resume=True))
    assert_same_result(finished[0], tmp_path)


def test_stages_one_by_one_come_to_the_same_result(
    finished: tuple[Path, dict[str, Any]],
    tiny_config: TrainConfig,
    tiny_cache: Path,
    tmp_path: Path,
) -> None:
    first = task(tiny_config, tiny_cache, tmp_path, stage="full-precision")
    train(first)
    assert load_checkpoint(tmp_path / "t.pt").config.backbone.full_precision
    with pytest.raises(EdgeDnqError, match="has 0 of 2 epochs: run that one first"):
        train(task(tiny_config, tiny_cache, tmp_path, stage="policy", resume=True))
    train(task(tiny_config, tiny_cache, tmp_path, stage="any-precision", resume=True))
    assert load_checkpoint(tmp_path / "t.pt").policy is None
    train(task(tiny_config, tiny_cache, tmp_path, stage="policy", resume=True))
    assert_same_result(finished[0], tmp_path)


def test_finished_run_has_nothing_left_to_do(
    finished: tuple[Path, dict[str, Any]], tiny_config: TrainConfig, tiny_cache: Path
) -> None:
    folder, report = finished
    before = values(folder)
    again = train(task(tiny_config, tiny_cache, folder, resume=True))
    assert again["stages"] == report["stages"]
    assert values(folder) == before


def test_run_directory_belongs_to_one_run(
    finished: tuple[Path, dict[str, Any]], tiny_config: TrainConfig, tiny_cache: Path
) -> None:
    folder, _ = finished
    with pytest.raises(EdgeDnqError, match="pass --resume"):
        train(task(tiny_config, tiny_cache, folder))
    other = msgspec.structs.replace(tiny_config, policy_holdout=0.3)
    with pytest.raises(EdgeDnqError, match=r"config\.policy_holdout: 0\.5, now 0\.3"):
        train(task(other, tiny_cache, folder, resume=True))
    with pytest.raises(EdgeDnqError, match="is no training run"):
        train(task(tiny_config, tiny_cache, folder, run_dir=folder))


def test_damaged_state(tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path) -> None:
    train(task(tiny_config, tiny_cache, tmp_path, stage="full-precision"))
    state = tmp_path / "run" / "full-precision.state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(EdgeDnqError, match="damaged or of another run: delete it"):
        train(task(tiny_config, tiny_cache, tmp_path, resume=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cache_size": 16}, "cache_size=16 is smaller than backbone.input_size=32"),
        ({"policy_holdout": 0.01}, "leaves a stage without clips"),
    ],
)
def test_settings_that_cannot_work(
    changes: dict[str, Any],
    message: str,
    tiny_config: TrainConfig,
    tiny_cache: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(EdgeDnqError, match=message):
        train(task(msgspec.structs.replace(tiny_config, **changes), tiny_cache, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_frozen_parts_stay_as_they_were(
    tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path
) -> None:
    """Runs of one and of two epochs start alike: what is frozen is alike at their ends, too."""
    ends = []
    for epochs in (1, 2):
        stage = msgspec.structs.replace(
            tiny_config.full_precision, epochs=epochs, frozen=("stem", "stages.0")
        )
        config = msgspec.structs.replace(tiny_config, full_precision=stage)
        folder = tmp_path / str(epochs)
        train(task(config, tiny_cache, folder, stage="full-precision"))
        state = torch.load(folder / "run" / "full-precision.state.pt", weights_only=True)
        ends.append(state["network"])
    first, second = ends
    for name, value in first.items():
        frozen = name.startswith(("stem.", "stages.0."))
        if frozen or value.dim() > 1:
            assert torch.equal(value, second[name]) == frozen, name


def test_divergence_is_told(tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path) -> None:
    stage = msgspec.structs.replace(
        tiny_config.full_precision,
        epochs=20,
        optimiser=msgspec.structs.replace(
            tiny_config.full_precision.optimiser,
            learning_rate=1e30, schedule="constant", max_gradient_norm=None,
        ),
    )  # fmt: skip
    config = msgspec.structs.replace(tiny_config, full_precision=stage)
    with pytest.raises(EdgeDnqError, match="full-precision stage is not finite"):
        train(task(config, tiny_cache, tmp_path))


@pytest.mark.slow
def test_two_processes_train_together(
    tiny_config: TrainConfig, tiny_cache: Path, tmp_path: Path
) -> None:
    """Run the real command under torchrun, over gloo."""
    settings = tmp_path / "c.json"
    settings.write_bytes(msgspec.json.encode(tiny_config))
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        "-m", "edge_dnq.cli.main", "train", "--data", TINY_DATA, "--device", "cpu", "--json",
        "--config", str(settings), "--cache-dir", str(tiny_cache), "-o", str(tmp_path / "t.pt"),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=REPOSITORY, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.strip().splitlines()[-1])
    assert list(report["stages"]) == list(STAGES)
    model = load_checkpoint(tmp_path / "t.pt")
    assert msgspec.convert(model.record["config"], TrainConfig) == tiny_config
    assert model.record["stages"]["policy"]["epochs"] == 3
    log = MetricsLog(tmp_path / "t.run" / "metrics.jsonl")
    assert len(log.entries) == 2 + 2 + 2 + 3  # written by one process, not by both
