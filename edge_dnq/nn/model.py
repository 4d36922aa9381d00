"""The whole model: recognition network and policy network under one configuration."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from edge_dnq.nn.architectures import make_backbone
from edge_dnq.nn.config import ModelConfig
from edge_dnq.nn.normalise import normalise
from edge_dnq.nn.policy_net import PolicyNet


class VideoModel(nn.Module):
    """A recognition network and, once there is one, its policy.

    Attributes:
        config: Rebuilds the model.
        backbone: The any-precision recognition network.
        policy: The policy network, or None.
        record: How the model came to be, as plain JSON values (see ``checkpoint.py``).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        classes = len(config.labels)
        self.backbone = make_backbone(config.backbone, classes, config.input_scale)
        self.policy: PolicyNet | None = None
        if config.policy is not None:
            self.policy = PolicyNet(config.policy, len(config.actions), classes, config.input_scale)
        self.record: dict[str, Any] = {}

    def normalise(self, frames: Tensor) -> Tensor:
        """Return (pixel - mean) / std, float32 [N, 3, S, S], of RGB frames, uint8 [N, S, S, 3]."""
        return normalise(frames, self.config.mean, self.config.std)
