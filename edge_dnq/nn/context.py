"""The context of many clips at once, for training: :mod:`edge_dnq.context` in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from edge_dnq.context import GAP_LIMIT, MARGIN_LIMIT, MEMORY


class ContextOfClips:
    """What a policy is told about N clips of T frames while it decides about them.

    Args:
        frames: Normalised policy frames, float32 [N, T, 3, P, P].
        program_logits: Of every program on every frame, float32 [N, T, B, K].
        std: Deviation per channel that the frames were divided by, in pixel units.
    """

    def __init__(
        self, frames: Tensor, program_logits: Tensor, std: tuple[float, float, float]
    ) -> None:
        clips, classes = program_logits.shape[0], program_logits.shape[-1]
        self._logits = program_logits
        self._frames = frames * (frames.new_tensor(std) / 255).view(3, 1, 1)
        never = torch.full((clips,), -1, dtype=torch.long, device=frames.device)
        self._seen, self._executed = never, never.clone()
        self._gap = torch.full_like(never, GAP_LIMIT)
        zeros = frames.new_zeros(clips)
        self._count, self._margin, self._mean_margin = zeros, zeros.clone(), zeros.clone()
        self._mean = frames.new_zeros(clips, classes)

    def look(self, t: int, running: Tensor) -> Tensor:
        """Return the context of frame ``t``, float32 [N, FEATURES].

        Args:
            t: The frame.
            running: Where the policy sees it, bool [N].
        """
        result = torch.stack(
            [
                self._change(t, self._executed),
                self._change(t, self._seen),
                self._margin,
                self._mean_margin,
                self._gap / GAP_LIMIT,
            ],
            1,
        )
        self._seen = torch.where(running, t, self._seen)
        self._gap = torch.where(running, (self._gap + 1).clamp_max(GAP_LIMIT), self._gap)
        return result

    def execute(self, t: int, action: Tensor, executed: Tensor) -> None:
        """Take what was done with frame ``t``.

        Args:
            t: The frame.
            action: Index of the action, int64 [N].
            executed: Where it was a program, bool [N].
        """
        rows = torch.arange(len(action), device=action.device)
        programs = self._logits.shape[2]
        logits = self._logits[rows, t, action.clamp_max(programs - 1)]
        row = executed.unsqueeze(1)
        self._count = torch.where(executed, (self._count + 1).clamp_max(MEMORY), self._count)
        step = (logits - self._mean) / self._count.clamp_min(1).unsqueeze(1)
        self._mean = torch.where(row, self._mean + step, self._mean)
        self._margin = torch.where(executed, margin(logits), self._margin)
        self._mean_margin = torch.where(executed, margin(self._mean), self._mean_margin)
        self._executed = torch.where(executed, t, self._executed)
        self._gap = torch.where(executed, 1, self._gap)

    def _change(self, t: int, earlier: Tensor) -> Tensor:
        rows = torch.arange(len(earlier), device=earlier.device)
        before = self._frames[rows, earlier.clamp_min(0)]
        difference = (self._frames[:, t] - before).abs().mean((1, 2, 3))
        return torch.where(earlier < 0, 1.0, difference)


def margin(logits: Tensor) -> Tensor:
    """Return the largest of [N, K] logits less the second largest, limited and scaled to 0..1."""
    if logits.shape[-1] < 2:
        return torch.ones_like(logits[..., 0])
    top = logits.topk(2, -1).values
    return (top[..., 0] - top[..., 1]).clamp_max(MARGIN_LIMIT) / MARGIN_LIMIT
