"""The oracle's advice, against its rule said frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.nn.gumbel import Decisions
from edge_dnq.train.oracle import Oracle, Shown, advice, oracle_losses

PROGRAMS, SKIP, SKIP3 = 3, 3, 4
ONE = {1: SKIP}


@dataclass
class Rule:
    """The rule for one sequence, by looking back over all that was executed before a frame."""

    owner: list[int]
    targets: list[int]
    logits: np.ndarray
    gain: float
    gap: int

    def right(self, frames: list[int], target: int) -> float:
        if not frames:
            return 0.0
        mean = self.logits[frames].astype(np.float64).mean(axis=0)
        weights = np.exp(mean - mean.max())
        return float(weights[target] / weights.sum())

    def is_worth(self, executed: list[bool], t: int) -> bool:
        segment, target = self.owner[t], self.targets[t]
        if segment < 0:
            return False
        before = [s for s, ran in enumerate(executed) if ran and self.owner[s] == segment]
        if self.right([*before, t], target) - self.right(before, target) < self.gain:
            return False
        last = max((s for s, ran in enumerate(executed) if ran), default=-self.gap)
        return not before or t - last >= self.gap


@given(
    seed=st.integers(0, 10**6),
    gain=st.sampled_from([0.02, 0.1, 0.3]),
    gap=st.integers(1, 4),
    skips=st.sampled_from([ONE, {1: SKIP, 3: SKIP3}, {1: SKIP, 2: SKIP3}]),
)
@settings(max_examples=120, deadline=None)
def test_advice_follows_from_what_was_executed(
    seed: int, gain: float, gap: int, skips: dict[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    length = 15
    segments = np.sort(rng.integers(0, 3, length))
    segments[rng.random(length) < 0.3] = -1
    classes = rng.integers(0, 4, 3)
    programs = rng.normal(0, 2, (1, length, PROGRAMS, 4)).astype(np.float32)
    ran = rng.random(length) < 0.4
    oracle = Oracle(1, skips, gain, gap, 2.0, 8.0)
    owner = torch.from_numpy(segments)[None]
    shown = Shown.of(torch.from_numpy(programs), owner, torch.from_numpy(classes)[None], oracle)
    found = advice(torch.from_numpy(ran)[None], shown, oracle)[0]

    targets = np.where(segments < 0, -1, classes[segments])
    assert shown.targets[0].tolist() == targets.tolist()
    rule = Rule(segments.tolist(), targets.tolist(), programs[0, :, 1], gain, gap)
    executed = ran.tolist()
    for t in range(length):
        if rule.is_worth(executed[:t], t):
            assert found[t] == 1
            continue
        # Nothing is executed while a skip lasts.
        ahead = [s for s in range(t + 1, length) if rule.is_worth(executed[:t], s)]
        room = ahead[0] - t if ahead else length
        assert found[t] == skips[max(skip for skip in skips if skip <= room)]


def shown(owner: list[int], sure: list[float]) -> Shown:
    """Segments whose class is their number; ``sure`` are the logits of the right class."""
    owners = torch.tensor([owner])
    logits = torch.zeros(1, len(owner), 4)
    for t, (segment, logit) in enumerate(zip(owner, sure, strict=True)):
        logits[0, t, max(segment, 0)] = logit
    right = torch.tensor([0.9, 0.5, 0.1]).expand(1, len(owner), -1)
    return Shown(owners, owners.clamp_min(-1), logits, right)


def decisions(logits: torch.Tensor) -> Decisions:
    """Argmax decisions of logits [N, T, A], all frames decided."""
    actions = torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    decided = torch.ones(logits.shape[:2], dtype=torch.bool)
    return Decisions(actions, logits.softmax(-1), decided, logits)


def test_a_frame_that_tells_nothing_waits_and_a_sure_answer_ends_it() -> None:
    video = shown([0, 0, 0, 0, 0], [9.0, 9.0, -9.0, 9.0, 9.0])
    oracle = Oracle(1, ONE, 0.1, 1, 1.0, 8.0)

    def advised(executed: list[int]) -> list[int]:
        ran = torch.zeros(1, 5, dtype=torch.bool)
        ran[0, executed] = True
        return advice(ran, video, oracle)[0].tolist()

    assert advised([]) == [1, 1, SKIP, 1, 1]
    assert advised([0]) == [1, SKIP, SKIP, SKIP, SKIP]
    # A misleading frame was executed: the next ones mend the answer.
    assert advised([2]) == [1, 1, SKIP, 1, 1]
    assert advised([2, 3, 4]) == [1, 1, SKIP, 1, 1]


def test_loss_vanishes_for_whoever_follows() -> None:
    video = shown([-1, 0, 0, 0, -1, -1, 1, 1], [9.0] * 8)
    oracle = Oracle(1, ONE, 0.1, 3, 5.0, 8.0)
    logits = torch.full((1, 8, 4), -20.0)
    for t, action in enumerate([0, 1, SKIP, SKIP, SKIP, SKIP, 2, SKIP]):
        logits[0, t, action] = 20.0
    assert float(oracle_losses(decisions(logits), video, oracle, PROGRAMS)["oracle"]) < 1e-4
    late = logits.clone()
    late[0, 1] = torch.tensor([-20.0, -20.0, -20.0, 20.0])
    assert float(oracle_losses(decisions(late), video, oracle, PROGRAMS)["oracle"]) > 5.0


def test_the_first_frame_and_held_frames_do_not_count() -> None:
    video = shown([0, 0, 0], [1.0, 1.0, 1.0])
    oracle = Oracle(1, ONE, 0.01, 1, 1.0, 8.0)
    logits = torch.zeros(1, 3, 4, requires_grad=True)
    made = decisions(logits)
    made.decided[0, 2] = False
    for loss in oracle_losses(made, video, oracle, PROGRAMS).values():
        (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
        assert gradient[0, 0].abs().sum() == 0
        assert gradient[0, 1].abs().sum() > 0
        assert gradient[0, 2].abs().sum() == 0


def test_executing_is_one_choice_whichever_program_does_it() -> None:
    """As the picker takes it: the best program's logit against those of the skips."""
    video, oracle = shown([0, 0], [1.0, 1.0]), Oracle(1, ONE, 0.01, 1, 1.0, 8.0)

    def loss(*logits: float) -> float:
        made = decisions(torch.tensor([[[0.0] * 4, logits]]))
        made.actions[0, 0] = torch.tensor([0.0, 0.0, 0.0, 1.0])
        return float(oracle_losses(made, video, oracle, PROGRAMS)["oracle"])

    expected = float(np.log1p(np.exp(-2.0)))
    assert loss(1.0, 3.0, 2.0, 1.0) == pytest.approx(expected, abs=1e-5)
    assert loss(3.0, -9.0, 3.0, 1.0) == pytest.approx(expected, abs=1e-5)


