"""Random checkpoints in the layout of the original code, with the ranges of trained ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
ACTIVATION = 0.35
"""Typical root mean square of an activation, in units of its clip value."""


class Maker:
    """Collects tensors under the names that the original code gives them."""

    def __init__(self, seed: int) -> None:
        self.random = torch.Generator().manual_seed(seed)
        self.state: dict[str, Tensor] = {}

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=self.random) * std + mean

    def uniform(self, *shape: int, low: float, high: float) -> Tensor:
        return torch.rand(*shape, generator=self.random) * (high - low) + low

    def weight(self, key: str, *shape: int) -> None:
        """Skewed a little, as trained weights are: truncation then leaves a constant."""
        fan_in = math.prod(shape[1:])
        values = self.normal(*shape)
        skewed = values + 0.1 * (values.square() - 1)
        self.state[key] = skewed * math.sqrt(2.0 / fan_in)

    def norm(self, key: str, channels: int, deviation: float) -> None:
        """Gains of both signs; statistics about right for inputs of the given deviation."""
        gain = self.uniform(channels, low=0.5, high=1.5)
        flipped = torch.rand(channels, generator=self.random) < 0.2
        self.state[f"{key}.weight"] = torch.where(flipped, -gain, gain)
        self.state[f"{key}.bias"] = self.normal(channels, mean=0.3, std=0.4)
        self.state[f"{key}.running_mean"] = self.normal(channels, std=0.3 * deviation)
        spread = self.uniform(channels, low=0.7, high=1.4)
        self.state[f"{key}.running_var"] = (deviation * spread).square()
        self.state[f"{key}.num_batches_tracked"] = torch.tensor(100)

    def alpha(self, key: str) -> float:
        value = float(self.uniform(1, low=1.5, high=3.5))
        self.state[key] = torch.tensor(value)
        return value


def squashed_deviation(weight: Tensor) -> float:
    squashed = torch.tanh(weight)
    return float((squashed / squashed.abs().max()).square().mean().sqrt())


def backbone(maker: Maker, depth: int, width: int, bits: tuple[int, ...], full: bool) -> int:
    """Add a parent and, with ``full``, a separate backbone; return the feature's channels."""
    expansion = 4 if depth == 50 else 1
    for suffix in ("", "_32fp") if full else ("",):
        maker.weight(f"backbone.conv1{suffix}.weight", width, 3, 7, 7)
        maker.norm(f"backbone.bn1{suffix}", width, 1.4)
    inputs = width
    for stage, count in enumerate(STAGES[depth], 1):
        planes = width * 2 ** (stage - 1)
        outputs = planes * expansion
        for index in range(count):
            strided = stage > 1 and index == 0
            kernels = {
                "1": (planes, inputs, 1),
                "2": (planes, planes, 3),
                "3": (outputs, planes, 1),
            }
            if expansion == 1:
                kernels = {"1": (planes, inputs, 3), "2": (planes, planes, 3)}
            projected = strided or inputs != outputs
            block = f"backbone.layer{stage}.{index}"
            parent_block(maker, block, kernels, (outputs, inputs) if projected else None, bits)
            if full:
                block = f"backbone.layer{stage}_32fp.{index}"
                plain_block(maker, block, kernels, (outputs, inputs) if projected else None)
            inputs = outputs
    return inputs


def parent_block(
    maker: Maker,
    block: str,
    kernels: dict[str, tuple[int, int, int]],
    projection: tuple[int, int] | None,
    bits: tuple[int, ...],
) -> None:
    for name, (outputs, inputs, kernel) in kernels.items():
        maker.weight(f"{block}.conv{name}.weight", outputs, inputs, kernel, kernel)
    for width in bits:
        alphas = {name: maker.alpha(f"{block}.q_alpha{name}_{width}") for name in kernels}
        for name, (outputs, inputs, kernel) in kernels.items():
            fan = math.sqrt(inputs * kernel**2) * ACTIVATION * alphas[name]
            spread = squashed_deviation(maker.state[f"{block}.conv{name}.weight"])
            maker.norm(f"{block}.bn{name}_{width}", outputs, fan * spread)
        if projection is not None:
            key = f"{block}.downsample_{width}"
            maker.weight(f"{key}.0.weight", *projection, 1, 1)
            fan = math.sqrt(projection[1]) * ACTIVATION * alphas["1"]
            spread = squashed_deviation(maker.state[f"{key}.0.weight"])
            maker.norm(f"{key}.1", projection[0], fan * spread)


