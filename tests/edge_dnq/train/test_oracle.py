"""The oracle's advice, against its rule said frame by frame."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.nn.gumbel import Decisions
from edge_dnq.nn.segments import Segments
from edge_dnq.train.oracle import Oracle, advice, oracle_loss, telling

PROGRAMS, SKIP, SKIP3 = 3, 3, 4
ONE = {1: SKIP}


def worth_by_rule(executed: list[bool], owner: list[int], t: int, frames: int, gap: int) -> bool:
    """Whether frame t is worth executing, by looking back over what was executed before it."""
    if owner[t] < 0:
        return False
    begin = owner.index(owner[t])
    since = [s for s in range(len(executed)) if begin <= s < t and executed[s]]
    own = [s for s in since if owner[s] >= 0]
    return len(own) < frames and (not since or t - since[-1] >= gap)


@given(
    seed=st.integers(0, 10**6),
    frames=st.integers(1, 3),
    gap=st.integers(1, 4),
    skips=st.sampled_from([ONE, {1: SKIP, 3: SKIP3}, {1: SKIP, 2: SKIP3}]),
)
@settings(max_examples=120, deadline=None)
def test_advice_follows_from_what_was_executed(
    seed: int, frames: int, gap: int, skips: dict[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    length = 15
    segments = np.sort(rng.integers(0, 3, length))
    segments[rng.random(length) < 0.3] = -1
    ran = rng.random(length) < 0.4
    oracle = Oracle(1, skips, frames, gap, 0.0, 2.0)
    given_ = advice(torch.from_numpy(ran)[None], torch.from_numpy(segments)[None], oracle)[0]
    owner, executed = segments.tolist(), ran.tolist()
    for t in range(length):
        if worth_by_rule(executed[:t], owner, t, frames, gap):
            assert given_[t] == 1
            continue
        # Nothing is executed while a skip lasts.
        ahead = [
            s for s in range(t + 1, length) if worth_by_rule(executed[:t], owner, s, frames, gap)
        ]
        room = ahead[0] - t if ahead else length
        assert given_[t] == skips[max(skip for skip in skips if skip <= room)]


def decisions(logits: torch.Tensor) -> Decisions:
    """Argmax decisions of logits [N, T, A], all frames decided."""
    actions = torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    decided = torch.ones(logits.shape[:2], dtype=torch.bool)
    return Decisions(actions, logits.softmax(-1), decided, logits)


def test_loss_vanishes_for_whoever_follows() -> None:
    owner = torch.tensor([[-1, 0, 0, 0, -1, -1, 1, 1]])
    oracle = Oracle(1, ONE, 1, 3, 0.0, 5.0)
    logits = torch.full((1, 8, 4), -20.0)
    for t, action in enumerate([0, 1, SKIP, SKIP, SKIP, SKIP, 1, SKIP]):
        logits[0, t, action] = 20.0
    assert float(oracle_loss(decisions(logits), owner, oracle, PROGRAMS)) < 1e-6
    late = logits.clone()
    late[0, 1] = torch.tensor([-20.0, -20.0, -20.0, 20.0])
    assert float(oracle_loss(decisions(late), owner, oracle, PROGRAMS)) > 5.0


def test_the_first_frame_and_held_frames_do_not_count() -> None:
    owner = torch.tensor([[0, 0, 0]])
    oracle = Oracle(1, ONE, 1, 1, 0.0, 1.0)
    logits = torch.zeros(1, 3, 4, requires_grad=True)
    made = decisions(logits)
    made.decided[0, 2] = False
    (gradient,) = torch.autograd.grad(oracle_loss(made, owner, oracle, PROGRAMS), logits)
    assert gradient[0, 0].abs().sum() == 0
    assert gradient[0, 1].abs().sum() > 0
    assert gradient[0, 2].abs().sum() == 0


def test_frames_tell_where_the_program_gives_the_right_class_enough() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8], [0.9, 0.1]])
    other = torch.zeros(1, 5, 1, 2)  # of a program that is not asked
    programs = torch.cat([other, probabilities.log()[None, :, None]], 2)
    segments = Segments(torch.tensor([[0, 0, 0, 1, -1]]), 2)
    targets = torch.tensor([[0, 1]])

    def told(right: float) -> list[int]:
        oracle = Oracle(1, ONE, 1, 1, right, 1.0)
        return telling(programs, segments, targets, oracle)[0].tolist()

    assert told(0.0) == [0, 0, 0, 1, -1]
    assert told(0.45) == [0, -1, 0, 1, -1]
    assert told(0.85) == [0, -1, -1, -1, -1]


def test_segments_without_a_class_tell_nothing() -> None:
    segments = Segments(torch.tensor([[-1, -1]]), 1)
    oracle = Oracle(0, ONE, 1, 1, 0.5, 1.0)
    found = telling(torch.zeros(1, 2, 1, 3), segments, torch.tensor([[-1]]), oracle)
    assert found.tolist() == [[-1, -1]]
