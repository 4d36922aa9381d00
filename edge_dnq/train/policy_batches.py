"""What the policy's decisions are trained on: frames and what every program says about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.normalise import normalise
from edge_dnq.nn.resize import resize_frames
from edge_dnq.nn.segments import Segments
from edge_dnq.train.batches import Batch, batches_per_epoch, eval_batches, shard, train_batches
from edge_dnq.train.evaluate import EVALUATION_BATCH, all_program_logits, program_logits
from edge_dnq.train.loop import Run
from edge_dnq.train.recordings import Int64, Recording, Windows, pieces, windows


class PolicyBatch(NamedTuple):
    """N sequences of T frames.

    Attributes:
        frames: Normalised policy frames, float32 [N, T, 3, P, P].
        programs: Logits of every program on every frame, float32 [N, T, B, K].
        taught: Logits of every segment to distil, float32 [N, G, K].
        segments: Which frames are whose.
        targets: Class of every segment, -1 where there is none, int64 [N, G].
    """

    frames: Tensor
    programs: Tensor
    taught: Tensor
    segments: Segments
    targets: Tensor


class Source(Protocol):
    """Where the batches of an epoch are from."""

    @property
    def steps(self) -> int:
        """Batches of an epoch, the same number in every process."""
        ...

    def batches(self, epoch: int) -> Iterator[PolicyBatch]:
        """Yield one epoch."""
        ...


def policy_frames(frames: Tensor, size: int) -> Tensor:
    """Return [B, T, 3, size, size] of network frames [B, T, 3, S, S]."""
    small = resize_frames(frames.flatten(0, 1), size)
    return small.view(*frames.shape[:2], *small.shape[1:])


class Recognition:
    """The frozen networks.

    Args:
        network: The any-precision network.
        teacher: The full-precision network, or None when nothing is distilled.
        policy_size: Side of the policy's frames in pixels.
    """

    def __init__(
        self, network: AnyPrecisionBackbone, teacher: AnyPrecisionBackbone | None, policy_size: int
    ) -> None:
        self._network, self._teacher, self._size = network, teacher, policy_size

    @torch.no_grad()
    def batch(self, batch: Batch) -> PolicyBatch:
        """Return what they say about trimmed clips, each of which is one segment."""
        programs = all_program_logits(self._network, batch.frames)
        clips, length = programs.shape[:2]
        if self._teacher is None:
            taught = programs.new_zeros(clips, programs.shape[-1])
        else:
            taught = program_logits(self._teacher, batch.frames, None).mean(1)
        return PolicyBatch(
            frames=policy_frames(batch.frames, self._size),
            programs=programs,
            taught=taught.unsqueeze(1),
            segments=Segments.whole(clips, length, programs.device),
            targets=batch.targets.unsqueeze(1),
        )


class ClipSource:
    """Augmented views of the clips that are held out for the policy.

    Recognition is frozen: what it says about a view is computed once and kept.

    Args:
        run: With the clips.
        recognition: The frozen networks.
        seed: Of the views.
    """

    def __init__(self, run: Run, recognition: Recognition, seed: int) -> None:
        stage = run.config.policy_training
        self._clips, self._plan, self._seed = run.policy, run.plan(stage.batch), seed
        self._recognition = recognition
        self._kept: list[list[PolicyBatch] | None] = [None] * stage.views

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return batches_per_epoch(self._clips, self._plan)

    def batches(self, epoch: int) -> Iterator[PolicyBatch]:
        """Yield the view of ``epoch``: the kept ones in turns, or a fresh one where none is."""
        view = epoch % len(self._kept) if self._kept else epoch
        kept = self._kept[view] if self._kept else None
        if kept is not None:
            yield from kept
            return
        found: list[PolicyBatch] = []
        for batch in train_batches(self._clips, self._plan, seed=self._seed, epoch=view):
            made = self._recognition.batch(batch)
            yield made
            if self._kept:
                found.append(made)
        if self._kept:
            self._kept[view] = found


class RecordedSource:
    """Pieces of recorded sequences, drawn anew in every epoch.

    Args:
        run: With the model that the recordings fit.
        recordings: Of its programs, by networks that had not been trained on what they saw.
        seed: Of the pieces and of their order.
    """

    def __init__(self, run: Run, recordings: Sequence[Recording], seed: int) -> None:
        self._recordings, self._run, self._seed = recordings, run, seed
        stage = run.config.policy_training
        self._length = stage.window
        self._pieces = [pieces(recording, self._length) for recording in recordings]
        self._size = max(1, -(-stage.batch // run.compute.world))

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        world = self._run.compute.world
        return sum(-(-len(of) // world // self._size) for of in self._pieces)

    def batches(self, epoch: int) -> Iterator[PolicyBatch]:
        """Yield random pieces of all sequences."""
        compute = self._run.compute
        rng = np.random.default_rng([self._seed, epoch])
        groups: list[tuple[Recording, Int64]] = []
        for number, (recording, of) in enumerate(zip(self._recordings, self._pieces, strict=True)):
            order = shard(
                len(of),
                seed=self._seed + number,
                epoch=epoch,
                rank=compute.rank,
                world=compute.world,
            )
            parts = np.array_split(of[order], -(-len(order) // self._size))
            groups += [(recording, part) for part in parts]
        for place in rng.permutation(len(groups)):
            recording, chosen = groups[int(place)]
            yield self._batch(windows(recording, self._length, rng, chosen))

    def _batch(self, taken: Windows) -> PolicyBatch:
        config, device = self._run.config, self._run.compute.device
        programs, targets, owner, pixels = (
            torch.from_numpy(values).to(device)
            for values in (taken.logits, taken.targets, taken.owner, taken.pixels)
        )
        segments = Segments(owner, targets.shape[1])
        frames = normalise(pixels.flatten(0, 1), config.mean, config.std)
        whole = programs.new_ones(programs.shape[:2])
        taught, _ = segments.mean(programs[:, :, 0], whole)
        return PolicyBatch(
            frames.view(*pixels.shape[:2], *frames.shape[1:]), programs, taught, segments, targets
        )


def validation_batches(run: Run, recognition: Recognition) -> list[PolicyBatch]:
    """Return this process's part of the validation clips."""
    plan = run.plan(EVALUATION_BATCH * run.compute.world)
    return [recognition.batch(batch) for batch in eval_batches(run.validation, plan)]
