from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.sweep.recording import RecordedVideo
from edge_dnq.sweep.scoring import Scorer
from edge_dnq.sweep.walking import SKIPPED
from tests.edge_dnq.sweep.conftest import video_of

CLASSES = 4
PROGRAMS = 2


@st.composite
def played(draw: st.DrawFn) -> tuple[list[RecordedVideo], np.ndarray]:
    """Videos of segments with filler between them, and what ran; every first frame was executed."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    videos, ran = [], []
    for _ in range(draw(st.integers(1, 4))):
        segments, stretches, frames = [], [], 0
        for _ in range(draw(st.integers(1, 4))):
            gap, length = int(rng.integers(0, 4)), int(rng.integers(1, 6))
            stretches += [frames] if gap else []
            stretches.append(frames + gap)
            segments.append((frames + gap, length, int(rng.integers(CLASSES))))
            frames += gap + length
        logits = rng.normal(size=(frames, PROGRAMS, CLASSES)).round(1)
        videos.append(video_of(logits, segments, stretches))
        own = rng.integers(SKIPPED, PROGRAMS, frames)
        own[0] = max(own[0], 0)
        ran.append(own)
    return videos, np.concatenate(ran)


@given(played())
def test_scores_are_those_of_one_frame_after_the_other(
    case: tuple[list[RecordedVideo], np.ndarray],
) -> None:
    videos, ran = case
    hits, changes, place = [], [], 0
    for video in videos:
        own = ran[place : place + len(video)]
        place += len(video)
        for segment in video.layout.segments:
            before = np.flatnonzero(own[: segment.start] != SKIPPED)
            guess = -1
            if len(before):
                guess = int(np.argmax(video.logits[before[-1], own[before[-1]]]))
            total, count, guesses = np.zeros(CLASSES), 0, []
            for frame in range(segment.start, segment.start + segment.length):
                if own[frame] != SKIPPED:
                    total += video.logits[frame, own[frame]]
                    count += 1
                    guess = int(np.argmax(total / count))
                if count:
                    guesses.append(guess)
            hits.append(guess == segment.truth)
            changes.append(sum(a != b for a, b in pairwise(guesses)))
    score = Scorer(videos).score(ran)
    assert score.hits.tolist() == hits
    assert score.changes.tolist() == changes


def test_the_running_prediction_by_hand() -> None:
    clip = video_of([[[2, 0]], [[0, 3]], [[9, 0]], [[0, 1]]])
    scorer = Scorer([clip])
    score = scorer.score(np.zeros(4, np.int64))
    assert score.hits.tolist() == [True]
    assert score.changes.tolist() == [2], "class 0, then 1 by 3 over 2, then 0 again"
    skipping = scorer.score(np.array([0, 0, SKIPPED, SKIPPED]))
    assert (skipping.hits.tolist(), skipping.changes.tolist()) == ([False], [1])


def test_a_segment_without_a_run_keeps_the_last_answer_before_it() -> None:
    logits = [[[5, 0]], [[0, 5]], [[5, 0]], [[5, 0]]]
    stream = video_of(logits, [(2, 2, 1)], [0, 2])
    scorer = Scorer([stream])
    assert scorer.score(np.array([0, 0, SKIPPED, SKIPPED])).hits.tolist() == [True]
    late = scorer.score(np.array([0, 0, SKIPPED, 0]))
    assert late.hits.tolist() == [False]
    assert late.changes.tolist() == [0], "the first answer to something new is no change"


def test_what_lies_where() -> None:
    one = video_of(np.zeros((5, 1, 2)), [(1, 2, 0)], [0, 1, 3])
    two = video_of(np.zeros((3, 1, 2)))
    scorer = Scorer([one, two])
    assert scorer.stretches.starts.tolist() == [0, 1, 3, 5]
    assert scorer.stretches.lengths.tolist() == [1, 2, 2, 3]
    assert scorer.showing.tolist() == [False, True, False, True]
    assert scorer.video_sums(np.arange(8)).tolist() == [10, 18]
