"""Untrimmed streams: labelled clips with still and unrelated footage between them.

A stream shows its segments, windows of labelled clips, in the order given. Before, between and
after them comes filler of random length, by default a little more than half of all frames:

- *still*: the last frame before it or the first one after it, held, with fresh sensor noise;
- *unrelated*: a rendered place (:func:`edge_dnq.synthetic.render_idle`) with somebody standing
  about or nobody, things that drift past, and a camera that shakes.

Stretches join by hard cuts or by dissolves of at most three frames. A dissolve lies in the filler,
so the frames of a segment are exactly those of its clip. Free of torch: training and evaluation
compose alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.synthetic import render_idle

UInt8 = NDArray[np.uint8]
Int64 = NDArray[np.int64]
Footage = Callable[[np.random.Generator, int, int], UInt8]
"""From a generator, a number of frames T and a side S to frames [T, S, S, 3]."""

FILLER = -1
"""Owner of a frame that belongs to no segment."""

SEGMENTS = 6
SHORTEST_WINDOW = 0.75
DIRECT_CUT = 0.1
LEAST_FILLER = 2
DISSOLVE = 0.5
LONGEST_DISSOLVE = 3
NOISE = (0.5, 4.0)
"""Range of the sensor noise's deviation in still footage, in grey levels."""
IDLE_FPS = (4.0, 12.0)


@dataclass(frozen=True)
class Composition:
    """How clips become streams.

    Attributes:
        filler: Share of all frames that is filler, on average, in 0..1, both excluded.
        rounds: How often every clip is shown: each time beside the same other clips, in another
            window, with other filler around it.

    Raises:
        DataError: no such share, or no round.
    """

    filler: float = 0.55
    rounds: int = 1

    def __post_init__(self) -> None:
        """Reject what cannot be composed."""
        if not 0 < self.filler < 1:
            raise DataError(f"the share of filler must lie between 0 and 1, got {self.filler:g}")
        if self.rounds < 1:
            raise DataError(f"clips must be shown once at least, got {self.rounds} rounds")


@dataclass(frozen=True)
class Stream:
    """A composed video of N frames with S segments.

    Attributes:
        frames: RGB, uint8 [N, C, C, 3].
        owner: Segment of every frame, in 0..S-1, or :data:`FILLER`; int64 [N].
        starts: First frame of every stretch, filler ones too, int64 [at most 2 S + 1].
        labels: Class of every segment, int64 [S].
    """

    frames: UInt8
    owner: Int64
    starts: Int64
    labels: Int64


DEFAULT = Composition()


def unrelated_footage(rng: np.random.Generator, frames: int, size: int) -> UInt8:
    """Render a place in which no action happens: uint8 [frames, size, size, 3]."""
    seed, fps = int(rng.integers(1 << 62)), rng.uniform(*IDLE_FPS)
    return render_idle(seed, frames=frames, size=size, fps=fps)


def compose_streams(
    clip: Callable[[int], UInt8],
    labels: Sequence[int] | Int64,
    seed: int,
    composition: Composition = DEFAULT,
    *,
    segments: int = SEGMENTS,
    footage: Footage = unrelated_footage,
) -> Iterator[tuple[Int64, Stream]]:
    """Compose streams of all clips; the same arguments give the same bytes.

    Args:
        clip: Returns clip i, uint8 [T, C, C, 3], for i below ``len(labels)``.
        labels: Class of every clip.
        seed: Fixes the order of the clips and everything between them.
        composition: How much filler, and how often every clip is shown.
        segments: Segments of a stream, or one fewer where the clips do not divide.
        footage: Makes the unrelated footage.

    Yields:
        Which clips the segments of a stream are from, int64 [S], and the stream; the streams of one
        round after another, of the same clips in the same order.

    Raises:
        DataError: see :func:`compose`.
    """
    targets = np.asarray(labels, np.int64)
    order = np.random.default_rng([seed, 0]).permutation(len(targets))
    groups = np.array_split(order, stream_count(len(targets), segments))
    for turn in range(composition.rounds):
        for place, chosen in enumerate(groups):
            rng = np.random.default_rng([seed, 1, place, *([turn] if turn else [])])
            clips = [clip(int(i)) for i in chosen]
            yield chosen, compose(clips, targets[chosen], rng, footage, composition.filler)


