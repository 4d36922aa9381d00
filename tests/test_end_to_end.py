"""From rendered clips to an evaluated bundle, by the command line alone."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.cli.main import main
from edge_dnq.synthetic import render_clip

DATA = "synthetic:48"
SETTINGS = {
    "backbone": {"width": 0.125, "input_size": 32, "stem": "small"},
    "policy": {"input_size": 16, "channels": [4, 8], "hidden": 8},
    "clip_frames": 4,
    "cache_size": 40,
    "full_precision": {"epochs": 12, "batch": 16, "mixup": 0.0},
    "any_precision": {"epochs": 6, "batch": 16, "mixup": 0.0},
    "policy_training": {"pretraining_epochs": 2, "epochs": 4, "batch": 8, "views": 2},
}

pytest.importorskip("litert_torch", reason="the exporter is not installed")


def call(*words: str | Path) -> None:
    assert main([*map(str, words)]) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny trained checkpoint ``m.pt`` and its bundle ``b``."""
    where = tmp_path_factory.mktemp("whole")
    (where / "settings.json").write_text(json.dumps(SETTINGS))
    call(
        "train", "--data", DATA, "--preset", "quick", "--config", where / "settings.json",
        "--run-dir", where / "run", "--cache-dir", where / "cache", "-o", where / "m.pt", "--json",
    )  # fmt: skip
    call("export", where / "m.pt", "-o", where / "b", "--json")
    return where


def last_values(folder: Path, stage: str) -> dict[str, float]:
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    values: dict[str, float] = [e for e in entries if e["stage"] == stage][-1]["values"]
    return values


@pytest.mark.slow
@pytest.mark.parametrize("program", ["w8a8", "w4a4", "w2a2"])
def test_accuracy_in_training_is_the_accuracy_of_the_bundle(
    folder: Path, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    call("eval", folder / "b", DATA, "--policy", f"uniform:{program}", "--json")
    measured = json.loads(capsys.readouterr().out)
    assert measured["clips"] == 12
    assert measured["actions"][program] == 1.0
    trained = last_values(folder, "any-precision")[f"top1/{program}"]
    assert measured["accuracy_top1"] == pytest.approx(trained)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["learned", "random", "w8a8,skip,w2a2"])
def test_every_policy_can_be_evaluated(
    folder: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    call("eval", folder / "b", DATA, "--policy", policy, "--json")
    measured = json.loads(capsys.readouterr().out)
    assert sum(measured["actions"].values()) == pytest.approx(1.0)
    assert measured["frames"] == 12 * 4
    assert 0 < measured["relative_cost"] < 10


@pytest.mark.slow
def test_real_frames_run_through_the_exported_bundle(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = render_clip(11, frames=6, size=80).frames
    (tmp_path / "frames").mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(
            str(tmp_path / "frames" / f"{index}.png"), np.ascontiguousarray(frame[..., ::-1])
        )
    capsys.readouterr()
    call("run", folder / "b", tmp_path / "frames", "--json")
    run = json.loads(capsys.readouterr().out)
    assert len(run["frames"]) == 6
    assert run["frames"][0]["action"] != "skip"
    assert run["result"]["label"] in Bundle.load(folder / "b").manifest.labels
