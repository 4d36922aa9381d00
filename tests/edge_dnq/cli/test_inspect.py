from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.executorch_library import LIBRARY_VARIABLE
from tests.edge_dnq.cli.conftest import Cli

FACTS = {
    "ops", "tensors", "activation_levels", "activations",
    "weight_range", "weights", "macs", "bytes",
}  # fmt: skip


def test_json_has_the_manifest_and_the_facts_of_every_program(
    cli: Cli, bundle_folder: Path, bundle: Bundle
) -> None:
    facts = cli("inspect", bundle_folder, "--json").json
    assert set(facts) == {"manifest", "programs", "policy", "executorch"}
    assert facts["executorch"] == {}
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


def test_executorch_programs_tell_backends_and_graphs(cli: Cli, executorch_folder: Path) -> None:
    manifest = Bundle.load(executorch_folder).manifest
    facts = cli("inspect", executorch_folder, "--json").json
    assert facts["programs"] == {}
    assert set(facts["executorch"]) == {*(spec.name for spec in manifest.programs), "policy"}
    for name, kinds in facts["executorch"].items():
        stock, kernels = kinds["executorch"], kinds["executorch-kernels"]
        assert (stock["file"], kernels["file"]) == (f"{name}.pte", f"{name}.kernels.pte")
        assert set(stock["backends"]) == {"XnnpackBackend"}, name
        assert stock["integer_graph"] is None
        # The memory of the policy stays with the runtime.
        more = {"XnnpackBackend"} if name == "policy" else set()
        assert set(kernels["backends"]) == {"EdgeDnqBackend", *more}, name
        assert kernels["backends"]["EdgeDnqBackend"] == 1
        graph = kernels["integer_graph"]
        assert graph["version"] == 1
        assert graph["operations"] >= 3
        assert graph["bytes"] < kernels["bytes"] < stock["bytes"] + 4096
    outcome = cli("inspect", executorch_folder)
    assert outcome.code == 0
    assert "EdgeDnqBackend" in outcome.out


def test_without_the_library_backends_are_unknown(
    cli: Cli, executorch_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "missing.so"))
    facts = cli("inspect", executorch_folder, "--json").json["executorch"]["w8a8"]
    assert facts["executorch-kernels"]["backends"] is None
    assert "cannot load" in facts["executorch-kernels"]["problem"]
    assert facts["executorch-kernels"]["integer_graph"]["operations"] > 5
    assert "backends are unknown: cannot load" in cli("inspect", executorch_folder).out


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