@given(
    right=st.lists(st.floats(0.0, 1.0), min_size=PROGRAMS, max_size=PROGRAMS),
    scale=st.sampled_from([1.0, 8.0]),
    anchor=st.integers(0, PROGRAMS - 1),
)
@settings(deadline=None)
def test_programs_lie_apart_as_their_answers_do(
    right: list[float], scale: float, anchor: int
) -> None:
    video = shown([0, 0, -1], [1.0, 1.0, 1.0])._replace(
        programs=torch.tensor(right).expand(1, 3, -1)
    )
    oracle = Oracle(anchor, ONE, 0.1, 1, 1.0, scale)
    logits = torch.zeros(1, 3, 4)
    logits[0, 1, :PROGRAMS] = scale * torch.tensor(right) - 1.0
    losses = oracle_losses(decisions(logits), video, oracle, PROGRAMS)
    assert float(losses["precision"]) == pytest.approx(0.0, abs=1e-6)
    # One program alone is thought better by 0.5 than it is.
    logits[0, 1, (anchor + 1) % PROGRAMS] += 0.5 * scale
    losses = oracle_losses(decisions(logits), video, oracle, PROGRAMS)
    assert float(losses["precision"]) == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize("class_of_none", [-1, 2])
def test_frames_of_no_segment_have_no_class(class_of_none: int) -> None:
    oracle = Oracle(0, ONE, 0.1, 1, 1.0, 8.0)
    owner, targets = torch.tensor([[-1, -1]]), torch.tensor([[class_of_none]])
    video = Shown.of(torch.zeros(1, 2, 1, 3), owner, targets, oracle)
    assert video.targets.tolist() == [[-1, -1]]
    assert advice(torch.ones(1, 2, dtype=torch.bool), video, oracle).tolist() == [[SKIP, SKIP]]
