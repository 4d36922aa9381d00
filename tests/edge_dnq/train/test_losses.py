from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.train import losses

LOG3 = math.log(3.0)


def test_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[math.log(2.0), 0.0], [0.0, LOG3]])
    # Probabilities 2/3 and 1/4 of the first class.
    wanted = -(math.log(2 / 3) + math.log(1 / 4)) / 2
    assert float(losses.cross_entropy(logits, torch.tensor([0, 0]))) == pytest.approx(wanted)


def test_label_smoothing_by_hand() -> None:
    logits = torch.tensor([[LOG3, 0.0]])
    # 0.2 of smoothing over two classes leaves 0.9 on the label 0.
    wanted = -(0.9 * math.log(3 / 4) + 0.1 * math.log(1 / 4))
    assert float(losses.cross_entropy(logits, torch.tensor([0]), 0.2)) == pytest.approx(wanted)
    assert float(losses.policy_class(logits, torch.tensor([0]), 0.2)) == pytest.approx(wanted)


def test_distillation_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0]], requires_grad=True)
    teacher = torch.tensor([[LOG3, 0.0]], requires_grad=True)
    loss = losses.distillation(logits, teacher)
    assert float(loss.detach()) == pytest.approx(math.log(2.0))
    loss.backward()
    # d/dz of a soft cross-entropy is p - t.
    assert torch.allclose(logits.grad, torch.tensor([[0.5 - 0.75, 0.5 - 0.25]]))
    assert teacher.grad is None


def test_distillation_is_least_at_the_teacher() -> None:
    teacher = torch.tensor([[1.0, -0.5, 0.3]])
    best = losses.distillation(teacher, teacher)
    assert losses.distillation(teacher + torch.tensor([[0.1, 0.0, 0.0]]), teacher) > best


def test_balance_by_hand() -> None:
    actions = torch.tensor([[[1.0, 0, 0, 0], [1, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 0, 1]]])
    # Use 0.5, 0.25, 0, 0.25 against 0.25 each.
    assert float(losses.balance(actions)) == pytest.approx(0.25**2 + 0.25**2)


def test_cost_by_hand() -> None:
    actions = torch.tensor([[[1.0, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 1, 0]]])
    costs = torch.tensor([1.0, 0.25, 0.0])
    assert float(losses.cost(actions, costs)) == pytest.approx((1 + 0.25 + 0 + 0.25) / 4)


def test_entropy_by_hand() -> None:
    probabilities = torch.tensor([[[0.5, 0.5], [0.9, 0.1]], [[0.75, 0.25], [1.0, 0.0]]])
    decided = torch.tensor([[True, False], [True, True]])
    quarter = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    wanted = (math.log(2.0) + quarter + 0.0) / 3
    assert float(losses.entropy(probabilities, decided)) == pytest.approx(wanted, abs=1e-6)


def test_entropy_of_an_excluded_action_has_a_finite_gradient() -> None:
    logits = torch.tensor([[[0.0, -1e4]]], requires_grad=True)
    losses.entropy(logits.softmax(-1), torch.tensor([[True]])).backward()
    assert bool(logits.grad.isfinite().all())


@given(seed=st.integers(0, 2**31), alpha=st.floats(0.05, 8.0), count=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_mixup_blends_examples_and_targets_alike(seed: int, alpha: float, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count)
    # Examples that equal their one-hot targets stay equal to them after blending.
    examples = torch.eye(count)
    mixed, targets = losses.mixup(examples, labels, count, alpha, generator)
    assert torch.allclose(mixed, targets, atol=1e-6)
    assert torch.allclose(targets.sum(1), torch.ones(count), atol=1e-5)
    assert bool((targets.diagonal() >= 0.5 - 1e-6).all())
