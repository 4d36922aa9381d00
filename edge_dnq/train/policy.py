"""Third stage: the policy network, against the frozen recognition network.

Because recognition is frozen, its logits of one view of a clip never change: they are computed
once, and the decisions are trained on them at the price of the policy network alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.gumbel import Decisions, decide, video_logits
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.nn.resize import resize_frames
from edge_dnq.train import any_precision, full_precision, losses
from edge_dnq.train.batches import Batch, batches_per_epoch, eval_batches, train_batches
from edge_dnq.train.config import action_costs
from edge_dnq.train.evaluate import EVALUATION_BATCH, all_program_logits, program_logits
from edge_dnq.train.loop import Means, Run, run_epochs
from edge_dnq.train.optimise import Optimiser

PRETRAINING = "policy-pretraining"
STAGE = "policy"


def build(run: Run) -> PolicyNet:
    """Return the untrained policy, the same in every process."""
    model = run.config.model_config(run.labels, policy=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed(PRETRAINING))
        network = PolicyNet(
            run.config.policy, len(model.actions), len(run.labels), model.input_scale
        )
    return network.to(run.compute.device)


def policy_frames(frames: Tensor, size: int) -> Tensor:
    """Return [B, T, 3, size, size] of network frames [B, T, 3, S, S]."""
    small = resize_frames(frames.flatten(0, 1), size)
    return small.view(*frames.shape[:2], *small.shape[1:])


def recognise(policy: PolicyNet, frames: Tensor) -> Tensor:
    """Return the class logits [B, K] of policy frames [B, T, 3, P, P], all of them seen."""
    features = policy.encode(frames.flatten(0, 1)).view(*frames.shape[:2], -1)
    state = policy.initial_state(len(frames))
    classes = []
    for t in range(frames.shape[1]):
        output = policy.step(features[:, t], state)
        state = output.state
        classes.append(output.class_logits)
    return torch.stack(classes).mean(0)


class FrozenLogits:
    """Recognition logits of augmented views, computed on first use.

    Args:
        network: The frozen any-precision network.
        teacher: The frozen full-precision network, or None when nothing is distilled.
        views: Views that are kept; 0 keeps none.
    """

    def __init__(
        self,
        network: AnyPrecisionBackbone,
        teacher: AnyPrecisionBackbone | None,
        views: int,
    ) -> None:
        self.network = network
        self.teacher = teacher
        self._kept: list[dict[int, tuple[Tensor, Tensor]]] = [{} for _ in range(views)]

    def view(self, epoch: int) -> int:
        """Return the epoch whose augmentation is used in ``epoch``."""
        return epoch % len(self._kept) if self._kept else epoch

    def of(self, batch: Batch, view: int) -> tuple[Tensor, Tensor]:
        """Return the programs' logits [B, T, P, K] and the teacher's video logits [B, K]."""
        keys = batch.indices.tolist()
        kept = self._kept[view] if self._kept else {}
        if not all(key in kept for key in keys):
            programs, taught = self._compute(batch.frames)
            if not self._kept:
                return programs, taught
            kept.update(zip(keys, zip(programs, taught, strict=True), strict=True))
        programs, taught = zip(*(kept[key] for key in keys), strict=True)  # type: ignore[assignment]
        return torch.stack(tuple(programs)), torch.stack(tuple(taught))

    @torch.no_grad()
    def _compute(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        programs = all_program_logits(self.network, frames)
        if self.teacher is None:
            return programs, programs.new_zeros(programs.shape[0], programs.shape[-1])
        return programs, program_logits(self.teacher, frames, None).mean(1)


def train(run: Run) -> None:
    """Train the stage, or what is left of it, in ``run.directory``."""
    if run.config.policy_training.pretraining_epochs:
        pretrain(run)
    train_decisions(run)


def pretrain(run: Run) -> None:
    """Teach the policy's features to recognise, through its class head, on all training clips."""
    stage, compute = run.config.policy_training, run.compute
    policy = build(run)
    plan = run.plan(stage.batch)
    steps = batches_per_epoch(run.everything, plan)
    optimiser = Optimiser(stage.optimiser, policy, steps * stage.pretraining_epochs)
    size = run.config.policy.input_size

    def train_epoch(epoch: int) -> Means:
        means = Means()
        batches = train_batches(run.everything, plan, seed=run.seed(PRETRAINING), epoch=epoch)
        for step, batch in enumerate(batches, epoch * steps):
            optimiser.set_rate(step)
            with compute.autocast():
                classes = recognise(policy, policy_frames(batch.frames, size)).float()
                loss = losses.policy_class(classes, batch.targets, stage.label_smoothing)
            compute.backward(loss)
            optimiser.step(compute)
            means.add({"loss/policy_class": loss})
        return means

    @torch.no_grad()
    def validate() -> dict[str, float]:
        hits = torch.zeros((), device=compute.device)
        for batch in eval_batches(run.validation, run.plan(EVALUATION_BATCH * compute.world)):
            guess = recognise(policy, policy_frames(batch.frames, size)).argmax(-1)
            hits += (guess == batch.targets).sum()
        return {"top1/class_head": float(compute.sum(hits)) / len(run.validation)}

    epochs = stage.pretraining_epochs
    run_epochs(run, PRETRAINING, policy, optimiser, epochs, train_epoch, validate)


