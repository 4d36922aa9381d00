"""Advice of one who knows the segments: a target for every frame, whatever was decided before.

The policy's own decisions lead it where no perfect schedule would; there, too, it must know what to
do. So the advice follows from the state that its decisions made, as in DAgger (Ross, Gordon and
Bagnell 2011), and the loss is a plain cross-entropy, steadier than gradients through samples.

Frames on which the program would be wrong are not worth executing (:func:`tells`): that teaches
which pictures tell something, and, because only telling frames count as executed, to look again
where an answer was unsure.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.gumbel import Decisions
from edge_dnq.nn.segments import Segments
from edge_dnq.train.config import TrainConfig

LOWEST_PROBABILITY = 1e-6


class Oracle(NamedTuple):
    """Whose advice it is.

    Attributes:
        program: Index of the action that is advised where a frame is worth executing.
        skips: Indices of the skips by their length in frames; one of them has length 1.
        frames: Executed frames that a segment is worth.
        gap: Frames from one of them to the next at least.
        right: Probability of the right class from which a frame tells something.
        weight: Of the frames that are worth executing, which are few; the others count 1.
    """

    program: int
    skips: dict[int, int]
    frames: int
    gap: int
    right: float
    weight: float


class _Segment(NamedTuple):
    """Where N clips stand: the segment that was shown last, what of it was executed, and when."""

    owner: Tensor
    runs: Tensor
    last: Tensor

    def worth(self, owner: Tensor, t: int, oracle: Oracle) -> Tensor:
        """Return whether frame ``t``, of segment ``owner`` [N], is worth executing, bool [N]."""
        new = owner != self.owner
        due = (self.runs < oracle.frames) & (t - self.last >= oracle.gap)
        return (owner >= 0) & (new | due)

    def after(self, owner: Tensor, t: int, executed: Tensor, oracle: Oracle) -> _Segment:
        """Return where they stand after frame ``t``."""
        shows = owner >= 0
        begins = shows & (owner != self.owner)
        runs = torch.where(begins, 0, self.runs)
        last = torch.where(begins, t - oracle.gap, self.last)
        return _Segment(
            torch.where(shows, owner, self.owner),
            runs + (executed & shows),
            torch.where(executed, t, last),
        )


def advice(executed: Tensor, owner: Tensor, oracle: Oracle) -> Tensor:
    """Return the advised action of every frame, int64 [N, T].

    Where nothing is to be executed, the longest skip is advised that ends before the next frame
    worth executing. A segment that pauses goes on as the same one.

    Args:
        executed: Which frames the policy had executed, bool [N, T].
        owner: Segment of every frame, or -1 where nothing is to be recognised, int64 [N, T].
        oracle: Whose advice.
    """
    clips, length = owner.shape
    none = torch.full((clips,), -1, dtype=torch.long, device=owner.device)
    state = _Segment(none, torch.zeros_like(none), none - oracle.gap)
    advised = torch.empty_like(owner)
    for t in range(length):
        free = torch.ones_like(none, dtype=torch.bool)
        best = torch.full_like(none, oracle.skips[1])
        for ahead in range(1, max(oracle.skips)):
            if t + ahead < length:
                free = free & ~state.worth(owner[:, t + ahead], t + ahead, oracle)
            if ahead + 1 in oracle.skips:
                best = torch.where(free, oracle.skips[ahead + 1], best)
        worth = state.worth(owner[:, t], t, oracle)
        advised[:, t] = torch.where(worth, oracle.program, best)
        state = state.after(owner[:, t], t, executed[:, t], oracle)
    return advised


def tells(programs: Tensor, targets: Tensor, oracle: Oracle) -> Tensor:
    """Return on which frames the oracle's program is right, bool [...].

    It is where it gives the right class ``oracle.right`` at least; nowhere that shows nothing.

    Args:
        programs: Logits of every program on every frame, float32 [..., B, K].
        targets: Class of every frame, or -1, int64 [...].
        oracle: Whose program it is.
    """
    classes = programs[..., oracle.program, :].softmax(-1)
    right = classes.gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1)
    return (targets >= 0) & (right >= oracle.right)


def telling(programs: Tensor, segments: Segments, targets: Tensor, oracle: Oracle) -> Tensor:
    """Return the segment of every frame that tells something, elsewhere -1; int64 [N, T].

    Args:
        programs: Logits of every program on every frame, float32 [N, T, B, K].
        segments: Which frames are whose.
        targets: Class of every segment, -1 where there is none, int64 [N, G].
        oracle: Whose program must be right.
    """
    owner = segments.owner
    shown = torch.where(owner >= 0, targets.gather(1, owner.clamp_min(0)), -1)
    return torch.where(tells(programs, shown, oracle), owner, -1)


def oracle_loss(decisions: Decisions, owner: Tensor, oracle: Oracle, programs: int) -> Tensor:
    """Return the mean weighted cross-entropy of the decisions against the oracle's advice.

    Frames that were not decided do not count, nor does the first, which must be executed.

    Args:
        decisions: Of N clips of T frames.
        owner: Segment of every frame, or -1 where executing tells nothing, int64 [N, T].
        oracle: Who advises.
        programs: How many of the actions execute.
    """
    executed = (decisions.actions.detach().argmax(-1) < programs) & decisions.decided
    advised = advice(executed, owner, oracle)
    chosen = decisions.probabilities.gather(-1, advised.unsqueeze(-1)).squeeze(-1)
    weights = torch.where(advised == oracle.program, oracle.weight, 1.0) * decisions.decided
    weights[:, 0] = 0.0
    errors = -chosen.clamp_min(LOWEST_PROBABILITY).log() * weights
    return errors.sum() / decisions.decided[:, 1:].sum().clamp_min(1)


def oracle_of(config: TrainConfig) -> Oracle:
    """Return who advises.

    Raises:
        EdgeDnqError: its program is not one of the model's, or no skip takes one frame.
    """
    settings, programs = config.policy_training.oracle, config.backbone.programs
    names = [program.name for program in programs]
    if settings.program not in names:
        raise EdgeDnqError(
            f"policy_training.oracle.program={settings.program}: expected one of {', '.join(names)}"
        )
    lengths = config.policy.skip_lengths
    if 1 not in lengths:
        raise EdgeDnqError(
            f"policy.skip_lengths={list(lengths)}: an oracle needs a skip of one frame, add 1"
        )
    skips = {length: len(names) + place for place, length in enumerate(lengths)}
    program = names.index(settings.program)
    return Oracle(program, skips, settings.frames, settings.gap, settings.right, settings.weight)
