from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.gumbel import decide, hard_gumbel_softmax
from edge_dnq.nn.policy_net import PolicyNet

PROGRAMS = 3


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    seed=st.integers(0, 2**32 - 1),
    actions=st.integers(2, 6),
    temperature=st.floats(0.01, 100),
    spread=st.floats(0, 50),
)
@settings(max_examples=50, deadline=None)
def test_samples_are_exactly_one_hot(
    seed: int, actions: int, temperature: float, spread: float
) -> None:
    logits = torch.randn(7, actions, generator=seeded(seed)) * spread
    sample = hard_gumbel_softmax(logits, temperature, seeded(seed + 1))
    assert torch.equal(sample.sum(-1), torch.ones(7))
    assert set(sample.flatten().tolist()) <= {0.0, 1.0}


def test_samples_follow_the_softmax_at_any_temperature() -> None:
    probabilities = torch.tensor([0.6, 0.3, 0.1])
    logits = probabilities.log().expand(20000, 3)
    for temperature in (0.5, 5.0):
        use = hard_gumbel_softmax(logits, temperature, seeded(3)).mean(0)
        # Three standard errors of 20,000 draws.
        assert torch.allclose(use, probabilities, atol=0.011)


def test_gradient_is_that_of_the_relaxed_sample() -> None:
    logits = torch.tensor([[0.3, -0.2, 0.9]], requires_grad=True)
    weights = torch.tensor([1.0, 2.0, 4.0])
    (hard_gumbel_softmax(logits, 2.0, seeded(5)) * weights).sum().backward()
    noise = -torch.empty(1, 3).exponential_(generator=seeded(5)).log()
    relaxed = logits.detach().clone().requires_grad_()
    (((relaxed + noise) / 2.0).softmax(-1) * weights).sum().backward()
    assert torch.allclose(logits.grad, relaxed.grad)
    assert logits.grad.abs().sum() > 0


def test_seed_decides() -> None:
    logits = torch.zeros(50, 4)
    first, again, other = (hard_gumbel_softmax(logits, 1.0, seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_temperature_must_be_positive() -> None:
    with pytest.raises(ValueError, match="temperature"):
        hard_gumbel_softmax(torch.zeros(1, 2), 0.0)


def small_policy(skip_lengths: tuple[int, ...], seed: int = 0) -> PolicyNet:
    torch.manual_seed(seed)
    config = PolicyConfig(input_size=16, channels=(4, 8), hidden=8, skip_lengths=skip_lengths)
    policy = PolicyNet(config, PROGRAMS + len(skip_lengths), 5)
    torch.nn.init.normal_(policy.action_head.weight, std=2.0)
    return policy


def deployed(policy: PolicyNet, frames: Tensor) -> tuple[list[int], list[bool], Tensor]:
    """State the rules of deployment once more, frame by frame, for one clip [T, 3, P, P]."""
    durations = (1,) * PROGRAMS + policy.config.skip_lengths
    state = policy.initial_state(1)
    actions: list[int] = []
    decided: list[bool] = []
    classes = []
    held = 0
    for frame in frames:
        if held:
            held -= 1
            actions.append(actions[-1])
            decided.append(False)
            continue
        output = policy(frame[None], state)
        state = output.state
        logits = output.action_logits[0].detach().clone()
        if all(action >= PROGRAMS for action in actions):
            logits[PROGRAMS:] = -np.inf
        actions.append(int(logits.argmax()))
        decided.append(True)
        classes.append(output.class_logits[0])
        held = durations[actions[-1]] - 1
    return actions, decided, torch.stack(classes)


@given(
    seed=st.integers(0, 10**6),
    skips=st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
    length=st.integers(1, 12),
)
@settings(max_examples=12, deadline=None)
def test_training_rolls_out_as_deployment_does(seed: int, skips: list[int], length: int) -> None:
    policy = small_policy(tuple(skips), seed).eval()
    frames = torch.randn(3, length, 3, 16, 16, generator=seeded(seed)) * 3
    decisions = decide(policy, frames, PROGRAMS, None)
    for clip, frames_of_clip in enumerate(frames):
        actions, decided, classes = deployed(policy, frames_of_clip)
        assert decisions.actions[clip].argmax(-1).tolist() == actions
        assert decisions.decided[clip].tolist() == decided
        seen = decisions.class_logits[clip][decisions.decided[clip]]
        assert torch.allclose(seen, classes, atol=1e-5)


def always(policy: PolicyNet, action: int) -> PolicyNet:
    torch.nn.init.zeros_(policy.action_head.weight)
    with torch.no_grad():
        policy.action_head.bias.zero_()[action] = 100.0
    return policy


def test_first_frame_is_executed_even_by_a_policy_that_wants_to_skip() -> None:
    policy = always(small_policy((1, 4)), PROGRAMS + 1).eval()
    decisions = decide(policy, torch.randn(2, 8, 3, 16, 16), PROGRAMS, 5.0, seeded(0))
    chosen = decisions.actions.argmax(-1)
    assert bool((chosen[:, 0] < PROGRAMS).all())
    assert bool((chosen[:, 1:] == PROGRAMS + 1).all())
    # Decided at frames 0, 1 and 5: skips of four frames are held for three more.
    assert decisions.decided.nonzero()[:, 1].tolist() == [0, 1, 5] * 2


def test_gradient_reaches_the_policy_through_a_held_skip() -> None:
    policy = small_policy((3,))
    decisions = decide(policy, torch.randn(4, 6, 3, 16, 16), PROGRAMS, 2.0, seeded(1))
    decisions.actions[..., PROGRAMS].sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in policy.parameters())
    assert policy.convs[0].weight.grad.abs().sum() > 0
