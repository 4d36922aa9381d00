from __future__ import annotations

import torch

from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.gumbel import decide
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.nn.segments import Segments
from edge_dnq.train.config import OptimiserConfig, PolicyLosses
from edge_dnq.train.distributed import Compute
from edge_dnq.train.optimise import Optimiser
from edge_dnq.train.policy import decision_losses
from edge_dnq.train.policy_batches import PolicyBatch


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
    segments = Segments.whole(clips, length, frames.device)
    batch = PolicyBatch(frames, programs, right[:, :1], segments, targets[:, None])
    weights = PolicyLosses(distillation=0, policy_class=0, balance=0.1, cost=1.0, entropy=0)

    config = PolicyConfig(input_size=16, channels=(8, 8), hidden=16)
    policy = PolicyNet(config, 3, classes)
    optimiser = Optimiser(OptimiserConfig(name="adamw", learning_rate=1e-2), policy, 150)
    compute = Compute(torch.device("cpu"))
    for step in range(150):
        optimiser.set_rate(step)
        decisions = decide(policy, frames, 2, 3.0 * 0.98**step, generator)
        parts = decision_losses(decisions, batch, costs, 0.0)
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
