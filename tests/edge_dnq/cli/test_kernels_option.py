"""Which kernels are in use: chosen by --kernels or the environment, told by every verb."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_dnq.kernels import CHOICE_VARIABLE, kernels_status
from tests.edge_dnq.cli.conftest import Cli

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
pytestmark = pytest.mark.usefixtures("kernel_library")

ISAS = kernels_status().isas or ("none",)
PROGRAMS = {"w8a8", "w4a4", "w2a2r32"}


@pytest.mark.parametrize("kernels", ["off", "auto", *ISAS])
def test_every_choice_agrees_with_the_golden_vectors(
    cli: Cli, bundle_folder: Path, kernels: str
) -> None:
    outcome = cli("verify", bundle_folder, "--kernels", kernels, "--json")
    assert outcome.code == 0, outcome.out
    expected = {"off": None, "auto": ISAS[0]}.get(kernels, kernels)
    used = {name: entry["kernels"]["isa"] for name, entry in outcome.json["programs"].items()}
    assert used == dict.fromkeys([*PROGRAMS, "policy"], expected)


def test_run_tells_what_runs_where(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    words = ("run", bundle_folder, clip, "--limit", 3)
    facts = cli(*words, "--kernels", "scalar", "--json").json["kernels"]
    for name in PROGRAMS:
        assert facts[name]["isa"] == "scalar"
        assert facts[name]["declined"] == []
        assert all(op["kernel"] for part in facts[name]["partitions"] for op in part["ops"])
    left = {(entry["op"], entry["reason"]) for entry in facts["policy"]["declined"]}
    assert ("FULLY_CONNECTED", "float32 activations") in left
    text = cli(*words, "--kernels", "scalar").out
    assert "kernels: w8a8, w4a4, w2a2r32: edge-dnq scalar, 34 of 34 operations\n" in text
    assert "kernels: policy: edge-dnq scalar, 5 of 23 operations; stock: " in text
    off = cli(*words, "--kernels", "off").out
    assert "kernels: w8a8, w4a4, w2a2r32, policy: stock (switched off)\n" in off


def test_eval_tells_it_too(cli: Cli, bundle_folder: Path, clips_csv: Path) -> None:
    words = ("eval", bundle_folder, clips_csv, "--frames", 2, "--policy", "uniform:w4a4")
    facts = cli(*words, "--kernels", "scalar", "--json").json["kernels"]
    assert {use["isa"] for use in facts.values()} == {"scalar"}
    assert "edge-dnq scalar" in cli(*words, "--kernels", "scalar").out


def test_the_environment_chooses(
    cli: Cli, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "scalar")
    assert cli("env", "--json").json["kernels"]["isa"] == "scalar"
    monkeypatch.setenv("COLUMNS", "160")
    assert "on scalar, chosen by EDGE_DNQ_KERNELS; has" in cli("env").out
    monkeypatch.setenv(CHOICE_VARIABLE, "off")
    assert "the runtime's own: switched off" in cli("env").out
    monkeypatch.setenv(CHOICE_VARIABLE, "sse9")
    for words in (("env",), ("verify", bundle_folder)):
        assert "EDGE_DNQ_KERNELS must be one of auto, off, scalar" in cli(*words).error


def test_instructions_that_this_processor_lacks(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    lacking = next(isa for isa in ("avx2", "neon") if isa not in ISAS)
    for words in (("verify", bundle_folder), ("run", bundle_folder, clip)):
        assert cli(*words, "--kernels", lacking).error.startswith(
            f"error: kernels {lacking}: this processor has no {lacking}: it has "
        )
