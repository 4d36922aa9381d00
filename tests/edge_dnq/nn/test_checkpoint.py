from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from edge_dnq.errors import CheckpointError, RuntimeMissingError
from edge_dnq.nn.checkpoint import load_checkpoint, require_recent_torch, save_checkpoint
from edge_dnq.nn.config import BackboneConfig, ModelConfig, PolicyConfig
from edge_dnq.nn.model import VideoModel

CONFIG = ModelConfig(
    labels=("jump", "run", "wave"),
    backbone=BackboneConfig(width=0.125, input_size=32, stem="small"),
    policy=PolicyConfig(input_size=16, channels=(4, 8), hidden=8, skip_lengths=(1, 4)),
    clip_frames=5,
)
RECORD = {"seed": 3, "stages": {"policy": {"epochs": 2, "metrics": {"top1/learned": 0.5}}}}
SUFFIXES = (".pt", ".safetensors")


@pytest.fixture(scope="module")
def model() -> VideoModel:
    torch.manual_seed(0)
    return VideoModel(CONFIG)


@pytest.fixture(scope="module")
def written(model: VideoModel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("written")
    for suffix in SUFFIXES:
        save_checkpoint(folder / f"m{suffix}", model, RECORD)
    return {suffix: (folder / f"m{suffix}").read_bytes() for suffix in SUFFIXES}


def rewrite(path: Path, content: bytes, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write the checkpoint ``content`` to ``path`` after ``change`` of its payload."""
    path.write_bytes(content)
    if path.suffix == ".pt":
        payload = torch.load(path, weights_only=True)
        change(payload)
        torch.save(payload, path)
        return path
    with safe_open(path, framework="pt") as file:
        payload = {**file.metadata(), "state_dict": {k: file.get_tensor(k) for k in file.keys()}}  # noqa: SIM118
    change(payload)
    state = payload.pop("state_dict")
    save_file(state, path, metadata={k: str(v) for k, v in payload.items()})
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip(
    model: VideoModel, written: dict[str, bytes], suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"m{suffix}"
    path.write_bytes(written[suffix])
    loaded = load_checkpoint(path)
    assert loaded.config == CONFIG
    assert loaded.record == RECORD
    assert not loaded.training
    state = loaded.state_dict()
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.9999])
def test_truncated_file(
    written: dict[str, bytes], suffix: str, kept: float, tmp_path: Path
) -> None:
    content = written[suffix]
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else int(kept)])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


def test_flipped_bit_in_an_archive(written: dict[str, bytes], tmp_path: Path) -> None:
    content = bytearray(written[".pt"])
    content[len(content) // 2] ^= 0x10
    path = tmp_path / "m.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"not a model", b"PK\x03\x04" + bytes(200), bytes(64)])
def test_other_file(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="edge-dnq train"):
        load_checkpoint(path)


class Exploit:
    """What a hostile archive would hold: unpickling it calls a function."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return pytest.fail, ("the archive's code ran",)


def test_code_in_an_archive_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"format": "edge-dnq", "state_dict": Exploit()}, path)
    with pytest.raises(CheckpointError, match="cannot be read as weights"):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Exploit()))
    with pytest.raises(CheckpointError, match="not a torch archive"):
        load_checkpoint(path)


def test_compressed_archive_is_refused(written: dict[str, bytes], tmp_path: Path) -> None:
    stored, path = tmp_path / "stored.pt", tmp_path / "m.pt"
    stored.write_bytes(written[".pt"])
    with zipfile.ZipFile(stored) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


KEY = "backbone.stem.weight"


def drop(payload: dict[str, Any]) -> None:
    for key in [key for key in payload["state_dict"] if key.startswith("policy.cell")]:
        del payload["state_dict"][key]


def add(payload: dict[str, Any]) -> None:
    payload["state_dict"]["surprise"] = torch.zeros(1)


def reshape(payload: dict[str, Any]) -> None:
    payload["state_dict"][KEY] = torch.zeros(8, 3, 5, 5)


