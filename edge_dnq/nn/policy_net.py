"""The policy network: a glance at a small frame, a memory, and a choice of action.

The glance (convolutions and a mean) is quantised to 8 bit like any program and runs on integer
kernels; memory and heads stay in float32, because the state lives on for thousands of steps.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from edge_dnq.context import FEATURES
from edge_dnq.nn.backbone import DEFAULT_INPUT_SCALE
from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.deployed import DeployedOperations, Tap
from edge_dnq.nn.layers import AnyPrecisionConv2d
from edge_dnq.nn.operations import (
    CalibratingOperations,
    CountingOperations,
    FakeQuantOperations,
    Operations,
)
from edge_dnq.nn.quantisers import UnsignedGrid

T = TypeVar("T")

ENCODER_PROGRAM = "w8a8"
"""The one precision of the encoder."""

PolicyState = tuple[Tensor, Tensor]
"""Hidden and cell state of the LSTM, (h, c), float32 [N, H] each."""


class PolicyOutput(NamedTuple):
    """What one step of the policy gives.

    Attributes:
        action_logits: One per action, float32 [N, A].
        class_logits: The policy's own guess at the class, float32 [N, K]; used in training only.
        state: The state after the step.
    """

    action_logits: Tensor
    class_logits: Tensor
    state: PolicyState


class PolicyNet(nn.Module):
    """Stride-2 convolutions, global average, LSTM cell, an action head and a class head.

    Args:
        config: Frame size, channels, state size.
        actions: Number of actions A.
        classes: Number of classes K of the auxiliary head.
        input_scale: Real size of one int8 input code (see ``ModelConfig.input_scale``).
    """

    def __init__(
        self,
        config: PolicyConfig,
        actions: int,
        classes: int,
        input_scale: float = DEFAULT_INPUT_SCALE,
    ) -> None:
        super().__init__()
        self.config = config
        self.input_scale = input_scale
        bits = {ENCODER_PROGRAM: 8}
        widths = (3, *config.channels)
        self.convs = nn.ModuleList(
            AnyPrecisionConv2d(inputs, outputs, 3, 2, bits, full_precision=False)
            for inputs, outputs in pairwise(widths)
        )
        self.grids = nn.ModuleList(UnsignedGrid(bits) for _ in config.channels)
        self.feature_grid = UnsignedGrid(bits)
        context = FEATURES if config.context else 0
        self.cell = nn.LSTMCell(widths[-1] + context, config.hidden)
        self.action_head = nn.Linear(config.hidden, actions)
        self.class_head = nn.Linear(config.hidden, classes)
        # Before training no action is preferred: exploration starts from uniform choices.
        nn.init.zeros_(self.action_head.bias)
        nn.init.normal_(self.action_head.weight, std=0.01)

    def initial_state(self, clips: int) -> PolicyState:
        """Return the zero state of ``clips`` clips."""
        zeros = self.action_head.weight.new_zeros(clips, self.config.hidden)
        return zeros, zeros.clone()

    def compute(self, ops: Operations[T], x: T) -> T:
        """State the encoder's topology to ``ops`` and return the features."""
        for index, (conv, grid) in enumerate(zip(self.convs, self.grids, strict=True), 1):
            assert isinstance(conv, AnyPrecisionConv2d)
            assert isinstance(grid, UnsignedGrid)
            x = ops.conv(f"conv{index}", conv, x, grid)
        return ops.mean("feature", x, self.feature_grid)

    def encode(self, x: Tensor) -> Tensor:
        """Return the features [N, C] of normalised policy frames [N, 3, P, P].

        Training mode is fake-quantised float with batch statistics; evaluation mode computes the
        integers of the exported program.
        """
        if self.training:
            return self.compute(FakeQuantOperations(ENCODER_PROGRAM), x)
        return self.deployed(x)

    @torch.no_grad()
    def deployed(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return the features [N, C] that the exported program computes.

        Args:
            x: Normalised policy frames, float32 [N, 3, P, P].
            tap: Sees and may replace the codes of every tensor (for verification).
        """
        ops = DeployedOperations(ENCODER_PROGRAM, tap)
        features = self.compute(ops, ops.encode(x, self.input_scale))
        return features.codes * (features.grid.scale / features.units)

    @torch.no_grad()
    def calibrate(self, x: Tensor) -> None:
        """Set the encoder's batch norms and clip values from policy frames [N, 3, P, P]."""
        self.compute(CalibratingOperations(ENCODER_PROGRAM), x)

    def step(
        self, features: Tensor, state: PolicyState, context: Tensor | None = None
    ) -> PolicyOutput:
        """Advance the memory by one frame.

        Args:
            features: Of the frame, float32 [N, C].
            state: Before it.
            context: Of the frame, float32 [N, FEATURES], where ``config.context`` wants it; None
                stands for zeros.
        """
        if self.config.context:
            if context is None:
                context = features.new_zeros(len(features), FEATURES)
            features = torch.cat([features, context], 1)
        hidden, cell = self.cell(features, state)
        return PolicyOutput(self.action_head(hidden), self.class_head(hidden), (hidden, cell))

    def forward(self, x: Tensor, state: PolicyState, context: Tensor | None = None) -> PolicyOutput:
        """Look at one frame per clip, float32 [N, 3, P, P], and advance the state."""
        return self.step(self.encode(x), state, context)

    def macs(self) -> int:
        """Return the multiply-accumulates of one frame; the class head is not deployed."""
        side = self.config.input_size
        ops = CountingOperations()
        self.compute(ops, torch.Size((3, side, side)))
        gates = self.cell.weight_ih.numel() + self.cell.weight_hh.numel()
        return ops.macs + gates + self.action_head.weight.numel()
