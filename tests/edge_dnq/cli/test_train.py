from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import torch

from edge_dnq.cli.main import main
from edge_dnq.train.presets import QUICK

TINY = {
    "backbone": {"width": 0.125, "input_size": 32, "stem": "small"},
    "policy": {"input_size": 16, "channels": [4, 8], "hidden": 8},
    "clip_frames": 2,
    "cache_size": 32,
    "policy_holdout": 0.5,
    "full_precision": {"epochs": 1},
    "any_precision": {"epochs": 1},
    "policy_training": {"epochs": 1, "pretraining_epochs": 1, "views": 1},
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    """Networks this small are slower on several threads, most of all beside other tests."""
    torch.set_num_threads(1)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps(TINY))
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["train", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def tiny(settings: Path, *more: object) -> tuple[object, ...]:
    folder = settings.parent
    return (
        "--data", "synthetic:24", "--preset", "quick", "--config", settings,
        "--cache-dir", folder / "cache", "-o", folder / "t.pt", "--device", "cpu", *more,
    )  # fmt: skip


def test_trains_and_says_what_is_next(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *tiny(settings, "--stage", "full-precision"))
    assert code == 0, err
    assert "next: the same command with --stage any-precision --resume" in out
    code, out, err = run(capsys, *tiny(settings, "--resume", "--json"))
    assert code == 0, err
    report = json.loads(out)
    assert Path(report["checkpoint"]).is_file()
    assert Path(report["curves"]).is_file()
    assert list(report["stages"]) == [
        "full-precision", "any-precision", "policy-pretraining", "policy",
    ]  # fmt: skip
    assert 0 <= report["stages"]["any-precision"]["top1/w2a2"] <= 1
    code, out, err = run(capsys, *tiny(settings, "--resume"))
    assert code == 0, err
    assert f"next: edge-dnq export {settings.parent / 't.pt'}" in out
    assert "top1/learned" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "nonsense=1"), "unknown field `nonsense`"),
        (("--set", "seed"), "expected key=value"),
        (("--device", "tpu"), "unknown device 'tpu'"),
        (("--data", "missing.csv"), "missing.csv"),
        (("--data", "synthetic:1"), "synthetic:N"),
        (("-o", "model.onnx"), "must end in .pt or .safetensors"),
        (("--stage", "policy"), "run that one first"),
        (("--config", "missing.json"), "cannot read missing.json"),
        (("--set", 'policy_training.costs={"w1a1":1}'), "costs name w1a1"),
    ],
)
def test_mistakes_are_one_line(
    arguments: tuple[str, ...],
    message: str,
    settings: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, *tiny(settings, *arguments))
    assert code == 2
    assert out == ""
    assert message in err.replace("\n", " ")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not (settings.parent / "t.run").exists()


def test_second_run_does_not_overwrite_the_first(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = settings.parent / "t.run"
    folder.mkdir()
    (folder / "run.json").write_text(msgspec.json.encode(QUICK).decode())
    code, _, err = run(capsys, *tiny(settings))
    assert code == 2
    assert "pass --resume to go on" in err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "edge-dnq train --data clips.csv --preset quick -o q.pt" in out
