"""What the stages have in common: a run's surroundings, and the loop over epochs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn

from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.layers import FULL_PRECISION, NestedWeight
from edge_dnq.train.batches import BatchPlan
from edge_dnq.train.config import TrainConfig
from edge_dnq.train.data import ClipSet
from edge_dnq.train.distributed import Compute
from edge_dnq.train.metrics import MetricsLog
from edge_dnq.train.optimise import Optimiser
from edge_dnq.train.recordings import Recording
from edge_dnq.train.run_directory import RunDirectory

STAGES = ("full-precision", "any-precision", "policy-pretraining", "policy")
"""Names of the stages in their order; pre-training is part of training the policy."""


@dataclass
class Run:
    """The surroundings of a stage.

    Attributes:
        config: What to do.
        compute: Where.
        directory: Where to keep it.
        log: The metrics.
        progress: Bars on a terminal, silent elsewhere.
        recognition: Clips that the recognition network is trained on.
        policy: Clips that the policy's decisions are trained on.
        everything: Both.
        validation: Clips that nothing is trained on.
        initial: ImageNet weights that the first stage starts from, or None.
        recordings: What the decisions are trained on instead of ``policy``.
    """

    config: TrainConfig
    compute: Compute
    directory: RunDirectory
    log: MetricsLog
    progress: Progress
    recognition: ClipSet
    policy: ClipSet
    everything: ClipSet
    validation: ClipSet
    initial: Path | None = None
    recordings: tuple[Recording, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.everything.labels

    def plan(self, batch: int, frames: int | None = None) -> BatchPlan:
        """Return the plan of batches of ``batch`` clips over all processes."""
        return BatchPlan(
            size=self.config.backbone.input_size,
            mean=self.config.mean,
            std=self.config.std,
            batch_clips=max(1, math.ceil(batch / self.compute.world)),
            frames=frames,
            device=self.compute.device,
            rank=self.compute.rank,
            world=self.compute.world,
        )

    def seed(self, stage: str) -> int:
        """Return a seed for ``stage``: stages of one run do not see the same draws."""
        return self.config.seed * len(STAGES) + STAGES.index(stage)

    def generator(self, stage: str, epoch: int, *, on_device: bool = False) -> torch.Generator:
        """Return this process's source of randomness in one epoch."""
        device = self.compute.device if on_device else torch.device("cpu")
        mixed = np.random.SeedSequence((self.seed(stage), epoch, self.compute.rank))
        seed = int(mixed.generate_state(1, np.uint64)[0] >> 1)
        return torch.Generator(device).manual_seed(seed)


class Means:
    """Running means of named values, without waiting for the device at every step."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: dict[str, Tensor]) -> None:
        """Add one step's scalars."""
        for name, value in values.items():
            value = value.detach().float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def result(self, compute: Compute) -> dict[str, float]:
        """Return the means over steps and processes."""
        names = sorted(self._sums)
        total = compute.sum(torch.stack([self._sums[name] for name in names]))
        return {
            name: value / (self._counts[name] * compute.world)
            for name, value in zip(names, total.tolist(), strict=True)
        }


def freeze(network: nn.Module, names: Sequence[str]) -> list[nn.Module]:
    """Keep the weights of the modules called ``names``, and their norms of the unquantised mode.

    The norms and clip values of programs go on learning: a program's are its own.

    Returns:
        What must stay in evaluation mode.

    Raises:
        EdgeDnqError: a name is not that of a module.
    """
    modules = dict(network.named_modules())
    if unknown := [name for name in names if name not in modules]:
        raise EdgeDnqError(
            f"frozen names {unknown[0]!r}, which is no module of the network: expected names as "
            f"{', '.join(name for name, _ in network.named_children())}"
        )
    layers = [part for name in names for part in modules[name].modules()]
    held: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, NestedWeight):
            layer.weight.requires_grad_(False)
        if isinstance(layer, nn.ModuleDict) and FULL_PRECISION in layer:
            held.append(layer[FULL_PRECISION].requires_grad_(False))
    return held


def run_epochs(
    run: Run,
    stage: str,
    network: nn.Module,
    optimiser: Optimiser,
    epochs: int,
    train_epoch: Callable[[int], Means],
    validate: Callable[[], dict[str, float]],
    frozen: Sequence[nn.Module] = (),
) -> None:
    """Train ``network`` for the epochs of ``stage`` that are still to be done.

    The state is kept at the end and every ``save_seconds``; what was interrupted goes on from the
    last kept epoch and comes to the same result. ``frozen`` modules stay in evaluation mode.

    Raises:
        EdgeDnqError: the loss became NaN or infinite, or the file system refuses.
    """
    compute, config = run.compute, run.config
    start = run.directory.restore(stage, network, optimiser, compute)
    if start >= epochs:
        return
    if compute.is_main:
        run.log.rewind(stage, start)
    task = run.progress.add_task(stage, total=epochs, completed=start)
    saved = time.monotonic()
    for epoch in range(start, epochs):
        began = time.monotonic()
        network.train()
        for module in frozen:
            module.eval()
        values = train_epoch(epoch).result(compute)
        if not all(math.isfinite(value) for value in values.values()):
            raise EdgeDnqError(
                f"the loss of the {stage} stage is not finite in epoch {epoch + 1}: "
                "lower its optimiser.learning_rate and pass --resume"
            )
        compute.average_buffers(network)
        done, last = epoch + 1, epoch + 1 == epochs
        if last or done % config.validate_every == 0:
            network.eval()
            values |= validate()
        seconds = time.monotonic() - began
        if compute.is_main:
            run.log.add({"stage": stage, "epoch": done, "seconds": seconds, "values": values})
            if last or time.monotonic() - saved >= config.save_seconds:
                run.directory.save(stage, done, network, optimiser, compute)
                saved = time.monotonic()
        run.progress.update(task, completed=done)
    compute.wait()


def subset(clips: ClipSet, indices: NDArray[np.int64]) -> ClipSet:
    """Return the clips at ``indices``."""
    return replace(
        clips,
        targets=clips.targets[indices],
        names=tuple(clips.names[i] for i in indices),
        rows=clips.rows[indices],
    )


def hold_out(
    targets: NDArray[np.int64], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split clips into those for recognition and those for the policy, class by class.

    Of each class one stretch of neighbours is held out, because neighbours in a listing often come
    from one recording, and a clip whose twin was trained on is not unseen.

    Args:
        targets: Class of every clip, int64 [N].
        fraction: Share of each class for the policy; 0 gives all clips to both.
        seed: Chooses where the stretches begin.

    Returns:
        Two sorted lists of indices.
    """
    everything = np.arange(len(targets))
    if fraction == 0:
        return everything, everything
    rng = np.random.default_rng(seed)
    held = [
        np.roll(np.flatnonzero(targets == label), rng.integers(count))[
            : round(fraction * int(count))
        ]
        for label, count in zip(*np.unique(targets, return_counts=True), strict=True)
    ]
    policy = np.sort(np.concatenate(held))
    return np.setdiff1d(everything, policy), policy
