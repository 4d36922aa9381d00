from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.streams import (
    DEFAULT,
    FILLER,
    NOISE,
    Composition,
    Stream,
    compose,
    compose_streams,
    unrelated_footage,
)

UInt8 = NDArray[np.uint8]
SIDE = 16
BLANK = 77


def blank(rng: np.random.Generator, frames: int, size: int) -> UInt8:
    return np.full((frames, size, size, 3), BLANK, np.uint8)


def numbered_clip(number: int, frames: int = 8) -> UInt8:
    """A clip whose pixels tell its number and the frame; far enough apart for dissolves."""
    values = 100 + 10 * number + np.arange(frames)
    return np.broadcast_to(values[:, None, None, None], (frames, SIDE, SIDE, 3)).astype(np.uint8)


def stream_of(seed: int, clips: int = 6, frames: int = 8) -> Stream:
    shown = [numbered_clip(number, frames) for number in range(clips)]
    return compose(shown, list(range(clips)), np.random.default_rng(seed), blank)


@given(seed=st.integers(0, 1 << 32), clips=st.integers(1, 9), frames=st.integers(1, 12))
def test_segments_are_windows_of_their_clips(seed: int, clips: int, frames: int) -> None:
    stream = stream_of(seed, clips, frames)
    assert stream.frames.dtype == np.uint8
    assert stream.frames.shape == (len(stream.owner), SIDE, SIDE, 3)
    assert stream.labels.tolist() == list(range(clips))
    for segment in range(clips):
        (places,) = np.nonzero(stream.owner == segment)
        assert np.array_equal(places, np.arange(places[0], places[0] + len(places)))
        assert 0.75 * frames <= len(places) <= frames
        shown = stream.frames[places]
        assert (np.diff(shown[:, 0, 0, 0].astype(int)) == 1).all()
        clip = numbered_clip(segment, frames)
        first = int(shown[0, 0, 0, 0]) - int(clip[0, 0, 0, 0])
        np.testing.assert_array_equal(shown, clip[first : first + len(places)])


@given(seed=st.integers(0, 1 << 32), clips=st.integers(1, 9))
def test_stretches_begin_where_the_owner_changes(seed: int, clips: int) -> None:
    stream = stream_of(seed, clips)
    changes = np.nonzero(np.diff(stream.owner))[0] + 1
    assert stream.starts.tolist() == [0, *changes.tolist()]


def test_a_little_more_than_half_is_filler_of_random_length() -> None:
    streams = [stream_of(seed) for seed in range(300)]
    filler = np.array([(stream.owner == FILLER).sum() for stream in streams])
    total = np.array([len(stream.owner) for stream in streams])
    assert 0.5 < filler.sum() / total.sum() < 0.6
    assert np.std(filler / total) > 0.05
    gaps = [
        len(part)
        for stream in streams
        for part in np.split(stream.owner, stream.starts[1:])
        if part[0] == FILLER
    ]
    assert min(gaps) == 2
    assert max(gaps) > 30
    assert any((np.diff(stream.owner) == 1).any() for stream in streams), "a cut without filler"


def test_filler_is_still_or_unrelated_with_cuts_and_dissolves() -> None:
    still = unrelated = dissolved = cut = 0
    for seed in range(60):
        stream = stream_of(seed)
        for start, part in zip(
            stream.starts, np.split(stream.frames, stream.starts[1:]), strict=True
        ):
            if stream.owner[start] != FILLER or len(part) < 8:
                continue
            middle = part[3:-3].astype(float)
            if (middle == BLANK).all():
                unrelated += 1
                first = part[0].astype(float)
                cut += (first == BLANK).all()
                dissolved += (first > BLANK).all()
            else:
                still += 1
                # The middle of a held frame: one value, and noise that is fresh in every frame.
                assert np.ptp(middle.mean(axis=(1, 2, 3))) < 1
                spread = (middle[1:] - middle[:-1]).std() / np.sqrt(2)
                assert 0.8 * NOISE[0] < spread < 1.2 * NOISE[1]
    assert min(still, unrelated) > 50
    assert min(cut, dissolved) > 20


def test_every_clip_is_shown_once_and_the_seed_fixes_every_byte() -> None:
    labels = np.arange(10) % 4
    clips = [numbered_clip(number) for number in range(10)]
    first, again, other = (
        list(compose_streams(clips.__getitem__, labels, seed, segments=4, footage=blank))
        for seed in (3, 3, 4)
    )
    assert sorted(np.concatenate([chosen for chosen, _ in first])) == list(range(10))
    assert [len(chosen) for chosen, _ in first] == [4, 3, 3]
    for (chosen, stream), (chosen_again, repeated) in zip(first, again, strict=True):
        assert np.array_equal(chosen, chosen_again)
        assert np.array_equal(stream.frames, repeated.frames)
        assert np.array_equal(stream.labels, labels[chosen])
        for segment, number in enumerate(chosen.tolist()):
            value = stream.frames[stream.owner == segment][0, 0, 0, 0]
            assert value // 10 == 10 + number
    assert not np.array_equal(first[0][0], other[0][0])


def test_rounds_show_the_same_clips_in_other_surroundings() -> None:
    clips = [numbered_clip(number) for number in range(8)]
    labels = np.zeros(8, np.int64)

    def streams(composition: Composition) -> list[tuple[np.ndarray, Stream]]:
        made = compose_streams(clips.__getitem__, labels, 3, composition, segments=4, footage=blank)
        return list(made)

    once, thrice = streams(DEFAULT), streams(Composition(rounds=3))
    assert len(thrice) == 6
    for place, (chosen, stream) in enumerate(thrice):
        first_chosen, first = thrice[place % 2]
        assert np.array_equal(chosen, first_chosen)
        assert np.array_equal(first.frames, once[place % 2][1].frames)
        assert place < 2 or not np.array_equal(stream.owner, first.owner)


@pytest.mark.parametrize("share", [0.3, 0.8, 0.95])
def test_filler_takes_its_share(share: float) -> None:
    clips = [numbered_clip(number) for number in range(6)]
    owners = [
        compose(clips, [0] * 6, np.random.default_rng(seed), blank, share).owner
        for seed in range(200)
    ]
    owner = np.concatenate(owners)
    # Gaps have a least length, which small shares cannot get under.
    assert abs((owner == FILLER).mean() - share) < 0.06


@pytest.mark.parametrize("wrong", [{"filler": 0.0}, {"filler": 1.0}, {"rounds": 0}])
def test_impossible_compositions_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match=r"between 0 and 1|once at least"):
        Composition(**wrong)  # type: ignore[arg-type]


def test_unrelated_footage_is_rendered_anew_each_time() -> None:
    rng = np.random.default_rng(0)
    one, two = (unrelated_footage(rng, 3, 32) for _ in range(2))
    assert one.shape == (3, 32, 32, 3)
    assert (one != two).mean() > 0.5


@pytest.mark.parametrize(
    ("clips", "labels"),
    [
        ([], []),
        ([numbered_clip(0)], [0, 1]),
        ([numbered_clip(0), np.zeros((8, 8, 8, 3), np.uint8)], [0, 1]),
        ([np.zeros((8, 16, 12, 3), np.uint8)], [0]),
        ([np.zeros((0, 16, 16, 3), np.uint8)], [0]),
        ([numbered_clip(0).astype(np.float32)], [0]),
    ],
)
def test_what_cannot_be_composed_is_told(clips: list[UInt8], labels: list[int]) -> None:
    with pytest.raises(DataError, match="a stream needs"):
        compose(clips, labels, np.random.default_rng(0), blank)
