from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edge_dnq.bundle import Bundle
from tests.edge_dnq.cli.conftest import Cli, command, run_with_small_files

torch = pytest.importorskip("torch")
pytest.importorskip("litert_torch", reason="the exporter is not installed")

RANDOM = ("export", "--random", "resnet18", "--input", 32, "--width", 0.125, "--classes", 3)


@pytest.mark.slow
def test_a_random_bundle_exports_verifies_and_runs(cli: Cli, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    outcome = cli(*RANDOM, "-o", out, "--frames", clip, "--json")
    assert outcome.code == 0, outcome.err
    assert "exporting: program w2a2" in outcome.err  # progress stays off stdout
    facts = outcome.json
    assert set(facts) == {"bundle", "programs", "policy", "seconds"}
    assert set(facts["policy"]) == {"macs", "files", "difference", "rounding"}
    manifest = Bundle.load(out).manifest
    assert manifest.name == "bundle"
    assert len(manifest.labels) == 3
    for program in manifest.programs:
        entry = facts["programs"][program.name]
        assert entry["levels"] == 2**program.activation_bits
        assert entry["macs"] == program.macs
        assert entry["outputs_equal"] == 8 * 3
        assert entry["ops"]["CONV_2D"] == 20
    assert cli("verify", out).code == 0
    assert len(cli("run", out, clip, "--limit", 4, "--json").json["frames"]) == 4
    # Nothing but the bundle was left.
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_checkpoint_exports_and_the_table_says_what_next(
    cli: Cli, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "made"
    outcome = cli("export", checkpoint, "-o", out, "--name", "mine")
    assert outcome.code == 0, outcome.err
    assert f"next: edge-dnq verify {out}" in outcome.out
    assert "24 of 24" in outcome.out
    assert Bundle.load(out).manifest.name == "mine"
    before = (out / "manifest.json").read_bytes()
    assert "--overwrite" in cli("export", checkpoint, "-o", out).error
    assert (out / "manifest.json").read_bytes() == before


def test_contradicting_words(cli: Cli, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert "either" in cli("export", "-o", out).error
    assert "either" in cli("export", checkpoint, "--random", "resnet18", "-o", out).error
    assert "--random" in cli("export", checkpoint, "--classes", 3, "-o", out).error
    assert "resnet" in cli("export", "--random", "resnet9", "-o", out).error


def altered(path: Path, change: Any) -> None:
    payload = torch.load(path, weights_only=True)
    change(payload)
    torch.save(payload, path)


def poison(payload: dict[str, Any]) -> None:
    key = next(k for k, v in payload["state_dict"].items() if v.is_floating_point())
    payload["state_dict"][key].view(-1)[0] = float("nan")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda p: p.unlink(), "does not exist"),
        (lambda p: p.write_bytes(b""), "damaged or not a torch archive"),
        (lambda p: p.write_text("hello"), "damaged or not a torch archive"),
        (lambda p: p.write_bytes(p.read_bytes()[:-400]), "damaged"),
        (lambda p: p.write_bytes(pickle.dumps({"a": 1})), "damaged or not a torch archive"),
        (lambda p: torch.save({"weights": torch.zeros(3)}, p), "not an edge-dnq checkpoint"),
        (lambda p: altered(p, lambda d: d["state_dict"].popitem()), "missing"),
        (lambda p: altered(p, lambda d: d["state_dict"].update(extra=torch.zeros(1))), "unknown"),
        (lambda p: altered(p, poison), "NaN"),
        (lambda p: altered(p, lambda d: d.update(version=99)), "version"),
    ],
    ids=["missing", "empty", "text", "cut", "pickle", "foreign", "key", "extra", "nan", "version"],
)  # fmt: skip
def test_what_is_no_checkpoint(
    cli: Cli, checkpoint: Path, tmp_path: Path, damage: Any, words: str
) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(checkpoint.read_bytes())
    damage(path)
    outcome = cli("export", path, "-o", tmp_path / "bundle")
    assert outcome.code == 2
    last = outcome.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "bundle").exists()
    assert words in cli("inspect", path).error


def test_a_checkpoint_cannot_run_code(cli: Cli, checkpoint: Path, tmp_path: Path) -> None:
    """The pickle inside a torch archive that calls something is refused, not run."""

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "run",)

    path = tmp_path / "model.pt"
    with zipfile.ZipFile(checkpoint) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                content = pickle.dumps(Attack(), protocol=2)
            new.writestr(entry, content)
    assert "cannot be read as weights" in cli("inspect", path).error
    assert not (tmp_path / "run").exists()


def test_a_frame_video_that_is_none(cli: Cli, checkpoint: Path, tmp_path: Path) -> None:
    bad = tmp_path / "frames.mp4"
    bad.write_bytes(b"\0\1\2")
    outcome = cli("export", checkpoint, "-o", tmp_path / "bundle", "--frames", bad)
    assert "cannot open" in outcome.error
    assert not (tmp_path / "bundle").exists()


def test_a_full_disk_leaves_no_bundle(checkpoint: Path, tmp_path: Path) -> None:
    done = run_with_small_files(command("export", checkpoint, "-o", tmp_path / "bundle"))
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: cannot write")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