def decision_losses(
    decisions: Decisions,
    programs: Tensor,
    taught: Tensor,
    targets: Tensor,
    costs: Tensor,
    label_smoothing: float,
) -> dict[str, Tensor]:
    """Return every loss of the decisions by its name in ``PolicyLosses``."""
    video = video_logits(decisions.actions, programs)
    return {
        "cross_entropy": losses.cross_entropy(video, targets),
        "distillation": losses.distillation(video, taught),
        "policy_class": losses.policy_class(
            decisions.class_logits.float(), targets, label_smoothing
        ),
        "balance": losses.balance(decisions.actions),
        "cost": losses.cost(decisions.actions, costs),
        "entropy": losses.entropy(decisions.probabilities, decisions.decided),
    }


def train_decisions(run: Run) -> None:
    """Train what the policy decides, on clips that recognition has not been trained on."""
    stage, compute = run.config.policy_training, run.compute
    policy = build(run)
    if stage.pretraining_epochs and not run.directory.epochs_done(STAGE):
        run.directory.load_network(PRETRAINING, policy)
    network = any_precision.load(run)
    teacher = full_precision.load(run) if stage.losses.distillation > 0 else None
    costs = _costs(run, network)
    frozen = FrozenLogits(network, teacher, stage.views)
    validation = FrozenLogits(network, None, 1)
    plan = run.plan(stage.batch)
    steps = batches_per_epoch(run.policy, plan)
    optimiser = Optimiser(stage.optimiser, policy, steps * stage.epochs)
    size, count = run.config.policy.input_size, len(network.programs)
    weights = {name: getattr(stage.losses, name) for name in stage.losses.__struct_fields__}

    def train_epoch(epoch: int) -> Means:
        means = Means()
        generator = run.generator(STAGE, epoch, on_device=True)
        temperature = stage.temperature * stage.temperature_decay**epoch
        view = frozen.view(epoch)
        batches = train_batches(run.policy, plan, seed=run.seed(STAGE), epoch=view)
        for step, batch in enumerate(batches, epoch * steps):
            optimiser.set_rate(step)
            programs, taught = frozen.of(batch, view)
            with compute.autocast():
                frames = policy_frames(batch.frames, size)
                decisions = decide(policy, frames, count, temperature, generator)
            # Outside: half precision would round the recognition network's logits.
            parts = decision_losses(
                decisions, programs, taught, batch.targets, costs, stage.label_smoothing
            )
            loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
            compute.backward(loss)
            optimiser.step(compute)
            means.add({f"loss/{name}": part for name, part in parts.items()})
        return means

    def validate() -> dict[str, float]:
        return validate_decisions(run, policy, validation, costs)

    run_epochs(run, STAGE, policy, optimiser, stage.epochs, train_epoch, validate)


def _costs(run: Run, network: AnyPrecisionBackbone) -> Tensor:
    """Return the cost of every action, float32 [A]."""
    macs = {name: network.macs(name) for name in network.programs}
    model = run.config.model_config(run.labels, policy=True)
    values = action_costs(run.config.policy_training.costs, model, macs)
    return torch.tensor(values, device=run.compute.device)


@torch.no_grad()
def validate_decisions(
    run: Run, policy: PolicyNet, logits: FrozenLogits, costs: Tensor
) -> dict[str, float]:
    """Return ``top1/learned``, ``cost`` and ``use/<action>`` of the argmax decisions."""
    compute, count = run.compute, len(logits.network.programs)
    totals = torch.zeros(2 + len(costs), device=compute.device)
    for batch in eval_batches(run.validation, run.plan(EVALUATION_BATCH * compute.world)):
        programs, _ = logits.of(batch, 0)
        frames = policy_frames(batch.frames, run.config.policy.input_size)
        decisions = decide(policy, frames, count, None)
        guess = video_logits(decisions.actions, programs).argmax(-1)
        totals[0] += (guess == batch.targets).sum()
        totals[1] += losses.cost(decisions.actions, costs) * len(guess)
        totals[2:] += decisions.actions.mean(1).sum(0)
    values = (compute.sum(totals) / len(run.validation)).tolist()
    model = run.config.model_config(run.labels, policy=True)
    names = ["top1/learned", "cost", *(f"use/{action}" for action in model.actions)]
    return dict(zip(names, values, strict=True))


def load(run: Run) -> PolicyNet:
    """Return the trained policy in evaluation mode."""
    policy = build(run)
    run.directory.load_network(STAGE, policy)
    return policy.eval()
