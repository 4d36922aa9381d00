from __future__ import annotations

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.resnet import AnyPrecisionResNet
from edge_dnq.train.config import OptimiserConfig
from edge_dnq.train.distributed import Compute
from edge_dnq.train.optimise import Optimiser, learning_rate_factor


def test_one_cycle_rises_linearly_and_falls_along_a_cosine() -> None:
    config = OptimiserConfig(schedule="one_cycle", warmup=0.2)
    factors = [learning_rate_factor(config, step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.05)
    assert factors[10] == pytest.approx(0.525)
    assert max(factors) == factors[20] == 1.0
    assert factors[60] == pytest.approx(0.5)
    assert factors[-1] < 0.001


def test_steps_divide_by_ten() -> None:
    config = OptimiserConfig(schedule="step")
    factors = [learning_rate_factor(config, step, 8) for step in range(8)]
    assert factors == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])


@given(
    schedule=st.sampled_from(["one_cycle", "step", "constant"]),
    warmup=st.floats(0, 0.99),
    steps=st.integers(1, 50),
)
def test_rate_stays_within_its_peak(schedule: str, warmup: float, steps: int) -> None:
    config = msgspec.convert({"schedule": schedule, "warmup": warmup}, OptimiserConfig)
    for step in range(steps):
        assert 0 < learning_rate_factor(config, step, steps) <= 1


def test_clip_values_have_a_rate_and_a_decay_of_their_own() -> None:
    config = OptimiserConfig(
        learning_rate=0.1, weight_decay=0.01, clip_learning_rate=0.3, clip_weight_decay=0.02
    )
    backbone = BackboneConfig(width=0.125, input_size=32, stem="small")
    network = AnyPrecisionResNet(backbone, 3)
    optimiser = Optimiser(config, network, 10)
    groups = {
        id(p): (group["peak"], group["weight_decay"])
        for group in optimiser.torch.param_groups
        for p in group["params"]
    }
    assert len(groups) == sum(1 for _ in network.parameters())
    for name, parameter in network.named_parameters():
        if ".clips." in name:
            wanted = (0.3, 0.02)
        elif parameter.dim() > 1:
            wanted = (0.1, 0.01)
        else:
            wanted = (0.1, 0.0)
        assert groups[id(parameter)] == wanted, name


def test_one_sgd_step_by_hand() -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0]]))
    config = OptimiserConfig(
        learning_rate=0.5, momentum=0.0, weight_decay=0.1, schedule="constant",
        max_gradient_norm=None,
    )  # fmt: skip
    optimiser = Optimiser(config, layer, 1)
    assert optimiser.set_rate(0) == 0.5
    layer(torch.tensor([[1.0, 3.0]])).sum().backward()
    optimiser.step(Compute(torch.device("cpu")))
    assert layer.weight.tolist()[0] == pytest.approx(
        [1.0 - 0.5 * (1.0 + 0.1), 2.0 - 0.5 * (3.0 + 0.2)]
    )
    assert layer.weight.grad is None
