from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.sweep.recording import RecordedVideo
from edge_dnq.sweep.rivals import (
    before_exit,
    cascade,
    cascades,
    changed,
    confidence,
    exits,
    on_change,
    running_confidence,
)
from edge_dnq.sweep.scoring import Scorer
from edge_dnq.sweep.walking import SKIPPED
from tests.edge_dnq.sweep.conftest import video_of

# Three programs, dearer and dearer, on three frames.
CASCADE = [
    [[9.0, 0.0], [0.0, 9.0], [0.0, 9.0]],
    [[0.0, 0.1], [9.0, 0.0], [0.0, 9.0]],
    [[0.0, 0.2], [0.0, 0.3], [5.0, 0.0]],
]


def test_a_cascade_by_hand() -> None:
    scorer = Scorer([video_of(CASCADE)])
    sure = confidence(scorer.logits)
    ran, runs = cascade(sure, [0, 1, 2], threshold=0.9)
    assert ran.tolist() == [0, 1, 2]
    assert runs.tolist() == [[True] * 3, [False, True, True], [False, False, True]]
    assert scorer.score(ran).hits.tolist() == [True], "the mean of [9, 0], [9, 0] and [5, 0]"
    assert cascade(sure, [0, 1, 2], threshold=0.0)[0].tolist() == [0, 0, 0]
    never, all_run = cascade(sure, [0, 1, 2], threshold=1.1)
    assert never.tolist() == [2, 2, 2]
    assert all_run.all()


def test_there_is_no_cascade_of_one_program() -> None:
    scorer = Scorer([video_of(np.ones((2, 1, 3)))])
    assert not list(cascades(scorer, [0]))


@given(st.lists(st.floats(-60, 60, width=32), min_size=2, max_size=6))
def test_confidence_is_the_largest_softmax(values: list[float]) -> None:
    row = np.array([values], np.float32)
    exponents = np.exp(row[0].astype(np.float64))
    assert confidence(row)[0] == pytest.approx((exponents / exponents.sum()).max())


@given(seed=st.integers(0, 1 << 32), threshold=st.floats(0.2, 1.01))
def test_early_exit_is_one_frame_after_the_other(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(11, 1, 3)).astype(np.float32)
    scorer = Scorer([video_of(logits, [(2, 4, 0), (8, 3, 1)], [0, 2, 6, 8])])
    expected = []
    for first, end in ((0, 2), (2, 6), (6, 8), (8, 11)):
        total, done = np.zeros(3), False
        for frame in range(first, end):
            expected.append(not done)
            total += logits[frame, 0]
            mean = total / (frame - first + 1)
            done = done or np.exp(mean - np.logaddexp.reduce(mean)).max() >= threshold
    running = before_exit(scorer, running_confidence(scorer, 0), threshold)
    assert running.tolist() == expected


def test_who_is_told_what_is_filler_skips_it() -> None:
    rng = np.random.default_rng(0)
    stream = video_of(rng.normal(size=(9, 2, 3)), [(2, 3, 0)], [0, 2, 5])
    rivals = list(exits(Scorer([stream]), ["w8a8", "w2a2"]))
    assert {rival.family for rival in rivals} == {"exit", "exit_told"}
    filler = np.array([0, 1, 5, 6, 7, 8])
    for rival in rivals:
        program = ["w8a8", "w2a2"].index(rival.key.split()[0])
        assert rival.ran[2] == program, "the first frame of a segment is always run"
        assert np.array_equal(rival.runs[program], rival.ran != SKIPPED)
        assert not rival.runs[1 - program].any()
        if rival.family == "exit_told":
            assert (rival.ran[filler] == SKIPPED).all()
        else:
            assert (rival.ran[[0, 5]] == program).all()
    trimmed = exits(Scorer([video_of(rng.normal(size=(4, 1, 3)))]), ["w8a8"])
    assert {rival.family for rival in trimmed} == {"exit"}


def grey(levels: list[int]) -> np.ndarray:
    """Frames of one grey level each, uint8 [T, 2, 2, 3]."""
    return np.broadcast_to(np.array(levels, np.uint8)[:, None, None, None], (len(levels), 2, 2, 3))


def test_what_has_changed_since_it_last_changed() -> None:
    # A slow drift adds up: 10, 20, then 31 levels away from the first frame.
    frames = grey([100, 110, 120, 131, 131, 90])
    assert changed(frames, 30 / 255).tolist() == [True, False, False, True, False, True]
    assert changed(frames, 1.0).tolist() == [True] + [False] * 5
    assert changed(frames, 0.0).tolist() == [True, True, True, True, False, True]


def test_running_on_change_needs_pictures() -> None:
    logits = np.zeros((4, 2, 3))
    blind = video_of(logits)
    assert not list(on_change([blind], Scorer([blind]), ["w8a8", "w2a2"]))
    frames = grey([0, 0, 200, 200])
    seeing = RecordedVideo(blind.layout, blind.logits, None, frames)
    rivals = list(on_change([seeing], Scorer([seeing]), ["w8a8", "w2a2"]))
    assert {rival.key.split()[0] for rival in rivals} == {"w8a8", "w2a2"}
    for rival in rivals:
        program = ["w8a8", "w2a2"].index(rival.key.split()[0])
        assert rival.ran[0] == program, "there is nothing to differ from"
        assert not rival.runs[1 - program].any()
        assert rival.ran[[1, 3]].tolist() == [SKIPPED, SKIPPED]
    single = RecordedVideo(blind.layout, blind.logits[:1], None, frames[:1])
    assert not list(on_change([single], Scorer([single]), ["w8a8", "w2a2"]))