def plain_block(
    maker: Maker,
    block: str,
    kernels: dict[str, tuple[int, int, int]],
    projection: tuple[int, int] | None,
) -> None:
    for name, (outputs, inputs, kernel) in kernels.items():
        maker.weight(f"{block}.conv{name}.weight", outputs, inputs, kernel, kernel)
        maker.norm(f"{block}.bn{name}", outputs, 1.5)
    if projection is not None:
        maker.weight(f"{block}.downsample_32.0.weight", *projection, 1, 1)
        maker.norm(f"{block}.downsample_32.1", projection[0], 1.5)


def policy(maker: Maker, actions: int, classes: int, features: int, hidden: int) -> None:
    root = "policy_net"

    def conv(weight: str, norm: str, *shape: int) -> None:
        maker.weight(weight, *shape)
        maker.norm(norm, shape[0], 1.0)

    conv(f"{root}.features.0.0.weight", f"{root}.features.0.1", 32, 3, 3, 3)
    inputs, index = 32, 0
    settings = [
        (1, 16, 1),
        (6, 24, 2),
        (6, 32, 3),
        (6, 64, 4),
        (6, 96, 3),
        (6, 160, 3),
        (6, 320, 1),
    ]
    for expansion, outputs, count in settings:
        for _ in range(count):
            index += 1
            block, wide = f"{root}.features.{index}.conv", inputs * expansion
            if expansion == 1:
                conv(f"{block}.0.weight", f"{block}.1", wide, 1, 3, 3)
                conv(f"{block}.3.weight", f"{block}.4", outputs, wide, 1, 1)
            else:
                conv(f"{block}.0.weight", f"{block}.1", wide, inputs, 1, 1)
                conv(f"{block}.3.weight", f"{block}.4", wide, 1, 3, 3)
                conv(f"{block}.6.weight", f"{block}.7", outputs, wide, 1, 1)
            inputs = outputs
    conv(f"{root}.conv.0.weight", f"{root}.conv.1", features, inputs, 1, 1)
    for name, size in (("ih", features), ("hh", hidden)):
        spread = 1.5 / math.sqrt(size)
        maker.state[f"{root}.rnn.weight_{name}"] = maker.normal(4 * hidden, size, std=spread)
        maker.state[f"{root}.rnn.bias_{name}"] = maker.normal(4 * hidden, std=0.2)
    for name, rows in (("linear", actions), ("fc", classes)):
        maker.state[f"{root}.{name}.weight"] = maker.normal(rows, hidden, std=0.3)
        maker.state[f"{root}.{name}.bias"] = maker.normal(rows, std=0.1)
    maker.state[f"{root}.temperature"] = torch.tensor(0.55)


def random_state(
    *,
    depth: int = 18,
    bits: tuple[int, ...] = (32, 4, 2),
    full: bool = False,
    classes: int = 5,
    skips: int = 1,
    width: int = 8,
    seed: int = 0,
    with_policy: bool = True,
    features: int = 1280,
    hidden: int = 512,
) -> dict[str, Tensor]:
    """Tensors of a checkpoint; ``full`` adds the ``_32fp`` backbone."""
    maker = Maker(seed)
    channels = backbone(maker, depth, width, bits, full)
    maker.state["fc.weight"] = maker.normal(classes, channels, std=1 / math.sqrt(channels))
    maker.state["fc.bias"] = maker.normal(classes, std=0.1)
    if full:
        maker.state["fc_32fp.weight"] = maker.normal(classes, channels)
        maker.state["fc_32fp.bias"] = maker.normal(classes)
    if with_policy:
        actions = len(bits) + skips + (full and 32 not in bits)
        policy(maker, actions, classes, features, hidden)
    return maker.state


def save(path: Path, state: dict[str, Tensor], prefix: str = "module.", **extra: Any) -> Path:
    """Write a checkpoint as the original code does."""
    payload = {"epoch": 7, "arch": "res18", "best_top1": torch.tensor(51.5), **extra}
    torch.save({**payload, "state_dict": {prefix + k: v for k, v in state.items()}}, path)
    return path
