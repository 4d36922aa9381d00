"""Predictions of a video's segments from the decisions about its frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot


class Segments(NamedTuple):
    """Which frames of N clips belong to which segment; a trimmed clip is one segment.

    Attributes:
        owner: Segment of every frame, or -1 where nothing is to be recognised, int64 [N, T].
        most: Segments of a clip at most, G.
    """

    owner: Tensor
    most: int

    @staticmethod
    def whole(clips: int, length: int, device: torch.device) -> Segments:
        """Return one segment per clip."""
        return Segments(torch.zeros(clips, length, dtype=torch.long, device=device), 1)

    def masks(self) -> Tensor:
        """Return which frames are whose, int64 0 or 1, [N, T, G]."""
        return one_hot(self.owner + 1, self.most + 1)[..., 1:]

    def mean(self, values: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return (weighted mean of each segment's frames [N, G, K], sum of weights [N, G]).

        Args:
            values: Of every frame, [N, T, K].
            weight: Of every frame, [N, T]; a segment of zeros has the mean 0.
        """
        shares = self.masks().to(values.dtype) * weight.unsqueeze(-1)
        sums = torch.einsum("ntg,ntk->ngk", shares, values)
        weights = shares.sum(1)
        return sums / weights.clamp_min(torch.finfo(values.dtype).tiny).unsqueeze(-1), weights


def segment_logits(actions: Tensor, program_logits: Tensor, segments: Segments) -> Tensor:
    """Return each segment's prediction [N, G, K]: the mean logits of its executed frames.

    A segment without any has those of the last executed frame before its end, as a running
    prediction would. Gradients then say what executing each of its frames would have changed.

    Args:
        actions: One-hot actions, float32 [N, T, A].
        program_logits: Logits of every program on every frame, float32 [N, T, B, K]; B <= A, and
            the first B actions execute these programs in order.
        segments: Of the clips.
    """
    chosen = actions[..., : program_logits.shape[2]]
    executed = chosen.sum(-1)
    frames = torch.einsum("ntb,ntbk->ntk", chosen, program_logits)
    masks = segments.masks()
    weights = masks.to(frames.dtype)
    sums = torch.einsum("ntg,ntk->ngk", weights, frames)
    counts = torch.einsum("ntg,nt->ng", weights, executed).unsqueeze(-1)
    carried = _carried(frames.detach(), executed.detach(), masks)
    return torch.where(counts > 0.5, sums / counts.clamp_min(1.0), carried * (1 - counts) + sums)


def _carried(frames: Tensor, executed: Tensor, masks: Tensor) -> Tensor:
    """Return the logits of the last executed frame up to each segment's end, [N, G, K]."""
    length = frames.shape[1]
    place = torch.arange(length, device=frames.device)
    last = torch.where(executed > 0.5, place, -1).cummax(1).values.clamp_min(0)
    ends = (masks * place[:, None]).amax(1)
    index = last.gather(1, ends).unsqueeze(-1).expand(-1, -1, frames.shape[-1])
    return frames.gather(1, index)
