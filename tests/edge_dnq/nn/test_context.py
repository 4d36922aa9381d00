"""The context in training == the context on a device."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.context import Context
from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.context import ContextOfClips
from edge_dnq.nn.gumbel import decide
from edge_dnq.nn.normalise import normalise
from edge_dnq.nn.policy_net import PolicyNet

MEAN, STD = (120.0, 128.0, 131.0), (128.0, 60.0, 80.0)
PROGRAMS = 2


@given(
    seed=st.integers(0, 10**6),
    skips=st.sampled_from([(1,), (1, 4), (3,)]),
    length=st.integers(1, 24),
)
@settings(max_examples=20, deadline=None)
def test_training_tells_the_policy_what_a_device_tells_it(
    seed: int, skips: tuple[int, ...], length: int
) -> None:
    rng = np.random.default_rng(seed)
    clips = 3
    pixels = rng.integers(0, 256, (clips, length, 16, 16, 3), np.uint8)
    logits = rng.normal(scale=3, size=(clips, length, PROGRAMS, 5)).astype(np.float32)
    torch.manual_seed(seed)
    config = PolicyConfig(
        input_size=16, channels=(4, 8), hidden=8, skip_lengths=skips, context=True
    )
    policy = PolicyNet(config, PROGRAMS + len(skips), 5).eval()
    torch.nn.init.normal_(policy.action_head.weight, std=2.0)
    frames = normalise(torch.from_numpy(pixels), MEAN, STD)
    context = ContextOfClips(frames, torch.from_numpy(logits), STD)
    decisions = decide(policy, frames, PROGRAMS, None, context=context)
    for clip in range(clips):
        actions = decisions.actions[clip].argmax(-1).tolist()
        told = Context()
        state = policy.initial_state(1)
        for t, action in enumerate(actions):
            if not decisions.decided[clip, t]:
                continue
            given_ = torch.from_numpy(told.look(pixels[clip, t]))
            output = policy(frames[clip, t][None], state, given_)
            state = output.state
            wanted = output.action_logits.softmax(-1)[0]
            if t:  # skips are masked before the first execution
                np.testing.assert_allclose(
                    decisions.probabilities[clip, t].detach(), wanted.detach(), atol=1e-4
                )
            if action < PROGRAMS:
                told.execute(logits[clip, t, action])


def test_without_context_the_policy_takes_zeros() -> None:
    torch.manual_seed(0)
    policy = PolicyNet(PolicyConfig(input_size=16, channels=(4,), hidden=4, context=True), 3, 2)
    frames, state = torch.randn(2, 3, 16, 16), policy.initial_state(2)
    zeros = policy.eval()(frames, state, torch.zeros(2, 5))
    assert torch.equal(policy(frames, state).action_logits, zeros.action_logits)
