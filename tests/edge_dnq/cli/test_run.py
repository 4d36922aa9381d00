from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.session import Session
from edge_dnq.synthetic import render_clip
from edge_dnq.video.sources import open_source
from tests.edge_dnq.cli.conftest import CLIP_FRAMES, Cli, command, run_with_small_files


def test_json_contract(cli: Cli, bundle_folder: Path, bundle: Bundle, clip: Path) -> None:
    facts = cli("run", bundle_folder, clip, "--json").json
    assert set(facts) == {
        "frames", "actions", "result", "latency_ms", "dropped", "runtime", "kernels",
        "relative_cost", "cost_table", "budget",
    }  # fmt: skip
    assert len(facts["frames"]) == CLIP_FRAMES
    for index, frame in enumerate(facts["frames"]):
        assert set(frame) == {"index", "time_s", "action", "latency_ms", "top1"}
        assert frame["index"] == index
        assert frame["latency_ms"] > 0
        assert frame["top1"] in bundle.manifest.labels
    assert list(facts["actions"]) == [action.name for action in bundle.manifest.actions]
    for name, count in facts["actions"].items():
        assert count == sum(frame["action"] == name for frame in facts["frames"])
    assert set(facts["result"]) == {"label", "score", "top5"}
    assert facts["result"]["top5"][0] == {
        "label": facts["result"]["label"],
        "score": facts["result"]["score"],
    }
    assert len(facts["result"]["top5"]) == 5
    latency = facts["latency_ms"]
    assert set(latency) == {"mean", "p50", "p95"}
    assert 0 < latency["p50"] <= latency["p95"]
    own = [frame["latency_ms"] for frame in facts["frames"]]
    assert latency["mean"] == pytest.approx(np.mean(own))
    assert latency["p95"] == pytest.approx(np.percentile(own, 95), rel=1e-5)
    assert facts["dropped"] == 0
    assert facts["runtime"] == "litert"
    assert set(facts["kernels"]) == {*(p.name for p in bundle.manifest.programs), "policy"}
    for use in facts["kernels"].values():
        assert use["isa"] is not None or use["problem"]
        assert use["claimed"] + len(use["declined"]) == use["operations"]


def test_the_command_line_says_what_the_library_says(
    cli: Cli, bundle_folder: Path, bundle: Bundle, clip: Path
) -> None:
    session = Session(bundle)
    with open_source(clip) as source:
        actions = [session.step(frame.image).action for frame in source]
    facts = cli("run", bundle_folder, clip, "--json").json
    assert [frame["action"] for frame in facts["frames"]] == actions
    assert facts["result"]["label"] == session.result().label
    assert facts["result"]["score"] == pytest.approx(session.result().score)


