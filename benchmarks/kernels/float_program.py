"""Float32 TFLite programs of the same topology."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from edge_dnq_export.quiet import quiet


def write_float_program(module: nn.Module, example: torch.Tensor, path: Path) -> None:
    """Write ``module`` as a float TFLite program with NHWC input."""
    import litert_torch

    with quiet():
        channels_last = litert_torch.to_channel_last_io(module.eval(), args=[0]).eval()
        litert_torch.convert(channels_last, (example.permute(0, 2, 3, 1),)).export(str(path))
