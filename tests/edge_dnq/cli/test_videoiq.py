"""Checkpoints of the original VideoIQ code at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from tests.edge_dnq.cli.conftest import Cli

torch = pytest.importorskip("torch")

from tests.edge_dnq.nn.videoiq.checkpoints import random_state, save  # noqa: E402


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("theirs") / "theirs.pth.tar"
    return save(path, random_state(with_policy=False, classes=3))


def test_inspect_tells_what_was_recognised(cli: Cli, theirs: Path) -> None:
    facts = cli("inspect", theirs, "--json").json
    assert facts["kind"] == "videoiq"
    assert facts["family"] == "one parent"
    assert facts["architecture"] == "resnet18"
    assert facts["precisions"] == [32, 4, 2]
    assert facts["actions"] == ["w32a32", "w4a4", "w2a2"]
    assert facts["classes"] == 3
    assert facts["policy"] is None
    shown = cli("inspect", theirs).out
    assert "resnet18, one parent" in shown
    assert f"next: edge-dnq export {theirs}" in shown


def test_inspect_asks_for_what_the_file_does_not_say(cli: Cli, tmp_path: Path) -> None:
    path = save(tmp_path / "m.pth.tar", random_state(skips=2, features=32, hidden=8))
    outcome = cli("inspect", path)
    assert outcome.code == 2
    assert "--skip-lengths 1,2" in outcome.error
    facts = cli("inspect", path, "--skip-lengths", "1,4", "--json").json
    assert facts["actions"] == ["w32a32", "w4a4", "w2a2", "skip", "skip4"]
    assert facts["policy"]["network"] == "MobileNetV2"
    assert "whole numbers" in cli("inspect", path, "--skip-lengths", "one").error


@pytest.mark.parametrize("verb", ["inspect", "export"])
def test_what_is_no_checkpoint(cli: Cli, verb: str, tmp_path: Path) -> None:
    out = ("-o", tmp_path / "bundle") if verb == "export" else ()
    missing = cli(verb, tmp_path / "none.pth.tar", *out)
    assert missing.code == 2
    assert "does not exist" in missing.err
    noise = tmp_path / "noise.pth"
    noise.write_bytes(bytes(range(256)) * 8)
    assert "is damaged or not a torch file" in cli(verb, noise, *out).err
    other = tmp_path / "other.pth.tar"
    torch.save({"state_dict": {"encoder.weight": torch.ones(3)}}, other)
    assert "has no backbone.conv1.weight; it has encoder.weight" in cli(verb, other, *out).err


def test_options_that_do_not_belong(
    cli: Cli, theirs: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    assert "belong to --random" in cli("export", theirs, "-o", out, "--classes", 3).error
    outcome = cli("export", checkpoint, "-o", out, "--top", "int8", "--bits", "4,2")
    assert "--bits, --top: only for VideoIQ checkpoints" in outcome.error
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\n")
    assert "has 3 classes, but 2 labels" in cli("export", theirs, "-o", out, "--labels", labels).err
    assert "needs --calibrate" in cli("export", theirs, "-o", out, "--top", "int8").err
    empty = tmp_path / "empty"
    empty.mkdir()
    outcome = cli("export", theirs, "-o", out, "--input", 64, "--calibrate", empty)
    assert "holds no video to calibrate on" in outcome.err
    assert not out.exists()


@pytest.mark.slow
def test_a_checkpoint_becomes_a_bundle_that_verifies_and_runs(
    cli: Cli, theirs: Path, clip: Path, tmp_path: Path
) -> None:
    pytest.importorskip("litert_torch", reason="the exporter is not installed")
    out, labels = tmp_path / "made", tmp_path / "labels.txt"
    labels.write_text("run\njump\nwalk\n")
    outcome = cli(
        "export", theirs, "-o", out, "--input", 64, "--labels", labels, "--top", "int8",
        "--calibrate", clip, "--frames", clip, "--clip-frames", 12,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "corrected" in outcome.out
    assert f"next: edge-dnq verify {out}" in outcome.out
    manifest = Bundle.load(out).manifest
    assert manifest.labels == ("run", "jump", "walk")
    assert manifest.clip_frames == 12
    assert [program.name for program in manifest.programs] == ["w8a8", "w4a4", "w2a2"]
    shown = cli("verify", out)
    assert shown.code == 0, shown.out
    assert "to float" in shown.out
    run = cli("run", out, clip, "--policy", "w4a4,skip", "--limit", 4, "--json")
    assert "unknown action 'skip'" in run.error
    run = cli("run", out, clip, "--policy", "w4a4,w2a2", "--limit", 4, "--json")
    assert [frame["action"] for frame in run.json["frames"]] == ["w4a4", "w2a2"] * 2
    assert cli("inspect", out).code == 0
