"""Advice of one who knows the answers: a target for every frame, whatever was decided before.

The policy's own decisions lead it where no perfect schedule would; there, too, it must know what to
do. So the advice follows from the state that its decisions made, as in DAgger (Ross, Gordon and
Bagnell 2011), and the loss is a plain cross-entropy, steadier than gradients through samples.

A frame is worth executing if that makes the answer better: if the mean of the logits executed in
its segment, with its own among them, gives the right class more probability by a least gain. That
passes over pictures that tell nothing, whatever the reason, and ends once the answer stands.

How precisely is another question, and its answer depends on the device. So the programs' logits
learn how much more probability one gives the right class than another does; less the cost at a
price, as the picker takes it, that chooses the program that is worth its time wherever it runs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.gumbel import Decisions
from edge_dnq.train.config import TrainConfig

LOWEST_PROBABILITY = 1e-6


class Oracle(NamedTuple):
    """Whose advice it is.

    Attributes:
        program: Index of the action that is advised where a frame is worth executing.
        skips: Indices of the skips by their length in frames; one of them has length 1.
        gain: Probability of the right class that executing a frame must add to the answer.
        gap: Frames from one executed frame of a segment to the next at least.
        weight: Of the frames that are worth executing, which are few; the others count 1.
        scale: Action logits that two programs lie apart, for each unit of probability that one
            gives the right class more than the other.
    """

    program: int
    skips: dict[int, int]
    gain: float
    gap: int
    weight: float
    scale: float


class Shown(NamedTuple):
    """What N sequences of T frames show, and what the programs say about it.

    Attributes:
        owner: Segment of every frame, or -1 where there is nothing to recognise, int64 [N, T].
        targets: Class of every frame, -1 likewise, int64 [N, T].
        logits: Of the oracle's program, float32 [N, T, K].
        programs: Probability that every program gives the frame's class, float32 [N, T, B]; of any
            value where there is none.
    """

    owner: Tensor
    targets: Tensor
    logits: Tensor
    programs: Tensor

    @staticmethod
    def of(programs: Tensor, owner: Tensor, targets: Tensor, oracle: Oracle) -> Shown:
        """Gather it.

        Args:
            programs: Logits of every program on every frame, float32 [N, T, B, K].
            owner: Segment of every frame, or -1, int64 [N, T].
            targets: Class of every segment, -1 where there is none, int64 [N, G].
            oracle: Whose program counts.
        """
        of_frames = targets.gather(1, owner.clamp_min(0)).masked_fill(owner < 0, -1)
        logits = programs.float()
        places = of_frames.clamp_min(0)[..., None, None].expand(*logits.shape[:3], 1)
        right = logits.softmax(-1).gather(-1, places).squeeze(-1)
        return Shown(owner, of_frames, logits[:, :, oracle.program], right)

    def right(self, t: int, logits: Tensor) -> Tensor:
        """Return the probability that ``logits`` [N, K] give frame ``t``'s class, [N]."""
        target = self.targets[:, t].clamp_min(0).unsqueeze(-1)
        return logits.softmax(-1).gather(-1, target).squeeze(-1)


class _Answers(NamedTuple):
    """Where N sequences stand: the segment that was shown last, its answer, the last execution.

    Attributes:
        owner: The segment, int64 [N].
        sums: Of the logits executed in it, [N, K].
        runs: How many these are, int64 [N].
        last: When a frame was executed, int64 [N].
    """

    owner: Tensor
    sums: Tensor
    runs: Tensor
    last: Tensor

    def worth(self, shown: Shown, t: int, oracle: Oracle) -> Tensor:
        """Return whether frame ``t`` is worth executing, bool [N]."""
        owner = shown.owner[:, t]
        fresh = (owner != self.owner) | (self.runs == 0)
        before = torch.where(fresh, 0.0, shown.right(t, self.sums / _counts(self.runs)))
        sums = torch.where(fresh.unsqueeze(-1), 0.0, self.sums) + shown.logits[:, t]
        runs = torch.where(fresh, 0, self.runs) + 1
        gained = shown.right(t, sums / _counts(runs)) - before >= oracle.gain
        return (owner >= 0) & gained & (fresh | (t - self.last >= oracle.gap))

    def after(self, shown: Shown, t: int, executed: Tensor) -> _Answers:
        """Return where they stand after frame ``t``."""
        owner = shown.owner[:, t]
        shows = owner >= 0
        begins = shows & (owner != self.owner)
        adds = executed & shows
        sums = torch.where(begins.unsqueeze(-1), 0.0, self.sums)
        return _Answers(
            torch.where(shows, owner, self.owner),
            torch.where(adds.unsqueeze(-1), sums + shown.logits[:, t], sums),
            torch.where(begins, 0, self.runs) + adds,
            torch.where(executed, t, self.last),
        )


