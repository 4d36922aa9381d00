"""Recognition logits of clips, and accuracies."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.resize import resize_frames
from edge_dnq.train.batches import eval_batches
from edge_dnq.train.loop import Run

EVALUATION_BATCH = 32


def program_logits(network: AnyPrecisionBackbone, frames: Tensor, program: str | None) -> Tensor:
    """Return logits [B, T, K] of normalised frames [B, T, 3, S, S], at the program's resolution."""
    flat = resize_frames(frames.flatten(0, 1), network.resolution(program))
    logits: Tensor = network(flat.contiguous(memory_format=torch.channels_last), program)
    return logits.view(*frames.shape[:2], -1)


@torch.no_grad()
def all_program_logits(network: AnyPrecisionBackbone, frames: Tensor) -> Tensor:
    """Return the logits [B, T, P, K] of all programs on frames [B, T, 3, S, S]."""
    return torch.stack([program_logits(network, frames, name) for name in network.programs], 2)


@torch.no_grad()
def validate_recognition(
    run: Run, network: AnyPrecisionBackbone, programs: Sequence[str | None]
) -> dict[str, float]:
    """Return ``top1/<program>`` on the validation clips: the class of the mean logits is right.

    The network must be in evaluation mode: programs then compute their deployed integers.
    """
    hits = torch.zeros(len(programs), device=run.compute.device)
    for batch in eval_batches(run.validation, run.plan(EVALUATION_BATCH * run.compute.world)):
        for index, program in enumerate(programs):
            guess = program_logits(network, batch.frames, program).mean(1).argmax(-1)
            hits[index] += (guess == batch.targets).sum()
    fractions = (run.compute.sum(hits) / len(run.validation)).tolist()
    names = [f"top1/{program or 'full-precision'}" for program in programs]
    return dict(zip(names, fractions, strict=True))
