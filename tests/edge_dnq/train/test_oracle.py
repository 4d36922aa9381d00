"""The oracle's advice, against its rule said frame by frame."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.nn.gumbel import Decisions
from edge_dnq.train.oracle import Oracle, advice, oracle_loss

PROGRAMS, SKIP = 3, 3


@given(seed=st.integers(0, 10**6), frames=st.integers(1, 3), gap=st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_advice_follows_from_what_was_executed(seed: int, frames: int, gap: int) -> None:
    rng = np.random.default_rng(seed)
    length = 15
    owner = np.sort(rng.integers(0, 3, length))
    owner[rng.random(length) < 0.3] = -1
    executed = rng.random(length) < 0.4
    oracle = Oracle(1, SKIP, frames, gap, 2.0)
    given_ = advice(torch.from_numpy(executed)[None], torch.from_numpy(owner)[None], oracle)[0]
    begin = 0
    for t in range(length):
        shown = owner[t] >= 0
        if shown and owner[t] not in owner[begin:t]:
            begin = t
        since = [s for s in range(begin, t) if executed[s]]
        own = [s for s in since if owner[s] >= 0]
        worth = shown and len(own) < frames and (not since or t - since[-1] >= gap)
        assert given_[t] == (1 if worth else SKIP)


def decisions(logits: torch.Tensor) -> Decisions:
    """Argmax decisions of logits [N, T, A], all frames decided."""
    actions = torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    decided = torch.ones(logits.shape[:2], dtype=torch.bool)
    return Decisions(actions, logits.softmax(-1), decided, logits)


def test_loss_vanishes_for_whoever_follows() -> None:
    owner = torch.tensor([[-1, 0, 0, 0, -1, -1, 1, 1]])
    oracle = Oracle(1, SKIP, 1, 3, 5.0)
    logits = torch.full((1, 8, 4), -20.0)
    for t, action in enumerate([0, 1, SKIP, SKIP, SKIP, SKIP, 1, SKIP]):
        logits[0, t, action] = 20.0
    assert float(oracle_loss(decisions(logits), owner, oracle, PROGRAMS)) < 1e-6
    late = logits.clone()
    late[0, 1] = torch.tensor([-20.0, -20.0, -20.0, 20.0])
    assert float(oracle_loss(decisions(late), owner, oracle, PROGRAMS)) > 5.0


def test_the_first_frame_and_held_frames_do_not_count() -> None:
    owner = torch.tensor([[0, 0, 0]])
    oracle = Oracle(1, SKIP, 1, 1, 1.0)
    logits = torch.zeros(1, 3, 4, requires_grad=True)
    made = decisions(logits)
    made.decided[0, 2] = False
    (gradient,) = torch.autograd.grad(oracle_loss(made, owner, oracle, PROGRAMS), logits)
    assert gradient[0, 0].abs().sum() == 0
    assert gradient[0, 1].abs().sum() > 0
    assert gradient[0, 2].abs().sum() == 0