def _counts(runs: Tensor) -> Tensor:
    return runs.clamp_min(1).unsqueeze(-1)


@torch.no_grad()
def advice(executed: Tensor, shown: Shown, oracle: Oracle) -> Tensor:
    """Return the advised action of every frame, int64 [N, T].

    Where nothing is to be executed, the longest skip is advised that ends before the next frame
    worth executing. A segment that pauses goes on as the same one.

    Args:
        executed: Which frames the policy had executed, bool [N, T].
        shown: What there was to recognise.
        oracle: Whose advice.
    """
    clips, length = shown.owner.shape
    none = torch.full((clips,), -1, dtype=torch.long, device=executed.device)
    runs = torch.zeros_like(none)
    state = _Answers(none, torch.zeros_like(shown.logits[:, 0]), runs, none - oracle.gap)
    advised = torch.empty_like(shown.owner)
    for t in range(length):
        free = torch.ones_like(none, dtype=torch.bool)
        best = torch.full_like(none, oracle.skips[1])
        for ahead in range(1, max(oracle.skips)):
            if t + ahead < length:
                free = free & ~state.worth(shown, t + ahead, oracle)
            if ahead + 1 in oracle.skips:
                best = torch.where(free, oracle.skips[ahead + 1], best)
        advised[:, t] = torch.where(state.worth(shown, t, oracle), oracle.program, best)
        state = state.after(shown, t, executed[:, t])
    return advised


def oracle_losses(
    decisions: Decisions, shown: Shown, oracle: Oracle, programs: int
) -> dict[str, Tensor]:
    """Return what sets decisions apart from the oracle's, by name in ``PolicyLosses``.

    ``oracle`` is the mean weighted cross-entropy of executing, by whatever program, and the skips
    against the advice; ``precision`` the mean squared error, in probability, of what the programs'
    logits say about their answers. Frames that were not decided do not count, nor does the first,
    which must be executed.

    Args:
        decisions: Of N clips of T frames.
        shown: What there was to recognise.
        oracle: Who advises.
        programs: How many of the actions execute.
    """
    executed = (decisions.actions.detach().argmax(-1) < programs) & decisions.decided
    counts = decisions.decided.clone()
    counts[:, 0] = False
    advised = advice(executed, shown, oracle)
    said = decisions.probabilities.clamp_min(LOWEST_PROBABILITY).log()
    # The picker compares the best program with the skips, so the others must not add to it.
    best = said[..., :programs].amax(-1, keepdim=True)
    choices = torch.cat([best, said[..., programs:]], -1).log_softmax(-1)
    places = (advised - programs + 1).clamp_min(0)
    errors = -choices.gather(-1, places.unsqueeze(-1)).squeeze(-1)
    weights = torch.where(advised == oracle.program, oracle.weight, 1.0) * counts
    return {
        "oracle": (errors * weights).sum() / counts.sum().clamp_min(1),
        "precision": _precision_loss(
            said[..., :programs], shown, oracle, counts & (shown.owner >= 0)
        ),
    }


def _precision_loss(said: Tensor, shown: Shown, oracle: Oracle, counts: Tensor) -> Tensor:
    anchor = slice(oracle.program, oracle.program + 1)
    apart = (said - said[..., anchor]) / oracle.scale
    errors = (apart - (shown.programs - shown.programs[..., anchor])).square().sum(-1)
    return (errors * counts).sum() / counts.sum().clamp_min(1)


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
    return Oracle(
        program, skips, settings.gain, settings.gap, settings.weight, settings.precision_scale
    )