def poison(payload: dict[str, Any]) -> None:
    payload["state_dict"][KEY][0, 0, 0, 0] = float("nan")


def overflow(payload: dict[str, Any]) -> None:
    payload["state_dict"][KEY][0, 0, 0, 0] = float("inf")


def widen(payload: dict[str, Any]) -> None:
    payload["state_dict"][KEY] = payload["state_dict"][KEY].double()


def age(payload: dict[str, Any]) -> None:
    payload["version"] = 7


def misname(payload: dict[str, Any]) -> None:
    payload["format"] = "other"


def unconfigure(payload: dict[str, Any]) -> None:
    payload["config"] = '{"labels": []}'


def forget(payload: dict[str, Any]) -> None:
    del payload["config"]


def scribble(payload: dict[str, Any]) -> None:
    payload["record"] = "{"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, r"missing policy\.cell\.bias_hh, policy\.cell\.bias_ih, .* and 1 more"),
        (add, "unknown surprise"),
        (reshape, r"backbone\.stem\.weight has shape \[8, 3, 5, 5\] where \[8, 3, 3, 3\] fits"),
        (poison, r"NaN or infinite values in backbone\.stem\.weight"),
        (overflow, r"NaN or infinite values in backbone\.stem\.weight"),
        (widen, r"unexpected tensor type in backbone\.stem\.weight"),
        (age, "version '?7'?, this release reads 1"),
        (misname, "is not an edge-dnq checkpoint"),
        (unconfigure, "configuration is not valid"),
        (forget, "carries no config"),
        (scribble, "unreadable training record"),
    ],
)
def test_payload_that_does_not_fit(
    written: dict[str, bytes],
    suffix: str,
    change: Callable[[dict[str, Any]], None],
    message: str,
    tmp_path: Path,
) -> None:
    path = rewrite(tmp_path / f"m{suffix}", written[suffix], change)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_state_that_is_no_dictionary_of_tensors(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    for payload in ([1, 2], {"state_dict": {"a": 1}}, {"state_dict": None}):
        torch.save(payload, path)
        with pytest.raises(CheckpointError, match="not an edge-dnq checkpoint"):
            load_checkpoint(path)


@pytest.mark.parametrize("name", ["m.onnx", "m"])
def test_suffix(name: str, model: VideoModel, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"must end in \.pt or \.safetensors"):
        load_checkpoint(tmp_path / name)
    with pytest.raises(CheckpointError, match=r"must end in \.pt or \.safetensors"):
        save_checkpoint(tmp_path / name, model)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "m.pt")


def test_broken_model_is_not_written(tmp_path: Path) -> None:
    broken = VideoModel(CONFIG)
    with torch.no_grad():
        broken.backbone.stem.weight.fill_(float("nan"))
    with pytest.raises(CheckpointError, match="NaN"):
        save_checkpoint(tmp_path / "m.pt", broken)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["2.9.1", "1.13.1+cu117", "2.2.0a0"])
def test_old_torch(version: str) -> None:
    with pytest.raises(RuntimeMissingError, match=r"pip install 'torch>=2\.10'"):
        require_recent_torch(version)


@pytest.mark.parametrize("version", ["2.10.0", "2.13.0+cpu", "3.0.0"])
def test_recent_torch(version: str) -> None:
    require_recent_torch(version)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_half_the_size_and_nearly_the_weights(
    suffix: str, model: VideoModel, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / f"whole{suffix}", model)
    save_checkpoint(tmp_path / f"half{suffix}", model, half=True)
    again = load_checkpoint(tmp_path / f"half{suffix}").state_dict()
    for key, value in model.state_dict().items():
        assert again[key].dtype == value.dtype
        # float16 has 11 significant bits; what is not a weight is as it was.
        tolerance = 2.0**-11 * float(value.abs().max()) if value.dim() > 1 else 0.0
        assert float((again[key] - value).abs().max()) <= tolerance, key
    sizes = [(tmp_path / f"{kind}{suffix}").stat().st_size for kind in ("half", "whole")]
    assert sizes[0] < 0.8 * sizes[1]
