"""Before the policy decides: its features learn to tell what a frame shows.

Without recordings they learn from the training clips alone, through the memory and the class head.
Recordings know more: frame by frame, what is shown and whether recognition would be right about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_dnq.nn.normalise import normalise
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.train import losses
from edge_dnq.train.batches import batches_per_epoch, eval_batches, shard, train_batches
from edge_dnq.train.evaluate import EVALUATION_BATCH
from edge_dnq.train.loop import Means, Run, run_epochs
from edge_dnq.train.optimise import Optimiser
from edge_dnq.train.oracle import oracle_of
from edge_dnq.train.policy_batches import policy_frames

STAGE = "policy-pretraining"


class Glancer(nn.Module):
    """A policy and a head on its features that is used here only.

    Args:
        policy: Its encoder is trained.
        classes: Number of classes K.
    """

    def __init__(self, policy: PolicyNet, classes: int) -> None:
        super().__init__()
        self.policy = policy
        self.head = nn.Linear(policy.config.channels[-1], classes + 1)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the classes [N, K] and of being worth executing [N].

        Args:
            frames: Normalised policy frames, float32 [N, 3, P, P].
        """
        said = self.head(self.policy.encode(frames)).float()
        return said[:, :-1], said[:, -1]


class Glances(NamedTuple):
    """Single frames of recordings.

    Attributes:
        frames: Normalised policy frames, float32 [N, 3, P, P].
        targets: Their classes, -1 where they show nothing, int64 [N].
        worth: Whether the oracle's program is right about them, or, without an oracle, whether they
            show anything, bool [N].
    """

    frames: Tensor
    targets: Tensor
    worth: Tensor


def build(run: Run) -> PolicyNet:
    """Return the untrained policy, the same in every process."""
    model = run.config.model_config(run.labels, policy=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed(STAGE))
        network = PolicyNet(
            run.config.policy, len(model.actions), len(run.labels), model.input_scale
        )
    return network.to(run.compute.device)


def load(run: Run) -> PolicyNet:
    """Return the policy as pre-training left it, or untrained where there was none."""
    policy = build(run)
    if run.config.policy_training.pretraining_epochs:
        run.directory.load_network(STAGE, _glancer(run, policy) if run.recordings else policy)
    return policy


def pretrain(run: Run) -> None:
    """Train the features, or what is left of it, in ``run.directory``."""
    if run.recordings:
        _pretrain_on_recordings(run)
    else:
        _pretrain_on_clips(run)


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


def _pretrain_on_clips(run: Run) -> None:
    """Teach the policy to recognise, through its class head, on all training clips."""
    stage, compute = run.config.policy_training, run.compute
    policy = build(run)
    plan = run.plan(stage.batch)
    steps = batches_per_epoch(run.everything, plan)
    optimiser = Optimiser(stage.optimiser, policy, steps * stage.pretraining_epochs)
    size = run.config.policy.input_size

    def train_epoch(epoch: int) -> Means:
        means = Means()
        batches = train_batches(run.everything, plan, seed=run.seed(STAGE), epoch=epoch)
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
    run_epochs(run, STAGE, policy, optimiser, epochs, train_epoch, validate)


def _pretrain_on_recordings(run: Run) -> None:
    """Teach the features what single frames show, and whether recognition is right about it."""
    stage, compute = run.config.policy_training, run.compute
    glancer = _glancer(run, build(run))
    size = max(1, stage.batch * run.config.clip_frames // compute.world)
    steps = sum(-(-len(r.targets) // compute.world // size) for r in run.recordings)
    optimiser = Optimiser(stage.optimiser, glancer, steps * stage.pretraining_epochs)

    def train_epoch(epoch: int) -> Means:
        means = Means()
        for step, glances in enumerate(_glances(run, size, epoch), epoch * steps):
            optimiser.set_rate(step)
            with compute.autocast():
                classes, worth = glancer(glances.frames)
                parts = glance_losses(classes, worth, glances, stage.label_smoothing)
                loss = torch.stack([*parts.values()]).sum()
            compute.backward(loss)
            optimiser.step(compute)
            means.add(parts)
        return means

    epochs = stage.pretraining_epochs
    run_epochs(run, STAGE, glancer, optimiser, epochs, train_epoch, dict)


def glance_losses(
    classes: Tensor, worth: Tensor, glances: Glances, label_smoothing: float
) -> dict[str, Tensor]:
    """Return the losses of what a :class:`Glancer` said, by name."""
    shows = glances.targets >= 0
    return {
        "loss/worth": F.binary_cross_entropy_with_logits(worth, glances.worth.to(worth.dtype)),
        # The mean over no frame would be NaN.
        "loss/policy_class": losses.policy_class(
            classes[shows], glances.targets[shows], label_smoothing
        )
        if bool(shows.any())
        else classes.sum() * 0,
    }


def _glancer(run: Run, policy: PolicyNet) -> Glancer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed(STAGE))
        glancer = Glancer(policy, len(run.labels))
    return glancer.to(run.compute.device)


def _glances(run: Run, size: int, epoch: int) -> Iterator[Glances]:
    """Yield every frame of all recordings once, in batches of ``size`` from one recording each."""
    compute, config = run.compute, run.config
    oracle = oracle_of(config) if config.policy_training.losses.oracle > 0 else None
    groups: list[tuple[int, np.ndarray]] = []
    for number, recording in enumerate(run.recordings):
        order = shard(
            len(recording.targets),
            seed=run.seed(STAGE) + number,
            epoch=epoch,
            rank=compute.rank,
            world=compute.world,
        )
        groups += [(number, part) for part in np.array_split(order, -(-len(order) // size))]
    for place in np.random.default_rng([run.seed(STAGE), epoch]).permutation(len(groups)):
        number, rows = groups[int(place)]
        recording = run.recordings[number]
        pixels, logits, targets = (
            torch.from_numpy(values[rows]).to(compute.device)
            for values in (recording.pixels, recording.logits, recording.targets)
        )
        frames = normalise(pixels, config.mean, config.std)
        worth = targets >= 0
        if oracle is not None:
            worth = worth & (logits[:, oracle.program].argmax(-1) == targets)
        yield Glances(frames, targets, worth)
