"""Checkpoint in, checked bundle out; or nothing at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import EdgeDnqError, ExportError
from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.model import VideoModel
from edge_dnq.synthetic import render_clip
from edge_dnq_export import reference
from edge_dnq_export.pipeline import ExportReport, export_bundle
from edge_dnq_export.random_model import random_model


@pytest.fixture(scope="module")
def model() -> VideoModel:
    policy = PolicyConfig(input_size=24, channels=(8, 8), hidden=8, skip_lengths=(1, 2))
    return random_model("resnet18", input_size=32, classes=5, width=0.125, policy=policy)


@pytest.fixture(scope="module")
def exported(
    model: VideoModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ExportReport, Bundle]:
    folder = tmp_path_factory.mktemp("export") / "bundle"
    report = export_bundle(model, folder, name="tiny", golden_frames=render_clip(7).frames)
    return report, Bundle.load(folder)


def test_the_report_says_what_was_seen(exported: tuple[ExportReport, Bundle]) -> None:
    report, _ = exported
    assert [program.name for program in report.programs] == ["w8a8", "w4a4", "w2a2"]
    assert [program.levels for program in report.programs] == [256, 16, 4]
    for program in report.programs:
        assert program.outputs == 8 * 5
        assert set(program.rounding) == {"conv", "add", "mean", "linear"}
        assert program.rounding["conv"] == program.rounding["linear"] == 0
    assert report.policy is not None
    assert report.policy.difference < 1e-4
    assert report.policy.rounding["conv"] == 0


def test_the_manifest_describes_the_model(
    model: VideoModel, exported: tuple[ExportReport, Bundle]
) -> None:
    manifest = exported[1].manifest
    assert manifest.labels == model.config.labels
    assert [action.name for action in manifest.actions] == ["w8a8", "w4a4", "w2a2", "skip", "skip2"]
    assert [action.skip for action in manifest.actions] == [0, 0, 0, 1, 2]
    assert all(program.macs == model.backbone.macs(program.name) for program in manifest.programs)
    assert {path.name for path in exported[1].path.iterdir()} == {
        "manifest.json",
        "golden.npz",
        "policy.tflite",
        "w8a8.tflite",
        "w4a4.tflite",
        "w2a2.tflite",
    }


def test_golden_outputs_are_the_references(
    model: VideoModel, exported: tuple[ExportReport, Bundle]
) -> None:
    golden = exported[1].golden()
    assert golden["frames"].shape == (8, 32, 32, 3)
    assert len(np.unique(golden["program/w2a2"])) > 2
    from edge_dnq_export.lowering import lower

    codes = (golden["frames"].astype(np.int16) - 128).astype(np.int8)
    for program in model.backbone.programs:
        graph = lower(model.backbone, program)
        expected = reference.run(graph, codes)[graph.output]
        np.testing.assert_array_equal(golden[f"program/{program}"], expected)


def test_a_program_that_answers_differently_is_refused(
    model: VideoModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference is made to round MEAN down: the real runtime must be caught disagreeing."""

    def floor_mean(codes: np.ndarray, source: object, output: object) -> np.ndarray:
        return np.clip(true_mean(codes, source, output).astype(int) - 1, -128, 127).astype(np.int8)

    true_mean = reference.mean
    monkeypatch.setattr(reference, "mean", floor_mean)
    with pytest.raises(
        ExportError, match=r"w8a8\.tflite differs from the integer reference in \d+"
    ):
        export_bundle(model, tmp_path / "bundle", name="tiny")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_nothing(model: VideoModel, tmp_path: Path) -> None:
    def interrupt(step: str) -> None:
        if step == "program w4a4":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_bundle(model, tmp_path / "bundle", name="tiny", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_only_bundles_are_overwritten(
    model: VideoModel, exported: tuple[ExportReport, Bundle], tmp_path: Path
) -> None:
    with pytest.raises(EdgeDnqError, match="already exists"):
        export_bundle(model, exported[1].path, name="tiny")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(EdgeDnqError, match="is not a bundle: it is left alone"):
        export_bundle(model, mine, name="tiny", overwrite=True)
    assert (mine / "thesis.tex").read_text() == "years of work"
