from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from edge_dnq.cli.env import collect
from edge_dnq.executorch_library import LIBRARY_VARIABLE
from tests.edge_dnq.cli.conftest import Cli


def test_json_has_the_facts(cli: Cli) -> None:
    facts = cli("env", "--json").json
    assert set(facts) == {
        "edge_dnq", "cpu", "memory_bytes", "system", "python",
        "runtimes", "packages", "kernels", "executorch_library", "missing",
    }  # fmt: skip
    assert set(facts["cpu"]) == {"model", "architecture", "cores", "features"}
    assert facts["cpu"]["cores"] >= 1
    assert facts["packages"]["numpy"] == importlib.metadata.version("numpy")
    assert set(facts["runtimes"]) == {"ai-edge-litert", "tflite-runtime", "executorch"}


def test_what_is_missing_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a device that has only the base install."""
    monkeypatch.setattr("edge_dnq.host.installed_version", lambda *names: None)
    missing = {item["name"]: item["install"] for item in collect()["missing"]}
    assert missing["litert"] == "pip install 'edge-dnq[litert]'"
    assert {"train", "export", "report", "opencv"} <= set(missing)


def test_either_tflite_runtime_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "edge_dnq.host.installed_version",
        lambda *names: "2.14.0" if "tflite-runtime" in names else None,
    )
    assert "litert" not in {item["name"] for item in collect()["missing"]}


def test_a_missing_executorch_library_comes_with_its_command(
    cli: Cli, executorch_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = cli("env", "--json").json["executorch_library"]
    assert status["path"] == str(executorch_library)
    assert status["problem"] is None
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "missing.so"))
    facts = cli("env", "--json").json
    assert "cannot load" in facts["executorch_library"]["problem"]
    missing = {item["name"]: item["install"] for item in facts["missing"]}
    assert "pip install --force-reinstall --no-deps ." in missing["ExecuTorch library"]


def test_the_table_shows_install_commands_whole(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_dnq.host.installed_version", lambda *names: None)
    monkeypatch.setenv("COLUMNS", "120")
    outcome = cli("env")
    assert outcome.code == 0
    assert "pip install 'edge-dnq[litert]'" in outcome.out
