"""Discrete decisions with gradients, and a policy's decisions over a whole clip."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from edge_dnq.nn.context import ContextOfClips
from edge_dnq.nn.policy_net import PolicyNet

MASKED_LOGIT = -1e4
"""Logit of a forbidden action: its probability is exactly 0 at any temperature in use."""


def hard_gumbel_softmax(
    logits: Tensor, temperature: float, generator: torch.Generator | None = None
) -> Tensor:
    """Draw one-hot samples whose gradient is that of the relaxed sample.

    ``y = softmax((logits + g) / temperature)`` with standard Gumbel noise g; the result is
    ``onehot(argmax y)`` forwards and ``y`` backwards (straight-through Gumbel-softmax, Jang et al.
    2017, section 2.2).

    Args:
        logits: Unnormalised log-probabilities, float [..., A].
        temperature: Positive; large values spread the gradient over all actions.
        generator: Source of the noise (on the device of ``logits``); None is the global one.
    """
    if temperature <= 0:
        raise ValueError(f"the temperature must be positive, got {temperature}")
    noise = torch.empty_like(logits, dtype=torch.float32).exponential_(generator=generator)
    # An exponential draw of 0 would be infinite noise.
    gumbel = -noise.clamp_min(torch.finfo(torch.float32).tiny).log()
    soft = ((logits + gumbel) / temperature).softmax(-1)
    return straight_through(soft)


def straight_through(soft: Tensor) -> Tensor:
    """Return the one-hot of the largest of ``soft`` [..., A], with the gradient of ``soft``."""
    hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
    # (soft - soft) is exactly zero, so the forward value stays exactly one-hot.
    return hard + (soft - soft.detach())


class Decisions(NamedTuple):
    """A policy's decisions on N clips of T frames.

    Attributes:
        actions: One-hot actions with straight-through gradients, float32 [N, T, A].
        probabilities: Softmax of the (masked) action logits, float32 [N, T, A].
        decided: Where the policy ran, bool [N, T]; elsewhere a longer skip was being held.
        class_logits: Of the class head, float32 [N, T, K]; they count where the policy ran.
    """

    actions: Tensor
    probabilities: Tensor
    decided: Tensor
    class_logits: Tensor


def decide(
    policy: PolicyNet,
    frames: Tensor,
    programs: int,
    temperature: float | None,
    generator: torch.Generator | None = None,
    context: ContextOfClips | None = None,
) -> Decisions:
    """Let ``policy`` choose an action for every frame, under the rules of deployment.

    Skips are forbidden until a frame of the clip has been executed. A skip of n frames holds the
    decision and the state for n frames; the frames it holds are not seen by the memory.

    Args:
        policy: The policy network.
        frames: Normalised policy frames, float32 [N, T, 3, P, P].
        programs: How many of the actions execute a program; the rest are skips.
        temperature: Of the Gumbel-softmax; None takes the argmax, as a deployment does.
        generator: Source of the Gumbel noise.
        context: What the policy is told beside the frames, where it is; of these clips.
    """
    clips, length = frames.shape[:2]
    features = policy.encode(frames.flatten(0, 1)).reshape(clips, length, -1)
    skip_lengths = policy.config.skip_lengths
    durations = torch.tensor((1,) * programs + skip_lengths, device=frames.device)
    is_skip = torch.arange(len(durations), device=frames.device) >= programs

    state = policy.initial_state(clips)
    executed = torch.zeros(clips, dtype=torch.bool, device=frames.device)
    held = torch.zeros(clips, dtype=torch.long, device=frames.device)
    action = probability = frames.new_zeros(clips, len(durations))
    steps: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for t in range(length):
        running = held == 0
        row = running.unsqueeze(1)
        told = None if context is None else context.look(t, running)
        output = policy.step(features[:, t], state, told)
        forbidden = is_skip & ~executed.unsqueeze(1)
        logits = output.action_logits.float().masked_fill(forbidden, MASKED_LOGIT)
        if temperature is None:
            chosen = straight_through(logits.softmax(-1))
        else:
            chosen = hard_gumbel_softmax(logits, temperature, generator)
        action = torch.where(row, chosen, action)
        probability = torch.where(row, logits.softmax(-1), probability)
        state = (
            torch.where(row, output.state[0], state[0]),
            torch.where(row, output.state[1], state[1]),
        )
        index = action.argmax(-1)
        held = torch.where(running, durations[index], held) - 1
        executed = executed | (index < programs)
        if context is not None:
            context.execute(t, index, running & (index < programs))
        steps.append((action, probability, running, output.class_logits))

    actions, probabilities, decided, classes = (torch.stack(part, 1) for part in zip(*steps))  # noqa: B905
    return Decisions(actions, probabilities, decided, classes)
