from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tests.edge_dnq.cli.conftest import Cli


def rewrite(bundle: Path, name: str, content: bytes) -> None:
    """Replace a file and its entry in the manifest, as someone who knows the format would."""
    old = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
    new = hashlib.sha256(content).hexdigest()
    manifest = bundle / "manifest.json"
    document = json.loads(manifest.read_text())

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if value.get("sha256") == old:
                value.update(sha256=new, bytes=len(content))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    manifest.write_text(json.dumps(document))
    (bundle / name).write_bytes(content)


def test_a_good_bundle(cli: Cli, bundle_folder: Path) -> None:
    outcome = cli("verify", bundle_folder, "--json")
    assert outcome.code == 0
    facts = outcome.json
    assert facts["ok"] is True
    assert set(facts) == {"ok", "runtime", "files", "programs"}
    assert set(facts["files"]) == {
        "manifest.json", "golden.npz", "policy.tflite",
        "w8a8.tflite", "w4a4.tflite", "w2a2r32.tflite",
    }  # fmt: skip
    assert all(entry["ok"] for entry in facts["files"].values())
    assert set(facts["programs"]) == {"w8a8", "w4a4", "w2a2r32", "policy"}
    for entry in facts["programs"].values():
        assert entry["ok"] is True
        assert entry["mismatches"] == 0
        assert entry["outputs"] > 0
    assert "agrees bit for bit" in cli("verify", bundle_folder).out


def test_a_flipped_bit(cli: Cli, damaged: Path) -> None:
    path = damaged / "w4a4.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    outcome = cli("verify", damaged, "--json")
    assert outcome.code == 1
    facts = outcome.json
    assert facts["ok"] is False
    bad = {name for name, entry in facts["files"].items() if not entry["ok"]}
    assert bad == {"w4a4.tflite"}
    assert "sha256" in facts["files"]["w4a4.tflite"]["problem"]
    assert not any(entry["ok"] for entry in facts["programs"].values())
    assert "w4a4.tflite does not have the sha256" in cli("verify", damaged).out


def test_missing_truncated_and_swapped_files_are_all_named(cli: Cli, damaged: Path) -> None:
    (damaged / "policy.tflite").unlink()
    path = damaged / "golden.npz"
    path.write_bytes(path.read_bytes()[:-1])
    one, other = damaged / "w8a8.tflite", damaged / "w4a4.tflite"
    swap = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(swap)
    outcome = cli("verify", damaged, "--json")
    assert outcome.code == 1
    bad = {name for name, entry in outcome.json["files"].items() if not entry["ok"]}
    assert bad == {"policy.tflite", "golden.npz", "w8a8.tflite", "w4a4.tflite"}


def test_another_program_with_a_right_hash_is_counted(cli: Cli, damaged: Path) -> None:
    """Same tensors, other numbers: only the golden vectors can tell."""
    pytest.importorskip("ai_edge_litert")
    golden = dict(np.load(damaged / "golden.npz"))
    golden["program/w8a8"] = golden["program/w8a8"].copy()
    golden["program/w8a8"][0, :3] ^= 1
    golden["policy/h"] = golden["policy/h"] + np.float32(1e-5)
    golden["policy/c"] = golden["policy/c"] + np.float32(1e-3)
    spare = damaged.parent / "golden.npz"
    np.savez_compressed(spare, **golden)
    rewrite(damaged, "golden.npz", spare.read_bytes())
    outcome = cli("verify", damaged, "--json")
    assert outcome.code == 1
    programs = outcome.json["programs"]
    assert programs["w8a8"].pop("kernels")["problem"] == programs["w4a4"]["kernels"]["problem"]
    assert programs["w8a8"] == {
        "ok": False, "mismatches": 3, "outputs": programs["w4a4"]["outputs"],
        "largest_difference": 1.0, "problem": None, "tolerance": 0.0, "float_difference": None,
    }  # fmt: skip
    assert programs["w4a4"]["ok"] is True
    # 1e-5 is within the policy's tolerance, 1e-3 is not.
    assert programs["policy"]["mismatches"] == golden["policy/c"].size


def test_a_program_that_is_none(cli: Cli, damaged: Path) -> None:
    rewrite(damaged, "w4a4.tflite", b"not a program at all")
    outcome = cli("verify", damaged, "--json")
    assert outcome.code == 1
    entry = outcome.json["programs"]["w4a4"]
    assert entry["ok"] is False
    assert entry["mismatches"] == entry["outputs"] > 0
    assert "not a TFLite program" in entry["problem"]
    assert outcome.json["programs"]["w8a8"]["ok"] is True


@pytest.mark.parametrize("verb", ["verify", "inspect", "run"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 99}, "schema version 99"),
        ({"golden": {"file": "../golden.npz", "bytes": 1, "sha256": "0" * 64}}, "../golden.npz"),
        ({"labels": []}, "labels"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_manifests(
    cli: Cli, damaged: Path, clip: Path, verb: str, change: dict[str, object], words: str
) -> None:
    manifest = damaged / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    outcome = cli(verb, damaged, *([clip] if verb == "run" else []))
    assert outcome.code == 2
    assert words in outcome.error


@pytest.mark.parametrize("verb", ["verify", "inspect", "run", "eval"])
def test_what_is_no_bundle(cli: Cli, tmp_path: Path, clip: Path, verb: str) -> None:
    more = [clip] if verb in ("run", "eval") else []
    assert "does not exist" in cli(verb, tmp_path / "nowhere", *more).error
    assert "is not a folder" in cli(verb, clip, *more).error
    assert "no manifest.json" in cli(verb, tmp_path, *more).error
