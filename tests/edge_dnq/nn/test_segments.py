"""Predictions of segments, against the rule said in plain numpy."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from edge_dnq.nn.segments import Segments, segment_logits

PROGRAMS, CLASSES = 2, 4


def drawn(seed: int, clips: int = 3, length: int = 9, most: int = 3) -> tuple[np.ndarray, ...]:
    """Return (actions [N, T], logits [N, T, B, K], owner [N, T]); the first frame is executed."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, PROGRAMS + 1, (clips, length))
    chosen[:, 0] = rng.integers(0, PROGRAMS, clips)
    logits = rng.normal(size=(clips, length, PROGRAMS, CLASSES)).astype(np.float32)
    owner = np.sort(rng.integers(0, most, (clips, length)), 1)
    return chosen, logits, np.where(rng.random(owner.shape) < 0.3, -1, owner)


def by_the_rule(chosen: np.ndarray, logits: np.ndarray, owner: np.ndarray) -> dict[int, np.ndarray]:
    """Return the prediction of every segment of one clip."""
    running = {t: logits[t, a] for t, a in enumerate(chosen.tolist()) if a < PROGRAMS}
    found = {}
    for segment in set(owner.tolist()) - {-1}:
        frames = np.flatnonzero(owner == segment)
        own = [running[t] for t in frames.tolist() if t in running]
        before = [value for t, value in running.items() if t <= frames[-1]]
        found[segment] = np.mean(own, axis=0) if own else before[-1]
    return found


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_mean_of_the_executed_frames_or_the_last_one_before(seed: int) -> None:
    chosen, logits, owner = drawn(seed)
    actions = one_hot(torch.from_numpy(chosen), PROGRAMS + 1).float()
    segments = Segments(torch.from_numpy(owner), 3)
    result = segment_logits(actions, torch.from_numpy(logits), segments).numpy()
    for clip in range(len(chosen)):
        for segment, wanted in by_the_rule(chosen[clip], logits[clip], owner[clip]).items():
            np.testing.assert_allclose(result[clip, segment], wanted, atol=1e-5)


def test_an_unseen_segment_says_what_each_frame_would_change() -> None:
    logits = torch.tensor([[[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 5.0]]]])
    actions = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]], requires_grad=True)
    segments = Segments(torch.tensor([[-1, 0, 0]]), 1)
    result = segment_logits(actions, logits, segments)
    assert result.tolist() == [[[0.0, 0.0]]]
    (gradient,) = torch.autograd.grad(result[0, 0, 1], actions)
    assert gradient[0, :, 0].tolist() == [0.0, 0.0, 5.0]


def test_weighted_means() -> None:
    segments = Segments(torch.tensor([[0, 0, 1, -1]]), 3)
    values = torch.tensor([[[1.0], [3.0], [5.0], [100.0]]])
    mean, weight = segments.mean(values, torch.tensor([[1.0, 0.0, 2.0, 1.0]]))
    assert mean[..., 0].tolist() == [[1.0, 5.0, 0.0]]
    assert weight.tolist() == [[1.0, 2.0, 0.0]]