def stream_count(clips: int, segments: int = SEGMENTS) -> int:
    """Return how many streams one round of ``clips`` clips makes."""
    return max(1, -(-clips // segments))


def compose(
    clips: Sequence[UInt8],
    labels: Sequence[int] | Int64,
    rng: np.random.Generator,
    footage: Footage = unrelated_footage,
    filler: float = DEFAULT.filler,
) -> Stream:
    """Compose one stream of all ``clips`` in their order.

    Args:
        clips: At least one, each uint8 [T, C, C, 3] with the same C; a random window of three
            quarters of its frames or more is shown.
        labels: Class of every clip.
        rng: Source of randomness.
        footage: Makes the unrelated footage.
        filler: See :class:`Composition`.

    Raises:
        DataError: no clip, clips without a label, or frames that are not square and alike.
    """
    _check(clips, labels)
    windows = [_window(clip, rng) for clip in clips]
    lengths = _filler_lengths(sum(map(len, windows)), len(windows) + 1, filler, rng)
    stretches: list[tuple[int, UInt8]] = []
    neighbours: list[UInt8 | None] = [None, *windows, None]
    for place, length in enumerate(lengths):
        before, after = neighbours[place], neighbours[place + 1]
        if length:
            stretches.append((FILLER, _filler(before, after, length, rng, footage)))
        if after is not None:
            stretches.append((place, after))
    sizes = [len(frames) for _, frames in stretches]
    return Stream(
        frames=np.concatenate([frames for _, frames in stretches]),
        owner=np.repeat(np.array([owner for owner, _ in stretches], np.int64), sizes),
        starts=np.cumsum([0, *sizes[:-1]], dtype=np.int64),
        labels=np.asarray(labels, np.int64),
    )


def _check(clips: Sequence[UInt8], labels: Sequence[int] | Int64) -> None:
    if not clips or len(clips) != len(labels):
        raise DataError(
            "a stream needs clips and a label for each, "
            f"got {len(clips)} clips and {len(labels)} labels"
        )
    side = clips[0].shape[1:2]
    for clip in clips:
        if clip.dtype != np.uint8 or clip.shape[1:] != (*side, *side, 3) or not len(clip):
            raise DataError(
                "a stream needs clips of uint8 frames that are square and of one size, "
                f"got {clip.dtype} of shape {clip.shape} after a side of {side[0]}"
            )


def _window(clip: UInt8, rng: np.random.Generator) -> UInt8:
    shortest = int(np.ceil(SHORTEST_WINDOW * len(clip)))
    length = int(rng.integers(shortest, len(clip) + 1))
    first = int(rng.integers(len(clip) - length + 1))
    return clip[first : first + length]


def _filler_lengths(shown: int, gaps: int, filler: float, rng: np.random.Generator) -> list[int]:
    """Draw how long every gap is: none (a direct cut), or geometric above a least length."""
    mean = shown * filler / (1 - filler) / gaps
    extra = max(1.0, mean / (1 - DIRECT_CUT) - LEAST_FILLER + 1)
    drawn = LEAST_FILLER - 1 + rng.geometric(1 / extra, gaps)
    return [int(n) for n in np.where(rng.random(gaps) < DIRECT_CUT, 0, drawn)]


def _filler(
    before: UInt8 | None,
    after: UInt8 | None,
    length: int,
    rng: np.random.Generator,
    footage: Footage,
) -> UInt8:
    edges = [frames for frames in (before, after) if frames is not None]
    size = edges[0].shape[1]
    if rng.random() < 0.5:
        held = [before[-1]] if before is not None else []
        held += [after[0]] if after is not None else []
        filler = _still(held[int(rng.integers(len(held)))], length, rng)
    else:
        filler = footage(rng, length, size)
    if before is not None:
        _dissolve(filler, before[-1], rng)
    if after is not None:
        _dissolve(filler[::-1], after[0], rng)
    return filler


def _still(frame: UInt8, length: int, rng: np.random.Generator) -> UInt8:
    noise = rng.standard_normal((length, *frame.shape), np.float32)
    grainy = frame + noise * np.float32(rng.uniform(*NOISE))
    return np.asarray(np.clip(np.rint(grainy), 0, 255), np.uint8)


def _dissolve(frames: UInt8, neighbour: UInt8, rng: np.random.Generator) -> None:
    """Blend the first frames into ``neighbour`` (in place), or leave a hard cut."""
    if rng.random() >= DISSOLVE:
        return
    length = int(rng.integers(1, LONGEST_DISSOLVE + 1))
    for place in range(min(length, len(frames))):
        own = np.float32((place + 1) / (length + 1))
        mixed = own * frames[place] + (1 - own) * neighbour
        frames[place] = np.rint(mixed).astype(np.uint8)
