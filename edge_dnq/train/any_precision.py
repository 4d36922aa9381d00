"""Second stage: one set of weights that serves every program."""

from __future__ import annotations

import torch

from edge_dnq.nn.architectures import make_backbone
from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.resize import resize_frames
from edge_dnq.train import full_precision, losses
from edge_dnq.train.batches import batches_per_epoch, train_batches
from edge_dnq.train.evaluate import program_logits, validate_recognition
from edge_dnq.train.full_precision import mixed, recognition_loss
from edge_dnq.train.loop import Means, Run, freeze, run_epochs
from edge_dnq.train.optimise import Optimiser

STAGE = "any-precision"


def build(run: Run) -> AnyPrecisionBackbone:
    """Return the network before training; its weights are still random."""
    model = run.config.model_config(run.labels)
    network = make_backbone(model.backbone, len(run.labels), model.input_scale)
    return run.compute.place(network)


def start(run: Run, teacher: AnyPrecisionBackbone) -> AnyPrecisionBackbone:
    """Return a network with the teacher's weights, calibrated on training frames."""
    stage = run.config.any_precision
    backbone = run.config.model_config(run.labels).backbone
    network = run.compute.place(type(teacher).from_full_precision(teacher, backbone))
    # A seed of its own: the frames of calibration are not those of the first epoch.
    batches = train_batches(
        run.recognition, run.plan(stage.batch, stage.frames), seed=run.seed(STAGE), epoch=2**31
    )
    frames = [b.frames.flatten(0, 1) for b, _ in zip(batches, range(stage.calibration_batches))]  # noqa: B905
    images = torch.cat(frames)
    for program in network.programs:
        network.calibrate(resize_frames(images, network.resolution(program)), program)
    # The processes saw different frames.
    run.compute.broadcast(network)
    return network.requires_grad_(True)


def train(run: Run) -> None:
    """Train the stage, or what is left of it, in ``run.directory``."""
    stage, compute = run.config.any_precision, run.compute
    weights = stage.losses
    teacher = full_precision.load(run)
    network = build(run) if run.directory.epochs_done(STAGE) else start(run, teacher)
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
            with torch.no_grad(), compute.autocast():
                taught = program_logits(teacher, frames, None).float()
            # Every program sees the batch before the weights move once.
            for program in network.programs:
                with compute.autocast():
                    logits = program_logits(network, frames, program).float()
                    hard = recognition_loss(logits, targets, stage)
                    soft = losses.distillation(logits.flatten(0, 1), taught.flatten(0, 1))
                    loss = weights.cross_entropy * hard + weights.distillation * soft
                compute.backward(loss / len(network.programs))
                means.add(
                    {f"loss/cross_entropy/{program}": hard, f"loss/distillation/{program}": soft}
                )
            optimiser.step(compute)
        return means

    def validate() -> dict[str, float]:
        return validate_recognition(run, network, network.programs)

    run_epochs(run, STAGE, network, optimiser, stage.epochs, train_epoch, validate, frozen)


def load(run: Run) -> AnyPrecisionBackbone:
    """Return the trained network, frozen and in evaluation mode: deployed arithmetic."""
    network = build(run)
    run.directory.load_network(STAGE, network)
    return network.requires_grad_(False).eval()
