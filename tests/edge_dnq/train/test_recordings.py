"""Recordings: what the programs say, whole on disk, and the pieces that training takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.bundle import Bundle
from edge_dnq.errors import DataError
from edge_dnq.session import Session
from edge_dnq.streams import Composition
from edge_dnq.train.data import ClipSet
from edge_dnq.train.recordings import Recording, pieces, record, windows
from edge_dnq.video.preprocess import network_frame


def clip_set(bundle: Bundle, frames: np.ndarray, clips: int = 7) -> ClipSet:
    """Clips cut from one video, of the bundle's first classes."""
    length = 3
    pixels = np.stack([frames[3 * i : 3 * i + length, :64, :64] for i in range(clips)])
    targets = np.arange(clips, dtype=np.int64) % len(bundle.manifest.labels)
    names = tuple(f"clip {i}" for i in range(clips))
    return ClipSet(bundle.manifest.labels, targets, names, pixels, np.arange(clips))


def test_it_holds_what_the_programs_say(bundle: Bundle, frames: np.ndarray) -> None:
    clips = clip_set(bundle, frames)
    made = record(bundle, clips, policy_size=24)
    assert made.actions == tuple(program.name for program in bundle.manifest.programs)
    assert made.lengths.tolist() == [3] * 7
    assert (made.owner == 0).all()
    np.testing.assert_array_equal(made.targets, np.repeat(clips.targets, 3))
    session = Session(bundle, policy="uniform:w8a8")
    seen = network_frame(clips.clip(2)[1], bundle.manifest.input.height)
    np.testing.assert_array_equal(made.pixels[7], network_frame(seen, 24))
    for place, name in enumerate(made.actions):
        np.testing.assert_array_equal(made.logits[7, place], session.recognisers[name](seen))


def test_streams_have_filler_that_is_of_no_class(bundle: Bundle, frames: np.ndarray) -> None:
    made = record(bundle, clip_set(bundle, frames), policy_size=24, streams=Composition(), views=2)
    assert len(made.lengths) == 4  # seven clips, six to a stream, twice
    assert ((made.owner < 0) == (made.targets < 0)).all()
    assert 0.2 < (made.owner < 0).mean() < 0.9
    views = np.split(made.targets, np.cumsum(made.lengths)[:-1])
    shown = [set(part[part >= 0].tolist()) for part in views]
    assert shown[0] | shown[1] == set(range(7)) == shown[2] | shown[3]


def test_written_and_read(bundle: Bundle, frames: np.ndarray, tmp_path: Path) -> None:
    made = record(bundle, clip_set(bundle, frames, 2), policy_size=16)
    made.save(tmp_path / "r.npz")
    again = Recording.load(tmp_path / "r.npz")
    assert (again.actions, again.labels) == (made.actions, made.labels)
    np.testing.assert_array_equal(again.logits, made.logits)
    np.testing.assert_array_equal(again.pixels, made.pixels)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"\x93NUMPY"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.npz").write_bytes(content)
    with pytest.raises(DataError, match="no recording"):
        Recording.load(tmp_path / "r.npz")


def test_arrays_must_fit(bundle: Bundle, frames: np.ndarray, tmp_path: Path) -> None:
    made = record(bundle, clip_set(bundle, frames, 2), policy_size=16)
    Recording(
        made.actions, made.labels, made.pixels, made.logits, made.owner, made.targets, made.lengths
    ).check("whole")
    short = Recording(
        made.actions,
        made.labels,
        made.pixels,
        made.logits[:-1],
        made.owner,
        made.targets,
        made.lengths,
    )
    short.save(tmp_path / "r.npz")
    with pytest.raises(DataError, match="do not fit"):
        Recording.load(tmp_path / "r.npz")


def sequences(seed: int) -> Recording:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 20, rng.integers(1, 6))
    owner, targets = [], []
    for length in lengths:
        own = np.sort(rng.integers(0, 4, length))
        own[rng.random(length) < 0.3] = -1
        classes = rng.integers(0, 3, 4)
        owner.append(own)
        targets.append(np.where(own < 0, -1, classes[own]))
    frames = int(lengths.sum())
    pixels = np.arange(frames, dtype=np.uint8)[:, None, None, None] + np.zeros(
        (1, 2, 2, 3), np.uint8
    )
    logits = np.arange(frames, dtype=np.float32)[:, None, None] + np.zeros((1, 2, 3), np.float32)
    return Recording(
        ("a", "b"), ("x", "y", "z"), pixels, logits, np.concatenate(owner), np.concatenate(targets),
        lengths,
    )  # fmt: skip


@given(seed=st.integers(0, 10**6), length=st.integers(1, 24))
@settings(max_examples=60, deadline=None)
def test_windows_are_pieces_of_their_sequences(seed: int, length: int) -> None:
    made = sequences(seed)
    chosen = pieces(made, length)
    taken = windows(made, length, np.random.default_rng(seed), chosen)
    assert np.bincount(chosen).tolist() == [max(1, own // length) for own in made.lengths.tolist()]
    wanted = min(length, int(made.lengths.max()))
    starts = np.cumsum(made.lengths) - made.lengths
    for row, sequence in enumerate(chosen):
        start, own = starts[sequence], made.lengths[sequence]
        frames = taken.logits[row, :, 0, 0].astype(int)
        assert len(frames) == wanted
        shown = min(wanted, int(own))
        assert (np.diff(frames[:shown]) == 1).all()
        assert start <= frames[0]
        assert frames[shown - 1] < start + own
        assert (frames[shown:] == start + own - 1).all()
        assert (taken.owner[row, shown:] == -1).all()
        for place in range(shown):
            segment = taken.owner[row, place]
            assert (segment < 0) == (made.owner[frames[place]] < 0)
            if segment >= 0:
                assert taken.targets[row, segment] == made.targets[frames[place]]
        kept = made.owner[frames[:shown]]
        distinct = len(set(kept[kept >= 0].tolist()))
        assert len({s for s in taken.owner[row].tolist() if s >= 0}) == distinct
