"""The policy network: a glance at a small frame, a memory, and a choice of action."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from edge_dnq.nn.config import PolicyConfig

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


class ConvBlock(nn.Sequential):
    """3x3 convolution of stride 2, batch norm and ReLU: halves the side of [N, I, S, S]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class PolicyNet(nn.Module):
    """Stride-2 convolutions, global average, LSTM cell, an action head and a class head.

    Args:
        config: Frame size, channels, state size.
        actions: Number of actions A.
        classes: Number of classes K of the auxiliary head.
    """

    def __init__(self, config: PolicyConfig, actions: int, classes: int) -> None:
        super().__init__()
        self.config = config
        widths = (3, *config.channels)
        self.features = nn.Sequential(*(ConvBlock(i, o) for i, o in pairwise(widths)))
        self.cell = nn.LSTMCell(widths[-1], config.hidden)
        self.action_head = nn.Linear(config.hidden, actions)
        self.class_head = nn.Linear(config.hidden, classes)
        # Before training no action is preferred: exploration starts from uniform choices.
        nn.init.zeros_(self.action_head.bias)
        nn.init.normal_(self.action_head.weight, std=0.01)

    def initial_state(self, clips: int) -> PolicyState:
        """Return the zero state of ``clips`` clips."""
        zeros = self.action_head.weight.new_zeros(clips, self.config.hidden)
        return zeros, zeros.clone()

    def encode(self, x: Tensor) -> Tensor:
        """Return the features [N, C] of normalised policy frames [N, 3, P, P]."""
        pooled: Tensor = self.features(x).mean((2, 3))
        return pooled

    def step(self, features: Tensor, state: PolicyState) -> PolicyOutput:
        """Advance the memory by one frame's features [N, C]."""
        hidden, cell = self.cell(features, state)
        return PolicyOutput(self.action_head(hidden), self.class_head(hidden), (hidden, cell))

    def forward(self, x: Tensor, state: PolicyState) -> PolicyOutput:
        """Look at one frame per clip, float32 [N, 3, P, P], and advance the state."""
        return self.step(self.encode(x), state)

    def macs(self) -> int:
        """Return the multiply-accumulates of one frame; the class head is not deployed."""
        total, side = 0, self.config.input_size
        for block in self.features:
            assert isinstance(block, ConvBlock)
            side = (side + 1) // 2
            convolution = block[0]
            assert isinstance(convolution, nn.Conv2d)
            total += side * side * convolution.weight.numel()
        gates = self.cell.weight_ih.numel() + self.cell.weight_hh.numel()
        return total + gates + self.action_head.weight.numel()


class PolicyProgram(nn.Module):
    """The policy as it is deployed: (frame, h, c) to (action logits, h, c), one clip."""

    def __init__(self, policy: PolicyNet) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, frame: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map [1, 3, P, P], [1, H], [1, H] to [1, A], [1, H], [1, H]."""
        hidden, cell = self.policy.cell(self.policy.encode(frame), (h, c))
        return self.policy.action_head(hidden), hidden, cell
