"""Tensors from clips: order, shards for several processes, augmentation ahead of time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge_dnq.nn.normalise import normalise
from edge_dnq.train.augment import Augmentation, augment_clip, centre_clip
from edge_dnq.train.data import ClipSet


@dataclass(frozen=True)
class Batch:
    """Clips of a batch.

    Attributes:
        frames: Normalised frames, float32 ``[B, T, 3, S, S]``.
        targets: Classes, int64 ``[B]``.
        indices: Which clips of the set these are, int64 ``[B]`` on the CPU.
    """

    frames: Tensor
    targets: Tensor
    indices: NDArray[np.int64]


@dataclass(frozen=True)
class BatchPlan:
    """What all batches of a run have in common.

    Attributes:
        size: Side S of the network's input in pixels.
        mean: Per-channel mean in pixel units (0..255), RGB.
        std: Per-channel deviation in pixel units, RGB.
        batch_clips: Largest number of clips in a batch.
        frames: Frames taken of each clip, or None for all that are cached.
        device: Where the tensors go.
        rank: This process among ``world``.
        world: Number of processes.
        threads: Threads that augment; they run one batch ahead of the training.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    batch_clips: int
    frames: int | None = None
    device: str | torch.device = "cpu"
    rank: int = 0
    world: int = 1
    threads: int = min(8, os.cpu_count() or 1)


def shard(count: int, *, seed: int, epoch: int, rank: int, world: int) -> NDArray[np.int64]:
    """Return this rank's part of the epoch's permutation of ``range(count)``.

    All ranks get equally many indices: at most ``world - 1`` are dealt twice. Apart from those the
    parts are disjoint, and together they cover everything.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    padded = np.resize(order, math.ceil(count / world) * world)
    return padded[rank::world]


def pick_frames(
    total: int, wanted: int | None, rng: np.random.Generator | None
) -> NDArray[np.int64]:
    """Choose ``wanted`` of ``total`` frames, one from each of as many stretches, in order.

    Without ``rng`` the middle of each stretch is taken.
    """
    count = total if wanted is None else min(wanted, total)
    inside = np.full(count, 0.5) if rng is None or count == total else rng.random(count)
    edges = np.arange(count + 1, dtype=np.int64) * total // count
    return edges[:-1] + (inside * np.diff(edges)).astype(np.int64)


def train_batches(
    clips: ClipSet,
    plan: BatchPlan,
    *,
    seed: int,
    epoch: int,
    augmentation: Augmentation | None = None,
) -> Iterator[Batch]:
    """Yield one epoch of augmented batches in random order.

    A clip's view depends on ``seed``, ``epoch`` and the clip alone, whatever the number of
    processes or threads. Batches of an epoch differ in size by at most one clip, and every rank
    gets equally many.
    """
    how = Augmentation() if augmentation is None else augmentation

    def view(index: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([seed, epoch, index])
        frames = clips.clip(index)[pick_frames(clips.clip_frames, plan.frames, rng)]
        return augment_clip(frames, plan.size, rng, how)

    order = shard(len(clips), seed=seed, epoch=epoch, rank=plan.rank, world=plan.world)
    return _batches(clips, plan, order, view)


def eval_batches(clips: ClipSet, plan: BatchPlan) -> Iterator[Batch]:
    """Yield the clips once, in order, as the device sees them.

    With several processes each gets every ``world``-th clip; no clip is repeated, so counts may be
    summed over the ranks.
    """
    picked = pick_frames(clips.clip_frames, plan.frames, None)

    def view(index: int) -> NDArray[np.uint8]:
        return centre_clip(clips.clip(index)[picked], plan.size)

    return _batches(clips, plan, np.arange(len(clips))[plan.rank :: plan.world], view)


def batches_per_epoch(clips: ClipSet, plan: BatchPlan) -> int:
    """Return how many batches :func:`train_batches` yields."""
    return math.ceil(math.ceil(len(clips) / plan.world) / plan.batch_clips)


def _batches(
    clips: ClipSet,
    plan: BatchPlan,
    order: NDArray[np.int64],
    view: Callable[[int], NDArray[np.uint8]],
) -> Iterator[Batch]:
    """Prepare batches in threads, always one ahead of the one that is in use."""
    if len(order) == 0:
        return
    groups = np.array_split(order, math.ceil(len(order) / plan.batch_clips))
    with ThreadPoolExecutor(plan.threads) as pool:
        try:
            ahead = [pool.submit(view, int(i)) for i in groups[0]]
            for number, group in enumerate(groups):
                current = ahead
                following = groups[number + 1] if number + 1 < len(groups) else ()
                ahead = [pool.submit(view, int(i)) for i in following]
                pixels = np.stack([task.result() for task in current])
                targets = torch.from_numpy(clips.targets[group])
                yield Batch(
                    frames=normalise(
                        torch.from_numpy(pixels).to(plan.device, non_blocking=True),
                        plan.mean,
                        plan.std,
                    ),
                    targets=targets.to(plan.device),
                    indices=group,
                )
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
