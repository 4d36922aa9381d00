from __future__ import annotations

from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.session import Session
from edge_dnq.sweep.front import FAMILIES, front_of
from edge_dnq.sweep.outcomes import load_outcomes
from edge_dnq.video.sampling import sample_clip
from tests.edge_dnq.cli.conftest import Cli

CONTRACT = {
    "accuracy_top1", "accuracy_top5", "clips", "frames", "actions",
    "mean_ms_per_frame", "relative_cost", "per_class", "flicker", "flicker_difference",
}  # fmt: skip


@pytest.mark.parametrize(
    "policy", ["learned", "uniform:w8a8", "uniform:w4a4", "random", "random:1,0,0,1,0", "w8a8,skip"]
)
def test_json_contract(cli: Cli, bundle_folder: Path, clips_csv: Path, policy: str) -> None:
    words = ("eval", bundle_folder, clips_csv, "--policy", policy, "--frames", 4, "--json")
    facts = cli(*words).json
    assert set(facts) >= CONTRACT
    assert facts["policy"] == policy
    assert facts["clips"] == 5
    assert facts["frames"] == 20
    assert sum(facts["actions"].values()) == pytest.approx(1)
    assert 0 <= facts["accuracy_top1"] <= facts["accuracy_top5"] <= 1
    assert facts["mean_ms_per_frame"] > 0
    assert facts["reference"] == "uniform:w8a8"
    ratio = facts["mean_ms_per_frame"] / facts["reference_ms_per_frame"]
    assert facts["relative_cost"] == pytest.approx(ratio)
    assert {name: entry["clips"] for name, entry in facts["per_class"].items()} == {
        "class_0": 2, "class_1": 2, "class_2": 1,
    }  # fmt: skip
    top1 = sum(entry["clips"] * entry["accuracy_top1"] for entry in facts["per_class"].values())
    assert top1 / 5 == pytest.approx(facts["accuracy_top1"])
    assert [Path(lost["clip"]).name for lost in facts["unreadable"]] == ["broken.mp4"]
    if policy == "w8a8,skip":
        assert facts["actions"]["w8a8"] == facts["actions"]["skip"] == 0.5


def test_accuracy_is_that_of_the_sessions(
    cli: Cli, bundle_folder: Path, bundle: Bundle, clips_csv: Path
) -> None:
    session = Session(bundle, policy="uniform:w4a4")
    hits = 0
    for seed in range(5):
        session.reset()
        for image in sample_clip(clips_csv.parent / f"{seed}.mp4", 4):
            session.step(image)
        hits += session.result().label == f"class_{seed % 3}"
    words = ("eval", bundle_folder, clips_csv, "--frames", 4, "--policy", "uniform:w4a4", "--json")
    assert cli(*words).json["accuracy_top1"] == pytest.approx(hits / 5)


def test_limit_draws_the_same_clips_again(cli: Cli, bundle_folder: Path, clips_csv: Path) -> None:
    words = ("eval", bundle_folder, clips_csv, "--limit", 3, "--seed", 4, "--json")
    first, again = cli(*words).json, cli(*words).json
    assert first["clips"] + len(first["unreadable"]) == 3
    assert first["per_class"] == again["per_class"]


def test_the_table(cli: Cli, bundle_folder: Path, clips_csv: Path) -> None:
    outcome = cli("eval", bundle_folder, clips_csv)
    assert outcome.code == 0
    for word in ("accuracy, top 1", "relative cost", "uniform:w8a8", "class_0"):
        assert word in outcome.out
    assert "left out" in outcome.err


def test_bad_data(cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path) -> None:
    def given(*words: object) -> str:
        return cli("eval", bundle_folder, *words).error

    assert "no data set" in given(tmp_path / "missing.csv")
    assert "expected one of train, val" in given(clips_csv, "--split", "test")
    bad = tmp_path / "clips.csv"
    bad.write_text("path,label\na.mp4,b\n")
    assert "split" in given(bad)
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_bytes(b"\0nothing")
    bad.write_text("path,label,split\na.mp4,class_0,val\nb.mp4,class_1,val\n")
    assert "none of the 2 clips is readable" in given(bad)
    bad.write_text("path,label,split\na.mp4,class_0,val\nb.mp4,unheard,val\n")
    assert "'unheard'" in given(bad)


def test_sweep(cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path) -> None:
    plot = tmp_path / "front.png"
    words = ("eval", bundle_folder, clips_csv, "--frames", 4, "--sweep")
    outcome = cli(*words, "--plot", plot)
    assert outcome.code == 0, outcome.err
    for word in ("uniform:w8a8", "cascade", "until", "lambda", "budget", "flicker", "front.png"):
        assert word in outcome.out, word
    assert plot.stat().st_size > 10_000
    facts = cli(*words, "--json").json
    assert facts["clips"] == 5
    assert set(FAMILIES) - {"exit_told"} == {point["family"] for point in facts["points"]}
    assert facts["points"][-1]["against"]["cycle"]["difference"]["low"] <= 1


def test_a_sweep_of_streams_keeps_its_outcomes(
    cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.npz"
    words = ("eval", bundle_folder, clips_csv, "--frames", 4, "--sweep", "--streams")
    facts = cli(*words, "--outcomes", kept, "--filler", 0.7, "--rounds", 2, "--json").json
    assert facts["streams"] == {"filler": 0.7, "rounds": 2}
    assert front_of(load_outcomes(kept)).clips == facts["clips"] == 10


def test_sweep_mistakes(cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path) -> None:
    words = ("eval", bundle_folder, clips_csv)
    assert "leave --policy out" in cli(*words, "--sweep", "--policy", "random").error
    assert "add --sweep" in cli(*words, "--plot", tmp_path / "front.png").error
    assert "add --sweep" in cli(*words, "--streams").error
    assert "add --streams" in cli(*words, "--sweep", "--filler", 0.5).error
    assert "add --streams" in cli(*words, "--sweep", "--rounds", 2).error
    assert "0<x<1" in cli(*words, "--sweep", "--streams", "--filler", 1).error
    assert "add --sweep" in cli(*words, "--outcomes", tmp_path / "o.npz").error
    assert "add --sweep" in cli(*words, "--costs", tmp_path / "pi.json").error
    assert "cannot read" in cli(*words, "--sweep", "--costs", tmp_path / "pi.json").error
    assert "end in .npz" in cli(*words, "--sweep", "--outcomes", tmp_path / "o.json").error
    assert ".png" in cli(*words, "--sweep", "--plot", tmp_path / "front.gif").error