def test_policies_rate_and_limit(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    facts = cli("run", bundle_folder, clip, "--policy", "w8a8,skip", "--limit", 5, "--json").json
    taken = [frame["action"] for frame in facts["frames"]]
    assert taken == ["w8a8", "skip", "w8a8", "skip", "w8a8"]
    sampled = cli("run", bundle_folder, clip, "--rate", 4, "--json").json
    assert len(sampled["frames"]) == CLIP_FRAMES // 2  # the clip has 8 frames per second
    words = ("run", bundle_folder, clip, "--policy", "random", "--json", "--seed")
    first, again, other = (
        [frame["action"] for frame in cli(*words, seed).json["frames"]] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_mistyped_policy_is_told_the_right_one(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    assert "did you mean w4a4" in cli("run", bundle_folder, clip, "--policy", "w4a").error
    assert "learned" in cli("run", bundle_folder, clip, "--policy", "best:1").error


def test_without_a_terminal_there_is_a_line_per_frame(
    cli: Cli, bundle_folder: Path, clip: Path
) -> None:
    outcome = cli("run", bundle_folder, clip)
    assert outcome.code == 0
    assert sum(line.startswith("frame ") for line in outcome.out.splitlines()) == CLIP_FRAMES
    assert f"{CLIP_FRAMES} frames, 0 dropped" in outcome.out
    assert "next: edge-dnq run" in outcome.out


def test_overlay_and_timeline(cli: Cli, bundle_folder: Path, clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    overlay, timeline = tmp_path / "seen.mp4", tmp_path / "seen.png"
    outcome = cli("run", bundle_folder, clip, "--overlay", overlay, "--timeline", timeline)
    assert outcome.code == 0
    with open_source(overlay) as source:
        frames = [frame.image for frame in source]
    assert len(frames) == CLIP_FRAMES
    assert frames[0].shape[0] >= 360
    picture = cv2.imread(str(timeline))
    assert picture is not None
    assert picture.std() > 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seen.mp4", "seen.png"]


def test_a_folder_of_images_whose_size_changes(
    cli: Cli, bundle_folder: Path, tmp_path: Path
) -> None:
    for index, size in enumerate((64, 200, 48)):
        image = render_clip(index, frames=1, size=size).frames[0]
        cv2.imwrite(str(tmp_path / f"{index}.png"), image)
    overlay = tmp_path / "seen.mp4"
    outcome = cli("run", bundle_folder, tmp_path, "--overlay", overlay, "--json")
    assert len(outcome.json["frames"]) == 3
    with open_source(overlay) as source:
        assert len({frame.image.shape for frame in source}) == 1


def test_one_frame(cli: Cli, bundle_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    cv2.imwrite(str(path), render_clip(0, frames=1, size=64).frames[0])
    facts = cli("run", bundle_folder, path, "--json", "--policy", "skip,w8a8").json
    assert [frame["action"] for frame in facts["frames"]] == ["w8a8"]  # no skip before a result


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path, clip: None, "no such video"),
        (lambda path, clip: path.write_bytes(b""), "empty"),
        (lambda path, clip: path.write_bytes(clip[:600]), "cannot open"),
        (lambda path, clip: path.write_bytes(bytes(range(256)) * 40), "cannot open"),
        (lambda path, clip: path.write_text("hello\n" * 100), "text file"),
    ],
    ids=["missing", "empty", "truncated", "noise", "text"],
)
def test_bad_sources(
    cli: Cli, bundle_folder: Path, clip: Path, tmp_path: Path, make: object, words: str
) -> None:
    source, overlay = tmp_path / "bad.mp4", tmp_path / "seen.mp4"
    make(source, clip.read_bytes())  # type: ignore[operator]
    outcome = cli("run", bundle_folder, source, "--overlay", overlay, "--json")
    assert outcome.code == 2
    assert words in outcome.error
    assert outcome.out == ""
    assert [path for path in tmp_path.iterdir() if path != source] == []


def test_bad_cameras_and_outputs(cli: Cli, bundle_folder: Path, clip: Path, tmp_path: Path) -> None:
    assert "camera" in cli("run", bundle_folder, "camera:99").error
    assert "camera:N" in cli("run", bundle_folder, "camera:x").error
    assert ".mp4" in cli("run", bundle_folder, clip, "--overlay", tmp_path / "seen.avi").error
    assert ".png" in cli("run", bundle_folder, clip, "--timeline", tmp_path / "seen.gif").error
    blocked = tmp_path / "file"
    blocked.write_text("")
    outcome = cli("run", bundle_folder, clip, "--overlay", blocked / "seen.mp4")
    assert "cannot write" in outcome.error


def test_a_full_disk_leaves_no_overlay(bundle_folder: Path, clip: Path, tmp_path: Path) -> None:
    """A limit on the size of files stops the encoder as a full disk would."""
    words = command("run", bundle_folder, clip, "--overlay", tmp_path / "seen.mp4", "--json")
    done = run_with_small_files(words)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "cannot write" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_budgets(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    def actions(*words: object) -> list[str]:
        facts = cli("run", bundle_folder, clip, "--json", *words).json
        return [frame["action"] for frame in facts["frames"]]

    def facts(*words: object) -> Any:
        return cli("run", bundle_folder, clip, "--json", *words).json["budget"]

    plain = actions()
    assert facts() is None
    assert actions("--budget-ms", 1e6) == plain, "within the budget it is the learned policy"
    assert facts("--budget-ms", 1e6)["lambda"] == 0.0
    assert actions("--deadline-ms", 1e6) == plain
    tight = facts("--cost", 0.01, "--window", 16)
    assert tight["lambda"] > 0
    assert tight["held"] > tight["target"] == 0.01
    assert tight["unit"] == "cost"
    assert facts("--fps", 30)["held"] > 0
    # Nothing fits: the cheapest program once, as the rule wants, then skips.
    hurried = actions("--deadline-ms", 1e-6)
    assert all(action.startswith("skip") for action in hurried[1:]), hurried
    assert "out of reach" in cli("run", bundle_folder, clip, "--cost", 0.001).err


def test_budget_mistakes(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    assert "take one" in cli("run", bundle_folder, clip, "--fps", 5, "--cost", 0.5).error
    assert "learned" in cli("run", bundle_folder, clip, "--fps", 5, "--policy", "random").error
    assert "budget-ms" in cli("run", bundle_folder, clip, "--budget-ms", 0).error
