"""What every program says about every frame of many videos: all that a policy is trained on.

Recognition is frozen while a policy learns, so its logits may be computed beforehand, by the very
programs of a bundle, which takes a twentieth of the time of the network in PyTorch. Free of torch.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import Bundle
from edge_dnq.errors import DataError
from edge_dnq.session import Recogniser, Session
from edge_dnq.staging import staged_file
from edge_dnq.streams import FILLER, Composition, compose_streams, stream_count
from edge_dnq.train.augment import Augmentation, augment_clip, centre_clip
from edge_dnq.train.data import ClipSet
from edge_dnq.video.preprocess import network_frame

UInt8 = NDArray[np.uint8]
Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recording:
    """Sequences of frames, one after another: F frames in S sequences.

    Attributes:
        actions: Names of the programs, B of them, in the order of the logits.
        labels: Class names, K of them.
        pixels: Policy frames, uint8 [F, P, P, 3].
        logits: Of every program on every frame, float32 [F, B, K].
        owner: Segment of every frame, counted within its sequence, or -1 for filler, where
            there is nothing to recognise; int64 [F].
        targets: Class of every frame's segment, or -1; int64 [F].
        lengths: Frames of every sequence, int64 [S].
    """

    actions: tuple[str, ...]
    labels: tuple[str, ...]
    pixels: UInt8
    logits: Float32
    owner: Int64
    targets: Int64
    lengths: Int64

    def save(self, path: Path) -> None:
        """Write the recording as a compressed ``.npz``, whole or not at all."""
        arrays: dict[str, Any] = {
            name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__
        }
        with staged_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @staticmethod
    def load(path: Path) -> Recording:
        """Read a recording without running any code in it.

        Raises:
            DataError: not a recording, or its arrays do not fit each other.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in Recording.__dataclass_fields__}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is no recording of `edge-dnq record`: {error}") from error
        actions, labels = (tuple(map(str, arrays.pop(key))) for key in ("actions", "labels"))
        recording = Recording(actions, labels, **arrays)
        recording.check(str(path))
        return recording

    def check(self, name: str) -> None:
        """Check that the arrays fit each other.

        Raises:
            DataError: they do not.
        """
        frames = len(self.pixels)
        side = self.pixels.shape[1:2]
        fits = (
            self.pixels.shape == (frames, *side, *side, 3)
            and self.pixels.dtype == np.uint8
            and self.logits.shape == (frames, len(self.actions), len(self.labels))
            and self.owner.shape == self.targets.shape == (frames,)
            and self.lengths.ndim == 1
            and int(self.lengths.sum()) == frames > 0
            and int(self.targets.max()) < len(self.labels)
            and bool(((self.owner < 0) == (self.targets < 0)).all())
        )
        if not fits:
            raise DataError(f"{name}: the arrays of this recording do not fit each other")


def require_fit(
    recordings: Iterable[Recording],
    labels: tuple[str, ...],
    programs: tuple[str, ...],
    policy_size: int,
) -> None:
    """Check that recordings are of a model's classes, programs and policy frames.

    Raises:
        DataError: one is not.
    """
    for recording in recordings:
        side = recording.pixels.shape[1]
        if (recording.labels, recording.actions) != (labels, programs):
            raise DataError("a recording is of other classes or programs than the model's")
        if side != policy_size:
            raise DataError(
                f"a recording has policy frames of {side} pixels, the policy takes {policy_size}: "
                f"record again with --policy-size {policy_size}"
            )


@dataclass(frozen=True)
class Windows:
    """Equally long pieces of sequences: S pieces of T frames.

    Attributes:
        pixels: uint8 [S, T, P, P, 3].
        logits: float32 [S, T, B, K].
        owner: Segment of every frame, counted from 0 in every piece, or -1; int64 [S, T].
        targets: Class of every segment, -1 beyond the last one; int64 [S, G].
    """

    pixels: UInt8
    logits: Float32
    owner: Int64
    targets: Int64


