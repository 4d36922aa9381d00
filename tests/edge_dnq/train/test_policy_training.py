from __future__ import annotations

import numpy as np
import torch

from edge_dnq.nn.config import BackboneConfig, PolicyConfig
from edge_dnq.nn.gumbel import decide
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.nn.resnet import AnyPrecisionResNet
from edge_dnq.train.batches import Batch
from edge_dnq.train.config import OptimiserConfig, PolicyLosses
from edge_dnq.train.distributed import Compute
from edge_dnq.train.evaluate import program_logits
from edge_dnq.train.optimise import Optimiser
from edge_dnq.train.policy import FrozenLogits, decision_losses


def batch(indices: list[int]) -> Batch:
    frames = torch.randn(len(indices), 2, 3, 32, 32)
    targets = torch.zeros(len(indices), dtype=torch.int64)
    return Batch(frames, targets, np.array(indices, dtype=np.int64))


def networks() -> tuple[AnyPrecisionResNet, AnyPrecisionResNet]:
    torch.manual_seed(0)
    config = BackboneConfig(width=0.125, input_size=32, stem="small", full_precision=True)
    network = AnyPrecisionResNet(config, 3).eval()
    teacher = AnyPrecisionResNet(config, 3).eval()
    return network, teacher


def test_frozen_logits_are_those_of_the_programs() -> None:
    network, teacher = networks()
    clips = batch([4, 2])
    programs, taught = FrozenLogits(network, teacher, 2).of(clips, 1)
    assert programs.shape == (2, 2, 3, 3)
    for index, name in enumerate(network.programs):
        wanted = program_logits(network, clips.frames, name)
        assert torch.allclose(programs[:, :, index], wanted)
    wanted = program_logits(teacher, clips.frames, None).mean(1)
    assert torch.allclose(taught, wanted, atol=1e-5)


def test_kept_views_are_found_by_clip_and_view() -> None:
    network, teacher = networks()
    frozen = FrozenLogits(network, teacher, 2)
    first = batch([4, 2])
    programs, taught = frozen.of(first, 0)
    # Same clips in another order, with other pixels: what was kept is what counts.
    again, taught_again = frozen.of(batch([2, 4]), 0)
    assert torch.equal(again, programs.flip(0))
    assert torch.equal(taught_again, taught.flip(0))
    other, _ = frozen.of(batch([4, 2]), 1)
    assert not torch.equal(other, programs)
    assert [frozen.view(epoch) for epoch in range(4)] == [0, 1, 0, 1]


def test_without_views_every_epoch_is_fresh() -> None:
    network, teacher = networks()
    frozen = FrozenLogits(network, teacher, 0)
    first, _ = frozen.of(batch([1]), 0)
    second, _ = frozen.of(batch([1]), 0)
    assert not torch.equal(first, second)
    assert frozen.view(17) == 17


def test_policy_learns_to_pay_only_where_it_helps() -> None:
    """Bright frames need the costly program, dark ones do not: the policy finds that out."""
    torch.manual_seed(0)
    clips, length, classes = 64, 4, 2
    generator = torch.Generator().manual_seed(0)
    bright = torch.rand(clips, length, generator=generator) < 0.5
    targets = torch.randint(classes, (clips,), generator=generator)
    frames = torch.randn(clips, length, 3, 16, 16, generator=generator) * 0.1
    frames += bright[..., None, None, None] * 2.0 - 1.0
    right = torch.nn.functional.one_hot(targets, classes).float() * 8 - 4
    right = right[:, None].expand(-1, length, -1)
    cheap = torch.where(bright[..., None], -right, right)
    programs = torch.stack([right, cheap], 2)
    costs = torch.tensor([1.0, 0.1, 0.0])
    weights = PolicyLosses(distillation=0, policy_class=0, balance=0.1, cost=1.0, entropy=0)

    config = PolicyConfig(input_size=16, channels=(8, 8), hidden=16)
    policy = PolicyNet(config, 3, classes)
    optimiser = Optimiser(OptimiserConfig(name="adamw", learning_rate=1e-2), policy, 150)
    compute = Compute(torch.device("cpu"))
    for step in range(150):
        optimiser.set_rate(step)
        decisions = decide(policy, frames, 2, 3.0 * 0.98**step, generator)
        parts = decision_losses(decisions, programs, right[:, 0], targets, costs, 0.0)
        compute.backward(sum(getattr(weights, name) * part for name, part in parts.items()))
        optimiser.step(compute)
    policy.eval()
    with torch.no_grad():
        actions = decide(policy, frames, 2, None).actions
    executed = actions[..., 2] == 0
    assert float((actions[..., 1][bright & executed]).mean()) < 0.2
    assert float(losses_cost(actions, costs)) < 0.6
    hits = (actions[..., :2, None] * programs).sum((1, 2)).argmax(-1) == targets
    assert float(hits.float().mean()) > 0.95


def losses_cost(actions: torch.Tensor, costs: torch.Tensor) -> torch.Tensor:
    return (actions * costs).sum(-1).mean()
