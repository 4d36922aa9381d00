"""Optimisers and the course of their learning rate."""

from __future__ import annotations

import math

import torch
from torch import nn

from edge_dnq.nn.quantisers import Grid
from edge_dnq.train.config import OptimiserConfig
from edge_dnq.train.distributed import Compute

START_FRACTION = 0.05
MILESTONES = (0.5, 0.75)


def learning_rate_factor(config: OptimiserConfig, step: int, steps: int) -> float:
    """Return the factor of the peak learning rate at ``step`` of ``steps`` (0 <= step < steps)."""
    if config.schedule == "constant":
        return 1.0
    progress = step / steps
    if config.schedule == "step":
        return float(0.1 ** sum(progress >= milestone for milestone in MILESTONES))
    if progress < config.warmup:
        return START_FRACTION + (1 - START_FRACTION) * progress / config.warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - config.warmup) / (1 - config.warmup)))


class Optimiser:
    """A torch optimiser whose learning rate follows the stage's schedule.

    Weights, clip values and everything else (batch norms, biases) are separate groups: only the
    first are decayed by ``weight_decay``, clip values have a rate and a decay of their own.
    """

    def __init__(self, config: OptimiserConfig, network: nn.Module, steps: int) -> None:
        clip_ids = {
            id(p) for m in network.modules() if isinstance(m, Grid) for p in m.clips.parameters()
        }
        parameters = [p for p in network.parameters() if p.requires_grad]
        clips = [p for p in parameters if id(p) in clip_ids]
        weights = [p for p in parameters if id(p) not in clip_ids and p.dim() > 1]
        rest = [p for p in parameters if id(p) not in clip_ids and p.dim() <= 1]
        rate = config.learning_rate
        groups = [
            {"params": weights, "weight_decay": config.weight_decay, "peak": rate},
            {"params": rest, "weight_decay": 0.0, "peak": rate},
            {
                "params": clips,
                "weight_decay": config.clip_weight_decay,
                "peak": config.clip_learning_rate or rate,
            },
        ]
        groups = [group for group in groups if group["params"]]
        self.config = config
        self.steps = steps
        self.parameters = parameters
        self.torch: torch.optim.Optimizer
        if config.name == "sgd":
            self.torch = torch.optim.SGD(
                groups, lr=rate, momentum=config.momentum, nesterov=config.momentum > 0
            )
        else:
            self.torch = torch.optim.AdamW(groups, lr=rate)

    def set_rate(self, step: int) -> float:
        """Set the learning rates of ``step``; return that of the weights."""
        factor = learning_rate_factor(self.config, step, self.steps)
        for group in self.torch.param_groups:
            group["lr"] = group["peak"] * factor
        return self.config.learning_rate * factor

    def step(self, compute: Compute) -> None:
        """Average the accumulated gradients over the processes, move the weights, forget them."""
        compute.average_gradients(self.parameters)
        compute.scaler.unscale_(self.torch)
        if self.config.max_gradient_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.config.max_gradient_norm)
        compute.scaler.step(self.torch)
        compute.scaler.update()
        self.torch.zero_grad()
