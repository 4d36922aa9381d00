from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.errors import DataError, EdgeDnqError
from edge_dnq.synthetic import LABELS, render_clip, write_clip
from edge_dnq.train import decoding
from edge_dnq.train.data import open_dataset

T, C = 3, 32


@pytest.fixture
def video_set(tmp_path: Path) -> Path:
    """Twelve small videos of two classes in a CSV file."""
    folder = tmp_path / "set"
    rows = ["path,label,split"]
    for i in range(12):
        label = LABELS[i % 2]
        write_clip(folder / f"{i}.mp4", render_clip(i, label, frames=6, size=48), fps=10)
        rows.append(f"{i}.mp4,{label},train")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder / "clips.csv"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record which clips are really decoded."""
    calls: list[str] = []
    original = decoding.decode

    def record(pixels: np.ndarray, row: int, clip: decoding.Clip) -> str | None:
        calls.append(str(clip))
        return original(pixels, row, clip)

    monkeypatch.setattr(decoding, "decode", record)
    return calls


def test_synthetic_clips_are_the_rendered_ones(tmp_path: Path) -> None:
    clips = open_dataset("synthetic:12", "val", clip_frames=T, cache_size=C, cache_dir=tmp_path)
    assert clips.labels == LABELS
    assert len(clips) == len(LABELS)
    assert clips.pixels.shape[1:] == (T, C, C, 3)
    assert clips.targets.dtype == np.int64
    assert clips.targets.tolist() == list(range(len(LABELS)))
    first = clips.clip(0)
    assert first.shape == (T, C, C, 3)
    assert first.dtype == np.uint8
    seed = int(clips.names[0].split()[-1])
    expected = render_clip(seed, LABELS[0], frames=T, size=C, fps=T / 2.0)
    np.testing.assert_array_equal(first, expected.frames)


def test_a_pool_of_processes_gives_the_same_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    folders = (tmp_path / "pool", tmp_path / "inline")
    sets = []
    for folder, limit in zip(folders, (1, 1000), strict=True):
        monkeypatch.setattr(decoding, "INLINE", limit)
        sets.append(
            open_dataset("synthetic:13", "train", clip_frames=2, cache_size=C, cache_dir=folder)
        )
    np.testing.assert_array_equal(sets[0].pixels, sets[1].pixels)
    assert sets[0].pixels.any(axis=(1, 2, 3, 4)).all()


def test_videos_are_decoded_once(video_set: Path, tmp_path: Path, decoded: list[str]) -> None:
    def load(frames: int = T, size: int = C) -> np.ndarray:
        clips = open_dataset(
            video_set, "train", clip_frames=frames, cache_size=size, cache_dir=tmp_path / "cache"
        )
        assert len(clips) == 12
        return np.stack([clips.clip(i) for i in range(12)])

    first = load()
    assert len(decoded) == 12
    np.testing.assert_array_equal(load(), first)
    assert len(decoded) == 12
    load(size=C + 8)
    load(frames=T + 1)
    assert len(decoded) == 36
    changed = video_set.parent / "3.mp4"
    write_clip(changed, render_clip(99, frames=8, size=48), fps=10)
    again = load()
    assert len(decoded) == 48
    assert (again[3] != first[3]).any()
    np.testing.assert_array_equal(np.delete(again, 3, 0), np.delete(first, 3, 0))


def test_a_damaged_cache_is_made_again(video_set: Path, tmp_path: Path, decoded: list[str]) -> None:
    folder = tmp_path / "cache"
    arguments = {"clip_frames": T, "cache_size": C, "cache_dir": folder}
    first = np.array(open_dataset(video_set, "train", **arguments).pixels)
    (pixels,) = folder.glob("*/clips.npy")
    pixels.write_bytes(pixels.read_bytes()[:1000])
    np.testing.assert_array_equal(open_dataset(video_set, "train", **arguments).pixels, first)
    assert len(decoded) == 24


def test_an_interrupted_cache_leaves_nothing(
    video_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(decoding, "decode", interrupt)
    folder = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        open_dataset(video_set, "train", clip_frames=T, cache_size=C, cache_dir=folder)
    assert [path.suffix for path in folder.iterdir()] == [".lock"]


def test_an_unreadable_clip_is_named_and_left_out(
    video_set: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (video_set.parent / "5.mp4").write_bytes(b"not a video")
    with caplog.at_level(logging.WARNING):
        clips = open_dataset(
            video_set, "train", clip_frames=T, cache_size=C, cache_dir=tmp_path / "cache"
        )
    assert len(clips) == 11
    assert len(caplog.messages) == 1
    assert "5.mp4" in caplog.messages[0]
    assert not any("5.mp4" in name for name in clips.names)
    sixth = open_dataset(
        video_set, "train", clip_frames=T, cache_size=C, cache_dir=tmp_path / "cache"
    ).clip(5)
    assert sixth.any()


def test_too_many_unreadable_clips_are_an_error(video_set: Path, tmp_path: Path) -> None:
    for i in (2, 7):
        (video_set.parent / f"{i}.mp4").write_bytes(b"")
    folder = tmp_path / "cache"
    with pytest.raises(DataError, match=r"2 of 12 clips .* for example .*2\.mp4"):
        open_dataset(video_set, "train", clip_frames=T, cache_size=C, cache_dir=folder)
    assert not list(folder.glob("*/clips.npy"))


def test_the_environment_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DNQ_CACHE", str(tmp_path / "here"))
    open_dataset("synthetic:12", "val", clip_frames=1, cache_size=16)
    assert list((tmp_path / "here").glob("synthetic-val-*/clips.npy"))


def test_an_unwritable_cache_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeDnqError, match="EDGE_DNQ_CACHE"):
        open_dataset(
            "synthetic:12", "val", clip_frames=1, cache_size=16, cache_dir=tmp_path / "file"
        )


def test_impossible_shapes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 1 frame"):
        open_dataset("synthetic", "val", clip_frames=0, cache_size=32, cache_dir=tmp_path)


def test_real_clips_of_a_csv(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "jhmdb128"
    lines = (source / "clips.csv").read_text().splitlines()
    rows = [f"{source}/{line}" for line in lines[1:] if line.endswith(",val")][::20]
    listing = tmp_path / "clips.csv"
    listing.write_text("\n".join([lines[0], *rows]) + "\n")
    clips = open_dataset(listing, "val", clip_frames=4, cache_size=64, cache_dir=tmp_path / "cache")
    assert len(clips) == len(rows)
    assert all(clips.clip(i).std() > 5 for i in range(len(clips)))
    labels = [row.split(",")[1] for row in rows]
    assert [clips.labels[target] for target in clips.targets] == labels