def pieces(recording: Recording, length: int) -> Int64:
    """Return the sequence of every piece, int64 [S].

    A sequence gives as many pieces of ``length`` frames as it holds, and one at least: long streams
    would else count as little as short clips.
    """
    counts = np.maximum(1, recording.lengths // length)
    return np.repeat(np.arange(len(counts)), counts)


def windows(recording: Recording, length: int, rng: np.random.Generator, chosen: Int64) -> Windows:
    """Take a random piece, at most ``length`` frames long, of every chosen sequence.

    Where sequences differ in length, shorter ones stand still at their end.

    Args:
        recording: What to take pieces of.
        length: Of a piece.
        rng: Source of randomness.
        chosen: The sequences, int64 [S]; some of :func:`pieces`.
    """
    lengths = recording.lengths[chosen]
    longest = min(length, int(recording.lengths.max()))
    starts = (np.cumsum(recording.lengths) - recording.lengths)[chosen]
    offsets = rng.integers(np.maximum(lengths - longest, 0) + 1)
    inside = offsets[:, None] + np.arange(longest)
    beyond = inside >= lengths[:, None]
    index = starts[:, None] + np.minimum(inside, lengths[:, None] - 1)
    owner = np.where(beyond, FILLER, recording.owner[index])
    targets = np.where(beyond, FILLER, recording.targets[index])
    owner, targets = _renumbered(owner, targets)
    return Windows(recording.pixels[index], recording.logits[index], owner, targets)


def _renumbered(owner: Int64, classes: Int64) -> tuple[Int64, Int64]:
    """Count the segments of every row from 0; return them and their classes [S, G]."""
    numbers = np.full_like(owner, FILLER)
    rows: list[list[int]] = []
    for row, (own, seen) in enumerate(zip(owner, classes, strict=True)):
        segments = [int(s) for s in dict.fromkeys(own.tolist()) if s != FILLER]
        for number, segment in enumerate(segments):
            numbers[row, own == segment] = number
        rows.append([int(seen[own == segment][0]) for segment in segments])
    most = max(1, *map(len, rows))
    targets = np.array([row + [FILLER] * (most - len(row)) for row in rows], np.int64)
    return numbers, targets


def record(
    bundle: Bundle,
    clips: ClipSet,
    *,
    policy_size: int,
    views: int = 1,
    streams: Composition | None = None,
    seed: int = 0,
    threads: int = 1,
    progress: Progress | None = None,
) -> Recording:
    """Run every program of ``bundle`` on every frame of some views of ``clips``.

    The first view is what a device sees, the others are augmented as in training.

    Args:
        bundle: Its programs are run; it needs no policy.
        clips: Best clips that its networks have not been trained on.
        policy_size: Side of the policy's frames in pixels.
        views: Views of every clip.
        streams: How the clips of a view are composed into untrimmed streams, or None.
        seed: Of the augmentation and of the streams.
        threads: Threads per program.
        progress: Told (sequences done, sequences altogether).

    Raises:
        DataError: the clips have a label that the bundle does not know.
    """
    manifest = bundle.manifest
    if strangers := sorted(set(clips.labels) - set(manifest.labels)):
        raise DataError(f"the clips have the label '{strangers[0]}' that {bundle.path} lacks")
    places = np.array([manifest.labels.index(label) for label in clips.labels], np.int64)
    clips = replace(clips, labels=manifest.labels, targets=places[clips.targets])
    session = Session(bundle, policy=f"uniform:{manifest.programs[0].name}", threads=threads)
    sequences = _sequences(clips, manifest.input.height, views, streams, seed)
    total = views * (len(clips) if streams is None else streams.rounds * stream_count(len(clips)))
    parts = []
    for done, (frames, owner, targets) in enumerate(sequences, 1):
        parts.append((*_seen(session.recognisers, frames, policy_size), owner, targets))
        if progress is not None:
            progress(done, total)
    pixels, logits, owners, classes = zip(*parts, strict=True)
    return Recording(
        actions=tuple(session.recognisers),
        labels=manifest.labels,
        pixels=np.concatenate(pixels),
        logits=np.concatenate(logits),
        owner=np.concatenate(owners),
        targets=np.concatenate(classes),
        lengths=np.array([len(part) for part in owners], np.int64),
    )


def _sequences(
    clips: ClipSet, size: int, views: int, streams: Composition | None, seed: int
) -> Iterator[tuple[Iterable[UInt8], Int64, Int64]]:
    """Yield (network frames, owner, class of every frame) of every sequence."""
    for view in range(views):

        def seen(index: int, view: int = view) -> UInt8:
            if view == 0:
                return centre_clip(clips.clip(index), size)
            rng = np.random.default_rng([seed, view, index])
            return augment_clip(clips.clip(index), size, rng, Augmentation())

        if streams is not None:
            for _, stream in compose_streams(seen, clips.targets, seed + view, streams):
                known = np.append(stream.labels, FILLER)  # the filler's -1 is the last one
                yield stream.frames, stream.owner, known[stream.owner]
        else:
            for index, target in enumerate(clips.targets):
                owner = np.zeros(clips.clip_frames, np.int64)
                yield seen(index), owner, np.full_like(owner, target)


def _seen(
    recognisers: dict[str, Recogniser], frames: Iterable[UInt8], policy_size: int
) -> tuple[UInt8, Float32]:
    pixels, logits = [], []
    for frame in frames:
        pixels.append(network_frame(frame, policy_size))
        logits.append(np.stack([recognise(frame) for recognise in recognisers.values()]))
    return np.stack(pixels), np.stack(logits)
