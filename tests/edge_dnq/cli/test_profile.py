from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.profiling.table import read_table, relative_cost
from tests.edge_dnq.cli.conftest import Cli

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")


def test_profile_then_run_and_eval_use_it(
    cli: Cli, damaged: Path, clip: Path, clips_csv: Path
) -> None:
    """The bundle is a copy, so that its costs lie beside nobody else's."""
    before = cli("run", damaged, clip, "--limit", 4)
    assert "no cost table" in before.err
    assert "edge-dnq profile" in before.err

    words = ("profile", damaged, "--threads", "1", "--seconds", 0.1, "--frame", "96x64")
    facts = cli(*words, "--sustained", 0.3, "--json").json
    path = Path(facts["path"])
    assert path.parent == damaged.with_name("bundle.costs")
    assert read_table(path).source_frame == (64, 96)
    assert set(facts["start"]) == {"w8a8", "w4a4", "w2a2r32", "policy"}
    assert facts["sustained"]
    assert [entry["threads"] for entry in facts["threads"]] == [1]
    assert not list(damaged.glob("*.json.*")), "nothing is written into the bundle"

    after = cli("run", damaged, clip, "--limit", 4)
    assert "note" not in after.err
    assert path.name in after.out.replace("\n", "")
    run = cli("run", damaged, clip, "--limit", 4, "--json").json
    assert run["cost_table"] == str(path)
    assert run["relative_cost"] > 0
    evaluated = cli("eval", damaged, clips_csv, "--policy", "uniform:w8a8", "--json").json
    assert evaluated["table_cost"] == pytest.approx(1.0)

    other = cli("run", damaged, clip, "--limit", 4, "--kernels", "off", "--threads", 3)
    assert "is stale" in other.err
    assert len(other.err.splitlines()) == 1


def test_the_tables(cli: Cli, damaged: Path, tmp_path: Path) -> None:
    output = tmp_path / "elsewhere.json"
    words = ("--threads", "1,2", "--seconds", 0.1, "--sustained", 0.2, "-o", output)
    outcome = cli("profile", damaged, *words)
    assert outcome.code == 0, outcome.err
    for word in (
        "step skip4",
        "step held",
        "p95",
        "speed-up",
        "first run",
        "sustained",
        "elsewhere",
    ):
        assert word in outcome.out, word
    made = read_table(output)
    assert made.name == "tiny"
    manifest = Bundle.load(damaged).manifest
    each = [
        relative_cost(manifest, made.threads[0], {action.name: 1.0}, policy=True)
        for action in manifest.actions
    ]
    suggested = re.search(r"--cost (\S+)", outcome.out)
    assert suggested is not None
    assert min(each) < float(suggested[1]) < max(each), "the next step is one that can be held"


def test_mistakes(cli: Cli, damaged: Path, tmp_path: Path) -> None:
    assert "1,2,4" in cli("profile", damaged, "--threads", "0").error
    assert "640x480" in cli("profile", damaged, "--frame", "big").error
    assert "does not exist" in cli("profile", tmp_path / "none").error
