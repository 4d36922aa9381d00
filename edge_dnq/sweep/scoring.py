"""From the programs that ran to right answers and to flicker, for all segments at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.sweep.recording import RecordedVideo
from edge_dnq.sweep.walking import SKIPPED

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """Of S segments.

    Attributes:
        hits: Whether the prediction at its end is right, bool [S].
        changes: How often the running prediction changed within it once there was one, int64 [S].
    """

    hits: Bool
    changes: Int64


class Spans:
    """Pieces of one long sequence of frames, met in groups of equal length.

    Args:
        starts: First frame of every piece.
        lengths: Frames of every piece.
    """

    def __init__(self, starts: Sequence[int] | Int64, lengths: Sequence[int] | Int64) -> None:
        self.starts = np.asarray(starts, np.int64)
        self.lengths = np.asarray(lengths, np.int64)

    def __len__(self) -> int:
        return len(self.starts)

    def groups(self) -> Iterator[tuple[Int64, Int64]]:
        """Yield (pieces [n], their frames [n, length]) for every length that occurs."""
        for length in np.unique(self.lengths).tolist():
            pieces = np.flatnonzero(self.lengths == length)
            yield pieces, self.starts[pieces, None] + np.arange(length)


def running_means(logits: Float32, counted: Bool) -> Float64:
    """Return the means of the counted frames so far, as a session takes them.

    Args:
        logits: [n, T, K].
        counted: Which frames count, [n, T].

    Returns:
        float64 [n, T, K]; NaN before the first counted frame.
    """
    sums = np.cumsum(np.where(counted[..., None], logits, 0.0), axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        means: Float64 = sums / np.cumsum(counted, axis=1)[..., None]
    return means


class Scorer:
    """The segments of recorded videos, whose frames are taken as one sequence.

    The running prediction of a segment is the likeliest class of the mean logits executed in it so
    far; before the first of them, of the last frame executed before the segment. That first answer
    to something new is no change, whichever frame it comes on.

    Args:
        videos: At least one.

    Attributes:
        logits: Of every frame, float32 [F, programs, K].
        first: Index of every video's first frame, int64 [V].
        frames: Frames of every video, int64 [V].
        segments: All of them.
        truths: Their classes, int64 [S].
        stretches: Segments and what lies between them.
        showing: Which stretches are segments, bool.
    """

    def __init__(self, videos: Sequence[RecordedVideo]) -> None:
        self.logits = np.concatenate([video.logits for video in videos])
        self.frames = np.array([len(video) for video in videos], np.int64)
        self.first = np.cumsum(self.frames) - self.frames
        placed = np.array(
            [
                (first + segment.start, segment.length, segment.truth)
                for first, video in zip(self.first, videos, strict=True)
                for segment in video.layout.segments
            ],
            np.int64,
        )
        starts, lengths, self.truths = placed.T
        self.segments = Spans(starts, lengths)
        begins = np.concatenate(
            [
                first + np.array(video.layout.stretches, np.int64)
                for first, video in zip(self.first, videos, strict=True)
            ]
        )
        self.stretches = Spans(begins, np.diff([*begins, len(self.logits)]))
        self.showing = np.isin(begins, starts)

    def score(self, ran: Int64) -> Score:
        """Score what ran.

        Args:
            ran: Program of every frame, or ``SKIPPED``; int64 [F]. Before the end of the first
                segment of a video there is a frame that one ran on.
        """
        executed = ran != SKIPPED
        chosen = self.logits[np.arange(len(ran)), np.maximum(ran, 0)]
        last = np.maximum.accumulate(np.where(executed, np.arange(len(ran)), -1))
        hits = np.zeros(len(self.segments), np.bool_)
        changes = np.zeros(len(self.segments), np.int64)
        for pieces, frames in self.segments.groups():
            means = running_means(chosen[frames], executed[frames])
            before = np.argmax(chosen[last[frames[:, 0]]], axis=-1)
            started = np.cumsum(executed[frames], axis=1) > 0
            guesses = np.where(started, np.argmax(means, axis=-1), before[:, None])
            hits[pieces] = guesses[:, -1] == self.truths[pieces]
            changed = guesses[:, 1:] != guesses[:, :-1]
            changes[pieces] = (changed & started[:, :-1]).sum(axis=1)
        return Score(hits, changes)

    def video_sums(self, values: Float64 | Int64 | Bool) -> Float64:
        """Return the sums over every video's frames of one value a frame, float64 [V]."""
        return np.add.reduceat(np.asarray(values, np.float64), self.first)
