"""Third stage: the policy network, against the frozen recognition network.

Because recognition is frozen, its logits of one view of a clip never change: they are computed
once, or recorded beforehand, and the decisions are trained on them at the price of the policy
network alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.context import ContextOfClips
from edge_dnq.nn.gumbel import Decisions, decide
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.nn.segments import segment_logits
from edge_dnq.train import any_precision, full_precision, losses, policy_pretraining
from edge_dnq.train.config import action_costs
from edge_dnq.train.loop import Means, Run, run_epochs
from edge_dnq.train.optimise import Optimiser
from edge_dnq.train.oracle import Oracle, Shown, oracle_losses, oracle_of
from edge_dnq.train.policy_batches import (
    ClipSource,
    PolicyBatch,
    Recognition,
    RecordedSource,
    Source,
    validation_batches,
)

STAGE = "policy"


def train(run: Run) -> None:
    """Train the stage, or what is left of it, in ``run.directory``."""
    if run.config.policy_training.pretraining_epochs:
        policy_pretraining.pretrain(run)
    train_decisions(run)


def decision_losses(
    decisions: Decisions,
    batch: PolicyBatch,
    costs: Tensor,
    label_smoothing: float,
    oracle: Oracle | None = None,
) -> dict[str, Tensor]:
    """Return every loss of the decisions by its name in ``PolicyLosses``."""
    real = batch.targets >= 0
    targets = batch.targets[real]
    video = segment_logits(decisions.actions, batch.programs, batch.segments)[real]
    decided = decisions.decided.to(video.dtype)
    classes, seen = batch.segments.mean(decisions.class_logits.float(), decided)
    own = real & (seen > 0)
    # Pieces of streams may all be filler: the mean over no segment would be NaN.
    zero = costs.new_zeros(())
    some, decided_some = bool(real.any()), bool(own.any())
    return {
        "cross_entropy": losses.cross_entropy(video, targets) if some else zero,
        "distillation": losses.distillation(video, batch.taught[real]) if some else zero,
        "policy_class": losses.policy_class(classes[own], batch.targets[own], label_smoothing)
        if decided_some
        else zero,
        "balance": losses.balance(decisions.actions),
        "cost": losses.cost(decisions.actions, costs),
        "entropy": losses.entropy(decisions.probabilities, decisions.decided),
        **_advised(decisions, batch, oracle, zero),
    }


def _advised(
    decisions: Decisions, batch: PolicyBatch, oracle: Oracle | None, zero: Tensor
) -> dict[str, Tensor]:
    if oracle is None:
        return {"oracle": zero, "precision": zero}
    shown = Shown.of(batch.programs, batch.segments.owner, batch.targets, oracle)
    return oracle_losses(decisions, shown, oracle, batch.programs.shape[2])


def train_decisions(run: Run) -> None:
    """Train what the policy decides, on clips that recognition has not been trained on."""
    stage, compute = run.config.policy_training, run.compute
    policy = policy_pretraining.load(run)
    network = any_precision.load(run)
    teacher = full_precision.load(run) if stage.losses.distillation > 0 else None
    recognition = Recognition(network, teacher, run.config.policy.input_size)
    source: Source = (
        RecordedSource(run, run.recordings, run.seed(STAGE))
        if run.recordings
        else ClipSource(run, recognition, run.seed(STAGE))
    )
    costs = _costs(run, network)
    validation: list[PolicyBatch] = []
    optimiser = Optimiser(stage.optimiser, policy, source.steps * stage.epochs)
    weights = {name: getattr(stage.losses, name) for name in stage.losses.__struct_fields__}
    oracle = oracle_of(run.config) if stage.losses.oracle > 0 else None

    def train_epoch(epoch: int) -> Means:
        means = Means()
        generator = run.generator(STAGE, epoch, on_device=True)
        temperature = stage.temperature * stage.temperature_decay**epoch
        for step, batch in enumerate(source.batches(epoch), epoch * source.steps):
            optimiser.set_rate(step)
            with compute.autocast():
                decisions = decide_batch(run, policy, batch, temperature, generator)
            # Outside: half precision would round the recognition network's logits.
            parts = decision_losses(decisions, batch, costs, stage.label_smoothing, oracle)
            loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
            compute.backward(loss)
            optimiser.step(compute)
            means.add({f"loss/{name}": part for name, part in parts.items()})
        return means

    def validate() -> dict[str, float]:
        if not validation:
            validation.extend(validation_batches(run, recognition))
        return validate_decisions(run, policy, validation, costs)

    run_epochs(run, STAGE, policy, optimiser, stage.epochs, train_epoch, validate)


def decide_batch(
    run: Run,
    policy: PolicyNet,
    batch: PolicyBatch,
    temperature: float | None,
    generator: torch.Generator | None = None,
) -> Decisions:
    """Let the policy decide about a batch, telling it the context if it wants one."""
    context = None
    if run.config.policy.context:
        context = ContextOfClips(batch.frames, batch.programs, run.config.std)
    programs = batch.programs.shape[2]
    return decide(policy, batch.frames, programs, temperature, generator, context)


def _costs(run: Run, network: AnyPrecisionBackbone) -> Tensor:
    """Return the cost of every action, float32 [A]."""
    macs = {name: network.macs(name) for name in network.programs}
    model = run.config.model_config(run.labels, policy=True)
    values = action_costs(run.config.policy_training.costs, model, macs)
    return torch.tensor(values, device=run.compute.device)


@torch.no_grad()
def validate_decisions(
    run: Run, policy: PolicyNet, batches: list[PolicyBatch], costs: Tensor
) -> dict[str, float]:
    """Return ``top1/learned``, ``cost`` and ``use/<action>`` of the argmax decisions."""
    totals = torch.zeros(2 + len(costs), device=run.compute.device)
    for batch in batches:
        actions = decide_batch(run, policy, batch, None).actions
        video = segment_logits(actions, batch.programs, batch.segments)
        totals[0] += (video.argmax(-1) == batch.targets).sum()
        totals[1] += losses.cost(actions, costs) * len(actions)
        totals[2:] += actions.mean(1).sum(0)
    values = (run.compute.sum(totals) / len(run.validation)).tolist()
    model = run.config.model_config(run.labels, policy=True)
    names = ["top1/learned", "cost", *(f"use/{action}" for action in model.actions)]
    return dict(zip(names, values, strict=True))


def load(run: Run) -> PolicyNet:
    """Return the trained policy in evaluation mode."""
    policy = policy_pretraining.build(run)
    run.directory.load_network(STAGE, policy)
    return policy.eval()
