"""Shrinking batches of frames exactly as the device does: by area, like OpenCV's INTER_AREA."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def area_matrix(source: int, target: int) -> Tensor:
    """Return the weights [target, source] of a one-dimensional area resize, float32.

    Output pixel o covers [o r, (o + 1) r) of the source, r = source / target, and averages the
    source pixels by the length of the overlap.
    """
    ratio = source / target
    start = torch.arange(target, dtype=torch.float64).unsqueeze(1) * ratio
    pixel = torch.arange(source, dtype=torch.float64).unsqueeze(0)
    overlap = torch.minimum(start + ratio, pixel + 1) - torch.maximum(start, pixel)
    return (overlap.clamp_min(0) / ratio).float()


def resize_frames(x: Tensor, size: int) -> Tensor:
    """Return frames [N, C, S, S] at [N, C, size, size]: by area when shrinking, else bilinear."""
    side = x.shape[-1]
    if side == size:
        return x
    if side < size:
        return F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)
    weights = area_matrix(side, size).to(x.device, x.dtype)
    return weights @ x @ weights.T
