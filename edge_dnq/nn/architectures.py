"""From a configuration to the network it describes."""

from __future__ import annotations

from edge_dnq.nn.backbone import DEFAULT_INPUT_SCALE, AnyPrecisionBackbone
from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.efficientnet import AnyPrecisionEfficientNet
from edge_dnq.nn.resnet import AnyPrecisionResNet


def make_backbone(
    config: BackboneConfig, classes: int, input_scale: float = DEFAULT_INPUT_SCALE
) -> AnyPrecisionBackbone:
    """Return the recognition network of ``config`` with random weights."""
    network = (
        AnyPrecisionEfficientNet
        if config.architecture == "efficientnet_lite0"
        else AnyPrecisionResNet
    )
    return network(config, classes, input_scale)
