"""Starting from ImageNet weights in the widespread PyTorch layout of EfficientNet-Lite0.

The keys are ``_conv_stem``, ``_blocks.N._expand_conv`` and so on, each convolution followed
by a batch norm ``_bnM``; eps is 1e-3 there. The classifier is not taken: the classes differ.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.efficientnet import AnyPrecisionEfficientNet, InvertedBottleneck
from edge_dnq.nn.layers import MIN_GAIN, AnyPrecisionConv2d

SOURCE_EPS = 1e-3


@torch.no_grad()
def load_pretrained(network: AnyPrecisionBackbone, path: Path) -> None:
    """Put the weights of ``path`` into the unquantised mode of ``network``.

    Args:
        network: A full-width EfficientNet-Lite0 with a full-precision mode.
        path: A state dict saved by torch; it is read without running any code in it.

    Raises:
        CheckpointError: another network, not a state dict, or another layout.
    """
    if not isinstance(network, AnyPrecisionEfficientNet):
        raise CheckpointError(
            f"{path}: only efficientnet_lite0 starts from such weights, "
            f"this network is {network.config.architecture}"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(f"{path} is not a file of weights: {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds no state dict")
    for layer, conv, norm in _layers(network):
        _copy(layer, state, conv, norm, path)


def _layers(network: AnyPrecisionEfficientNet) -> Iterator[tuple[AnyPrecisionConv2d, str, str]]:
    """Return every convolution with its keys: (layer, convolution, batch norm)."""
    yield network.stem, "_conv_stem", "_bn0"
    for index, block in enumerate(network.blocks):
        assert isinstance(block, InvertedBottleneck)
        prefix = f"_blocks.{index}."
        if block.expand is not None:
            yield block.expand, f"{prefix}_expand_conv", f"{prefix}_bn0"
        yield block.filter, f"{prefix}_depthwise_conv", f"{prefix}_bn1"
        yield block.project, f"{prefix}_project_conv", f"{prefix}_bn2"
    yield network.head, "_conv_head", "_bn1"


def _copy(
    layer: AnyPrecisionConv2d, state: dict[str, Tensor], conv: str, norm: str, path: Path
) -> None:
    """Copy one layer. Gains are positive here: the weights take a negative one's sign."""
    parts = [f"{conv}.weight"]
    parts += [f"{norm}.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    missing = [key for key in parts if not isinstance(state.get(key), Tensor)]
    if missing:
        raise CheckpointError(f"{path} has no {missing[0]}: expected EfficientNet-Lite0 weights")
    weight, gain, bias, mean, variance = (state[key].float() for key in parts)
    if weight.shape != layer.weight.shape or gain.shape != mean.shape:
        raise CheckpointError(
            f"{path}: {parts[0]} has shape {list(weight.shape)}, "
            f"expected {list(layer.weight.shape)} (full width)"
        )
    sign = torch.where(gain < 0, -1.0, 1.0)
    target = layer.norm(None)
    assert target.running_mean is not None
    assert target.running_var is not None
    layer.weight.copy_(weight * sign.view(-1, 1, 1, 1))
    target.weight.copy_((gain.abs() - MIN_GAIN).clamp_min(0))
    target.bias.copy_(bias)
    target.running_mean.copy_(mean * sign)
    target.running_var.copy_(variance + SOURCE_EPS - target.eps)
