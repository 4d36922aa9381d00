from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import DataError
from edge_dnq.synthetic import LABELS
from edge_dnq.train.listing import RenderedClip, VideoClip, list_clips

HEADER = "path,label,split\n"


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def _csv(folder: Path, text: str) -> Path:
    path = folder / "clips.csv"
    path.write_text(text)
    return path


@given(count=st.integers(len(LABELS), 300), seed=st.integers(0, 5))
def test_synthetic_splits_share_no_clip_and_are_balanced(count: int, seed: int) -> None:
    train, val, test = (
        list_clips(f"synthetic:{count}", split, seed=seed) for split in ("train", "val", "test")
    )
    assert len(train.clips) == count
    assert len(val.clips) == len(test.clips) == max(len(LABELS), count // 4)
    seeds = [
        clip.seed
        for listing in (train, val, test)
        for clip in listing.clips
        if isinstance(clip, RenderedClip)
    ]
    assert len(set(seeds)) == len(seeds) == count + 2 * len(val.clips)
    assert min(seeds) > 2**32  # far from the seeds that people type
    per_label = [sum(clip.label == i for clip in train.clips) for i in range(len(LABELS))]
    assert max(per_label) - min(per_label) <= 1


def test_synthetic_has_a_default_size() -> None:
    assert len(list_clips("synthetic", "train").clips) == 2000
    assert len(list_clips("synthetic", "val").clips) == 500


@pytest.mark.parametrize("spec", ["synthetic:", "synthetic:x", "synthetic:3", "synthetic:-20"])
def test_synthetic_counts_must_make_sense(spec: str) -> None:
    with pytest.raises(DataError, match="expected synthetic:N"):
        list_clips(spec, "train")


def test_a_csv_may_name_recordings(tmp_path: Path) -> None:
    _touch(*(tmp_path / f"{name}.mp4" for name in "abc"))
    rows = "path,label,split,recording\na.mp4,x,val,tape 1\nb.mp4,y,val,\nc.mp4,y,val, tape 2\n"
    clips = list_clips(_csv(tmp_path, rows), "val").clips
    assert [clip.recording for clip in clips] == ["tape 1", None, "tape 2"]
    plain = list_clips(_csv(tmp_path, HEADER + "a.mp4,x,val\nb.mp4,y,val\n"), "val").clips
    assert [clip.recording for clip in plain] == [None, None]
    assert list_clips("synthetic:12", "val").clips[0].recording is None
    assert plain[0].fingerprint() == clips[0].fingerprint(), "the pixels are the same"


def test_a_csv_lists_one_split_with_all_labels(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.mp4"
    folder = tmp_path / "set"
    _touch(outside, folder / "a" / "1.mp4", folder / "2.avi")
    path = _csv(
        folder,
        HEADER + "a/1.mp4,run,train\n../elsewhere.mp4,bow,train\n2.avi, hop ,held out\n",
    )
    listing = list_clips(path, "train")
    assert listing.labels == ("bow", "hop", "run")
    assert [(clip.label, Path(str(clip)).name) for clip in listing.clips] == [
        (2, "1.mp4"),
        (0, "elsewhere.mp4"),
    ]
    assert [clip.label for clip in list_clips(path, "held out").clips] == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the columns path, label, split"),
        ("path,split\nx.mp4,train\n", "lacks the column label"),
        (HEADER, "lists no clips"),
        (HEADER + "x.mp4,,train\n", "line 2 is incomplete"),
        (HEADER + "x.mp4\n", "line 2 is incomplete"),
        (HEADER + "x.mp4,run,train\ny.mp4,run,val\n", "at least two classes, found only 'run'"),
        (HEADER + "x.mp4,run,val\ny.mp4,bow,dev\n", "no split 'train': expected one of dev, val"),
        (HEADER + "x.mp4,run,train\ny.mp4,bow,train\n", "do not exist: .*x.mp4 and 1 more"),
    ],
)
def test_a_bad_csv_is_explained_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        list_clips(_csv(tmp_path, text), "train")
    assert "\n" not in str(caught.value)


def test_a_csv_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(b"\xff\xfe\x00\x81path,label")
    with pytest.raises(DataError, match=r"not a CSV text file|lacks the columns"):
        list_clips(path, "train")


def test_nothing_there_names_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no data set at .*missing\.csv: expected 'synthetic"):
        list_clips(tmp_path / "missing.csv", "train")


def test_class_folders_are_split_by_name_for_good(tmp_path: Path) -> None:
    for label in ("bow", "run"):
        _touch(*(tmp_path / label / f"{i}.mp4" for i in range(20)))
    _touch(tmp_path / "bow" / "notes.txt", tmp_path / "once" / "1.mp4", tmp_path / ".git" / "x.mp4")
    train, val = (list_clips(tmp_path, split) for split in ("train", "val"))
    assert train.labels == val.labels == ("bow", "once", "run")
    assert [sum(clip.label == i for clip in val.clips) for i in range(3)] == [4, 0, 4]
    assert [sum(clip.label == i for clip in train.clips) for i in range(3)] == [16, 1, 16]
    assert not set(map(str, train.clips)) & set(map(str, val.clips))
    assert list_clips(tmp_path, "val") == val


def test_folders_of_splits_keep_their_splits(tmp_path: Path) -> None:
    _touch(
        tmp_path / "train" / "run" / "1.mp4",
        tmp_path / "train" / "bow" / "deep" / "2.MP4",
        tmp_path / "val" / "run" / "3.mkv",
        tmp_path / "extra" / "hop" / "4.webm",
    )
    train = list_clips(tmp_path, "train")
    assert train.labels == ("bow", "hop", "run")
    assert [clip.label for clip in train.clips] == [0, 2]
    assert [Path(str(clip)).name for clip in list_clips(tmp_path, "extra").clips] == ["4.webm"]
    with pytest.raises(DataError, match="expected one of extra, train, val"):
        list_clips(tmp_path, "test")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least two classes, found none"):
        list_clips(tmp_path, "train")


def test_a_changed_file_has_another_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"1")
    before = VideoClip(path, 0).fingerprint()
    path.write_bytes(b"22")
    assert VideoClip(path, 0).fingerprint() != before
