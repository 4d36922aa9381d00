"""Advice of one who knows the segments: a target for every frame, whatever was decided before.

The policy's own decisions lead it where no perfect schedule would; there, too, it must know what to
do. So the advice follows from the state that its decisions made, as in DAgger (Ross, Gordon and
Bagnell 2011), and the loss is a plain cross-entropy, steadier than gradients through samples.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from edge_dnq.nn.gumbel import Decisions

LOWEST_PROBABILITY = 1e-6


class Oracle(NamedTuple):
    """Whose advice it is.

    Attributes:
        program: Index of the action that is advised where a frame is worth executing.
        skip: Index of the action that is advised elsewhere.
        frames: Executed frames that a segment is worth.
        gap: Frames from one of them to the next at least.
        weight: Of the frames that are worth executing, which are few; the others count 1.
    """

    program: int
    skip: int
    frames: int
    gap: int
    weight: float


def advice(executed: Tensor, owner: Tensor, oracle: Oracle) -> Tensor:
    """Return the advised action of every frame, int64 [N, T].

    A segment that pauses goes on as the same one.

    Args:
        executed: Which frames the policy had executed, bool [N, T].
        owner: Segment of every frame, or -1 where nothing is to be recognised, int64 [N, T].
        oracle: Whose advice.
    """
    clips, length = owner.shape
    count = torch.zeros(clips, dtype=torch.long, device=owner.device)
    last = torch.full_like(count, -oracle.gap)
    current = torch.full_like(count, -2)
    advised = torch.full_like(owner, oracle.skip)
    for t in range(length):
        shows = owner[:, t] >= 0
        begins = shows & (owner[:, t] != current)
        count = torch.where(begins, 0, count)
        last = torch.where(begins, t - oracle.gap, last)
        current = torch.where(shows, owner[:, t], current)
        worth = shows & (count < oracle.frames) & (t - last >= oracle.gap)
        advised[:, t] = torch.where(worth, oracle.program, oracle.skip)
        count = count + (executed[:, t] & shows)
        last = torch.where(executed[:, t], t, last)
    return advised


def oracle_loss(decisions: Decisions, owner: Tensor, oracle: Oracle, programs: int) -> Tensor:
    """Return the mean weighted cross-entropy of the decisions against the oracle's advice.

    Frames that were not decided do not count, nor does the first, which must be executed.

    Args:
        decisions: Of N clips of T frames.
        owner: Segment of every frame, int64 [N, T].
        oracle: Who advises.
        programs: How many of the actions execute.
    """
    executed = (decisions.actions.detach().argmax(-1) < programs) & decisions.decided
    advised = advice(executed, owner, oracle)
    chosen = decisions.probabilities.gather(-1, advised.unsqueeze(-1)).squeeze(-1)
    weights = torch.where(advised == oracle.skip, 1.0, oracle.weight) * decisions.decided
    weights[:, 0] = 0.0
    errors = -chosen.clamp_min(LOWEST_PROBABILITY).log() * weights
    return errors.sum() / decisions.decided[:, 1:].sum().clamp_min(1)
