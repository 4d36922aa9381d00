"""Resizing batches of frames as the device does (``edge_dnq.video.preprocess.network_frame``)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def resize_frames(x: Tensor, size: int) -> Tensor:
    """Return frames [N, C, S, S] at [N, C, size, size].

    Halved by the mean of 2x2 pixels while at least twice too large (an odd last row and column are
    dropped), then bilinear with half-pixel centres; not rounded to whole grey levels in between.
    """
    side = x.shape[-1]
    while side >= 2 * size:
        side //= 2
        x = F.avg_pool2d(x, 2)
    if side == size:
        return x
    return F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)
