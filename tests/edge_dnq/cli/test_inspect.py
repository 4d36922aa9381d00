from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from tests.edge_dnq.cli.conftest import Cli

FACTS = {
    "ops", "tensors", "activation_levels", "activations",
    "weight_range", "weights", "macs", "bytes",
}  # fmt: skip


def test_json_has_the_manifest_and_the_facts_of_every_program(
    cli: Cli, bundle_folder: Path, bundle: Bundle
) -> None:
    facts = cli("inspect", bundle_folder, "--json").json
    assert set(facts) == {"manifest", "programs", "policy"}
    assert facts["manifest"] == json.loads((bundle_folder / "manifest.json").read_text())
    assert set(facts["programs"]) == {program.name for program in bundle.manifest.programs}
    for program in bundle.manifest.programs:
        entry = facts["programs"][program.name]
        assert set(entry) == FACTS
        assert entry["macs"] == program.macs
        assert entry["bytes"] == program.files["litert"].bytes
        # Every hidden activation has exactly the levels of the program's width.
        levels = 2**program.activation_bits
        assert entry["activation_levels"] == {str(levels): len(entry["activations"])}
        limit = 127 if program.weight_bits == 8 else 2**program.weight_bits - 1
        low, high = entry["weight_range"]
        assert -limit <= low < high <= limit
    assert set(facts["policy"]) == FACTS
    assert facts["policy"]["macs"] == bundle.manifest.policy.macs  # type: ignore[union-attr]


def test_the_table_names_every_program(cli: Cli, bundle_folder: Path) -> None:
    outcome = cli("inspect", bundle_folder)
    assert outcome.code == 0
    for word in ("w8a8", "w4a4", "w2a2r32", "policy", "next: edge-dnq verify"):
        assert word in outcome.out


@pytest.fixture(scope="module", params=[".pt", ".safetensors"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    from edge_dnq.nn.checkpoint import save_checkpoint
    from edge_dnq.nn.config import BackboneConfig, ModelConfig, PolicyConfig
    from edge_dnq.nn.model import VideoModel

    config = ModelConfig(
        labels=("a", "b"),
        backbone=BackboneConfig(width=0.125, stem="small", input_size=32),
        policy=PolicyConfig(input_size=16, channels=(8,), hidden=8),
    )
    path = tmp_path_factory.mktemp("checkpoint") / f"model{request.param}"
    save_checkpoint(path, VideoModel(config), {"stage": "policy", "seed": 3})
    return path


def test_a_checkpoint_shows_its_configuration_and_record(cli: Cli, trained: Path) -> None:
    facts = cli("inspect", trained, "--json").json
    assert set(facts) == {"config", "actions", "parameters", "macs", "record", "bytes"}
    assert facts["actions"] == ["w8a8", "w4a4", "w2a2", "skip"]
    assert facts["record"] == {"stage": "policy", "seed": 3}
    assert set(facts["macs"]) == {"w8a8", "w4a4", "w2a2", "policy"}
    assert facts["parameters"]["backbone"] > facts["parameters"]["policy"] > 0
    outcome = cli("inspect", trained)
    assert "resnet18, width 0.125" in outcome.out
    assert "record: seed" in outcome.out
