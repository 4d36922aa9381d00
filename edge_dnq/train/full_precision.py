"""First stage: the recognition network without quantisation; later the teacher."""

from __future__ import annotations

import torch

from edge_dnq.nn.architectures import make_backbone
from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.pretrained import load_pretrained
from edge_dnq.train import losses
from edge_dnq.train.batches import Batch, batches_per_epoch, train_batches
from edge_dnq.train.config import RecognitionStage
from edge_dnq.train.evaluate import program_logits, validate_recognition
from edge_dnq.train.loop import Means, Run, freeze, run_epochs
from edge_dnq.train.optimise import Optimiser

STAGE = "full-precision"


def build(run: Run) -> AnyPrecisionBackbone:
    """Return the untrained network, the same in every process."""
    model = run.config.model_config(run.labels, full_precision=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed(STAGE))
        network = make_backbone(model.backbone, len(run.labels), model.input_scale)
    return run.compute.place(network)


def mixed(
    batch: Batch, stage: RecognitionStage, classes: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the frames and targets of ``batch``, blended if the stage wants it."""
    if stage.mixup == 0:
        return batch.frames, batch.targets
    return losses.mixup(batch.frames, batch.targets, classes, stage.mixup, generator)


def recognition_loss(
    logits: torch.Tensor, targets: torch.Tensor, stage: RecognitionStage
) -> torch.Tensor:
    """Return the cross-entropy of frame logits [B, T, K]: on frames and on clips' means."""
    total = logits.new_zeros(())
    if stage.clip_share < 1:
        repeated = targets.repeat_interleave(logits.shape[1], 0)
        frame = losses.cross_entropy(logits.flatten(0, 1), repeated, stage.label_smoothing)
        total = total + (1 - stage.clip_share) * frame
    if stage.clip_share > 0:
        clip = losses.cross_entropy(logits.mean(1), targets, stage.label_smoothing)
        total = total + stage.clip_share * clip
    return total


def train(run: Run) -> None:
    """Train the stage, or what is left of it, in ``run.directory``."""
    stage, compute = run.config.full_precision, run.compute
    network = build(run)
    if run.initial is not None and run.directory.epochs_done(STAGE) == 0:
        load_pretrained(network, run.initial)
    plan = run.plan(stage.batch, stage.frames)
    steps = batches_per_epoch(run.recognition, plan)
    frozen = freeze(network, stage.frozen)
    optimiser = Optimiser(stage.optimiser, network, steps * stage.epochs)

    def train_epoch(epoch: int) -> Means:
        means = Means()
        generator = run.generator(STAGE, epoch)
        batches = train_batches(run.recognition, plan, seed=run.seed(STAGE), epoch=epoch)
        for step, batch in enumerate(batches, epoch * steps):
            optimiser.set_rate(step)
            frames, targets = mixed(batch, stage, len(run.labels), generator)
            with compute.autocast():
                logits = program_logits(network, frames, None).float()
                loss = recognition_loss(logits, targets, stage)
            compute.backward(stage.losses.cross_entropy * loss)
            optimiser.step(compute)
            means.add({"loss/cross_entropy": loss})
        return means

    def validate() -> dict[str, float]:
        return validate_recognition(run, network, (None,))

    run_epochs(run, STAGE, network, optimiser, stage.epochs, train_epoch, validate, frozen)


def load(run: Run) -> AnyPrecisionBackbone:
    """Return the trained network, frozen and in evaluation mode."""
    network = build(run)
    run.directory.load_network(STAGE, network)
    return network.requires_grad_(False).eval()
