"""From pixels to what the networks take, in torch; on a device a look-up table does it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def normalise(frames: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return (pixel - mean) / std, float32 [..., 3, H, W], of RGB frames, uint8 [..., H, W, 3].

    Args:
        frames: The pixels; the result is on their device.
        mean: Per-channel mean in pixel units.
        std: Per-channel deviation in pixel units.
    """
    pixels = frames.movedim(-1, -3)
    shift = torch.tensor(mean, dtype=torch.float32, device=pixels.device).view(3, 1, 1)
    scale = torch.tensor(std, dtype=torch.float32, device=pixels.device).view(3, 1, 1)
    values = torch.empty(pixels.shape, dtype=torch.float32, device=pixels.device)
    return values.copy_(pixels).sub_(shift).div_(scale)
