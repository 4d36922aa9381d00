"""Imported checkpoints as bundles: what they state about themselves, and that they run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge_dnq import Session
from edge_dnq.bundle import Bundle
from edge_dnq.errors import EdgeDnqError, ExportError
from edge_dnq.executorch_library import library_status
from edge_dnq.nn.videoiq.model import ImportedModel, ImportOptions, load_videoiq
from edge_dnq.programs.tflite_file import read_program_facts
from edge_dnq.synthetic import render_clip
from edge_dnq.verification import FLOAT_TOLERANCE, verify_bundle
from edge_dnq_export.targets import RuntimeChoice
from edge_dnq_export.videoiq.pipeline import ImportReport, export_imported
from tests.edge_dnq.nn.videoiq.checkpoints import random_state, save

pytest.importorskip("litert_torch", reason="the exporter is not installed")

SIDE = 64


def imported(folder: Path, options: ImportOptions | None = None, **made: object) -> ImportedModel:
    path = save(folder / "model.pth.tar", random_state(**made))  # type: ignore[arg-type]
    return load_videoiq(path, options or ImportOptions(input_size=SIDE))


@pytest.fixture(scope="module")
def one_parent(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImportedModel, ImportReport]:
    folder = tmp_path_factory.mktemp("one-parent")
    options = ImportOptions(input_size=SIDE, skip_lengths=(1, 2))
    model = imported(folder, options, skips=2, features=96, hidden=24)
    runtime: RuntimeChoice = "both" if library_status().available else "litert"
    report = export_imported(model, folder / "bundle", name="one", runtime=runtime)
    return model, report


@pytest.mark.slow
def test_programs_state_their_distance_to_the_float_arithmetic(
    one_parent: tuple[ImportedModel, ImportReport],
) -> None:
    model, report = one_parent
    assert [program.name for program in report.programs] == ["w32a32", "w4a4", "w2a2"]
    assert [program.levels for program in report.programs] == [None, 16, 4]
    bounds = {"w32a32": 1e-5, "w4a4": 0.25, "w2a2": 0.8}
    checked = verify_bundle(report.path)
    assert checked.ok, checked.programs
    frames = torch.from_numpy(Bundle.load(report.path).golden()["frames"])
    for program in report.programs:
        check = checked.programs[program.name]
        assert check.float_difference is not None
        assert check.float_difference == pytest.approx(program.float_difference, rel=1e-3, abs=1e-7)
        assert program.float_difference < bounds[program.name], program
        # What the bundle holds as the float arithmetic is that of the checkpoint.
        source = model.backbone(model.programs[program.name])(model.normalise(frames)).numpy()
        held = Bundle.load(report.path).golden()[f"float/{program.name}"]
        np.testing.assert_allclose(held, source, atol=1e-4)
    low, lowest = report.programs[1:]
    assert len(low.layers) == len(lowest.layers) == 19
    assert sum(layer.narrow for layer in low.layers) > 15, low.layers


@pytest.mark.slow
def test_the_manifest_and_files_are_those_of_the_checkpoint(
    one_parent: tuple[ImportedModel, ImportReport],
) -> None:
    model, report = one_parent
    bundle = Bundle.load(report.path)
    manifest = bundle.manifest
    assert [action.name for action in manifest.actions] == list(model.actions)
    assert [action.skip for action in manifest.actions] == [0, 0, 0, 1, 2]
    assert manifest.clip_frames == 16
    assert manifest.input.mean == (123.675, 116.28, 103.53)
    for program in manifest.programs:
        facts = read_program_facts(bundle.read(program.files["litert"]))
        if program.weight_bits == 32:
            assert program.input.dtype == program.output.dtype == "float32"
            assert set(facts.tensors) == {"FLOAT32", "INT32"}
        else:
            assert facts.activation_levels == {2**program.activation_bits: 16}
    assert manifest.policy is not None
    assert manifest.policy.inputs[0].shape == (1, SIDE, SIDE, 3)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["auto", "off"])
def test_executorch_answers_alike(
    one_parent: tuple[ImportedModel, ImportReport], executorch_library: Path, kernels: str
) -> None:
    _, report = one_parent
    checked = verify_bundle(report.path, runtime="executorch", kernels=kernels)
    assert checked.ok, checked.programs
    bundle = Bundle.load(report.path)
    for spec in bundle.manifest.programs:
        whole = spec.weight_bits < 32
        assert ("executorch-kernels" in spec.files) == whole
        use = checked.programs[spec.name].kernels
        assert use is not None
        assert (use.isa is not None) == (whole and kernels == "auto"), f"{spec.name}: {use}"
    sessions = [Session(bundle, runtime=name) for name in ("litert", "executorch")]
    for frame in render_clip(5, frames=8, size=SIDE).frames:
        first, second = (session.step(frame) for session in sessions)
        assert first.action == second.action
        if first.logits is not None and first.action != "w32a32":
            np.testing.assert_array_equal(second.logits, first.logits)


@pytest.mark.slow
def test_a_session_follows_the_float_policy_and_averages_features(
    one_parent: tuple[ImportedModel, ImportReport],
) -> None:
    """Decisions by argmax of a torch policy beside it; the classifier of the mean features."""
    model, report = one_parent
    policy = model.policy()
    assert policy is not None
    session = Session(Bundle.load(report.path))
    h = c = torch.zeros(1, policy.hidden)
    held, executed = 0, []
    for index, frame in enumerate(render_clip(3, frames=12, size=SIDE).frames):
        step = session.step(frame)
        if held:
            held -= 1
            assert not step.executed
            continue
        x = model.normalise(torch.from_numpy(frame[None]))
        with torch.no_grad():
            logits, h, c = policy(x, h, c)
        assert step.policy_logits is not None
        np.testing.assert_allclose(step.policy_logits, logits[0].numpy(), atol=1e-2)
        allowed = logits[0, :3] if index == 0 else logits[0]
        assert step.action == model.actions[int(allowed.argmax())]
        held = {"skip2": 1}.get(step.action, 0)
        if step.logits is not None:
            executed.append(step.logits)
    mean = np.mean(executed, axis=0)
    assert session.result().label == model.labels[int(mean.argmax())]


@pytest.mark.slow
def test_a_separate_backbone_as_calibrated_integers(tmp_path: Path) -> None:
    model = imported(tmp_path, bits=(4, 2), full=True, with_policy=False, classes=3, seed=4)
    out, clip = tmp_path / "bundle", render_clip(1, frames=12, size=SIDE).frames
    report = export_imported(model, out, name="two", calibration=clip, integer_top=True)
    assert [program.name for program in report.programs] == ["w8a8", "w4a4", "w2a2"]
    top, low, _ = report.programs
    assert top.float_difference < 0.15, top
    # A parent of 4 bits is odd integers and nothing else.
    assert all(layer.narrow and abs(layer.constant) < 1e-12 for layer in low.layers)
    assert report.calibrated
    checked = verify_bundle(out)
    assert checked.ok, checked.programs
    assert Bundle.load(out).manifest.policy is None
    assert Session(Bundle.load(out), policy="uniform:w2a2").step(clip[0]).logits is not None


def test_a_top_that_cannot_be_made(tmp_path: Path) -> None:
    clip = render_clip(1, frames=2, size=SIDE).frames
    top = imported(tmp_path, with_policy=False)
    with pytest.raises(ExportError, match="needs --calibrate CLIPS"):
        export_imported(top, tmp_path / "bundle", name="x", integer_top=True)
    for bits, message in (((4, 2), "has no 32-bit program"), ((32, 8), "has an 8-bit program")):
        model = imported(tmp_path, bits=bits, with_policy=False)
        with pytest.raises(ExportError, match=message):
            export_imported(
                model, tmp_path / "bundle", name="x", calibration=clip, integer_top=True
            )
    assert [path.name for path in tmp_path.iterdir()] == ["model.pth.tar"]


def test_nothing_but_bundles_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(EdgeDnqError, match="is not a bundle: it is left alone"):
        export_imported(imported(tmp_path), mine, name="x", overwrite=True)
    assert (mine / "thesis.tex").read_text() == "years of work"


@pytest.mark.slow
def test_a_damaged_float_program_is_caught(
    one_parent: tuple[ImportedModel, ImportReport], tmp_path: Path
) -> None:
    """Golden outputs moved by more than rounding of float32 sums, and by less."""
    _, report = one_parent
    bundle = Bundle.load(report.path)
    golden = dict(bundle.golden())
    scale = max(1.0, float(np.abs(golden["program/w32a32"]).max()))
    for factor, agrees in ((0.5, True), (2.0, False)):
        moved = tmp_path / f"moved-{factor}"
        moved.mkdir()
        from edge_dnq.bundle import GOLDEN, file_spec, write_manifest

        for path in bundle.path.iterdir():
            (moved / path.name).write_bytes(path.read_bytes())
        changed = golden["program/w32a32"] + np.float32(factor * FLOAT_TOLERANCE * scale)
        np.savez_compressed(
            moved / GOLDEN, allow_pickle=False, **{**golden, "program/w32a32": changed}
        )
        import msgspec

        write_manifest(
            moved, msgspec.structs.replace(bundle.manifest, golden=file_spec(moved, GOLDEN))
        )
        result = verify_bundle(moved)
        assert result.programs["w32a32"].ok == agrees, result.programs["w32a32"]
        assert result.programs["w4a4"].ok
