from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.cross_validation import main
from edge_dnq.bundle import Bundle
from edge_dnq.evaluation import evaluate
from edge_dnq.synthetic import render_clip, write_clip

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

CLIPS = 6


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds of three clips each, from recordings of one and of two clips."""
    folder = tmp_path_factory.mktemp("folds")
    for seed in range(CLIPS):
        write_clip(folder / f"{seed}.mp4", render_clip(seed, frames=4, size=64))
    for fold in range(2):
        rows = ["path,label,split,recording"]
        for seed in range(CLIPS):
            split = "val" if seed // 3 == fold else "train"
            rows.append(f"{seed}.mp4,class_{seed % 3},{split},tape {(seed + 1) // 2}")
        (folder / f"fold{fold}.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_folds_are_pooled(folds: Path, bundle_folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "cv.json"
    words = [str(folds), str(bundle_folder), str(bundle_folder), "--frames", "4"]
    outcome = CliRunner().invoke(main, [*words, "-o", str(report)])
    assert outcome.exit_code == 0, outcome.output
    assert "2 folds: 6 clips of 4 groups" in outcome.output
    facts = json.loads(report.read_text())
    assert (facts["clips"], facts["frames"], facts["groups"]) == (CLIPS, 4 * CLIPS, 4)
    points = {point["policy"]: point for point in facts["points"]}
    bundle = Bundle.load(bundle_folder)
    for policy in ("uniform:w4a4", "w8a8,skip"):
        parts = [
            evaluate(bundle, folds / f"fold{fold}.csv", "val", policy=policy, frames=4)
            for fold in range(2)
        ]
        expected = sum(part.accuracy_top1 for part in parts) / 2
        assert points[policy]["accuracy_top1"]["mean"] == pytest.approx(expected)
    assert any(point["against"] for point in facts["points"])
    table = CliRunner().invoke(main, [*words, "--markdown"]).output
    assert "| `uniform:w8a8` |" in table
    assert "| points of accuracy over | a uniform program | every n-th frame |" in table


def test_as_many_bundles_as_folds(folds: Path, bundle_folder: Path, tmp_path: Path) -> None:
    for words in ([str(folds), str(bundle_folder)], [str(tmp_path), str(bundle_folder)]):
        outcome = CliRunner().invoke(main, words)
        assert outcome.exit_code != 0
        assert "give one per fold" in outcome.output
        assert "Traceback" not in outcome.output
