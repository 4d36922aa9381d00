from __future__ import annotations

import pytest
import torch

from edge_dnq.nn.config import BackboneConfig, PolicyConfig
from edge_dnq.nn.layers import AnyPrecisionConv2d
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.nn.resnet import AnyPrecisionResNet
from edge_dnq.train.presets import PRESETS


def test_shapes_of_one_step() -> None:
    policy = PolicyNet(PolicyConfig(input_size=40, channels=(8, 12), hidden=16), 4, 7)
    output = policy(torch.randn(3, 3, 40, 40), policy.initial_state(3))
    assert output.action_logits.shape == (3, 4)
    assert output.class_logits.shape == (3, 7)
    assert [part.shape for part in output.state] == [(3, 16), (3, 16)]


def test_state_carries_memory() -> None:
    policy = PolicyNet(PolicyConfig(input_size=32), 4, 7).eval()
    frames = torch.randn(2, 1, 3, 32, 32)
    first = policy(frames[0], policy.initial_state(1))
    fresh = policy(frames[1], policy.initial_state(1))
    second = policy(frames[1], first.state)
    assert not torch.allclose(second.state[0], fresh.state[0])


def test_evaluation_follows_training_mode() -> None:
    """The deployed integers are the fake-quantised network but for single levels of 255."""
    torch.manual_seed(0)
    policy = PolicyNet(PolicyConfig(input_size=32), 4, 7).train()
    frames = torch.randint(-128, 128, (8, 3, 32, 32)) / 128
    for norm in (conv.norms["w8a8"] for conv in policy.convs):
        norm.momentum = 1.0
    trained = policy.encode(frames).detach()
    deployed = policy.eval().encode(frames)
    step = policy.feature_grid.clip_value("w8a8") / 255
    # Batch statistics are biased, running ones unbiased: a shift of 1/7 in the smallest layer.
    assert float((trained - deployed).abs().mean()) < 8 * step


def test_macs_of_a_policy_counted_by_hand() -> None:
    policy = PolicyNet(PolicyConfig(input_size=32, channels=(4, 8), hidden=16), 3, 5)
    convolutions = 16 * 16 * (4 * 3 * 9) + 8 * 8 * (8 * 4 * 9)
    lstm = 4 * 16 * 8 + 4 * 16 * 16
    assert policy.macs() == convolutions + lstm + 3 * 16


def test_macs_agree_with_profiled_work() -> None:
    """Count the multiplications that actually run, through the shapes that layers see."""
    policy = PolicyNet(PolicyConfig(input_size=45), 4, 7).eval()
    counted = 0

    def count(module: torch.nn.Module, _: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal counted
        assert isinstance(module, AnyPrecisionConv2d)
        counted += output[0, 0].numel() * module.weight.numel()

    policy.train()
    for module in policy.convs:
        module.register_forward_hook(count)
    policy(torch.randn(1, 3, 45, 45), policy.initial_state(1))
    cell, head = policy.cell, policy.action_head
    counted += cell.weight_ih.numel() + cell.weight_hh.numel() + head.weight.numel()
    assert policy.macs() == counted


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_policy_costs_at_most_a_twentieth_of_the_8_bit_program(preset: str) -> None:
    config = PRESETS[preset]
    with torch.device("meta"):
        policy = PolicyNet(config.policy, 4, 10)
        backbone = AnyPrecisionResNet(config.backbone, 10)
    assert policy.macs() <= 0.05 * backbone.macs("w8a8")


@pytest.mark.parametrize("size", [96, 112, 224])
def test_default_policy_is_cheap_beside_default_backbones(size: int) -> None:
    with torch.device("meta"):
        policy = PolicyNet(PolicyConfig(), 4, 10)
        backbone = AnyPrecisionResNet(BackboneConfig(input_size=size), 10)
    assert policy.macs() <= 0.05 * backbone.macs("w8a8")
