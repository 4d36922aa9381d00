"""Rivals that look at something without having learned: cascade, early exit, change of the picture.

*Cascade*: on every frame ever dearer programs run until one is confident of its answer.

*Early exit*: one program runs frame by frame until the running prediction is confident; the rest is
skipped. In an untrimmed stream that needs to know where something new begins. Nobody tells a policy
that, but these rivals are told, for free, which makes them stronger than they could be in use:
``exit`` begins anew at every border of a stretch, ``exit_told`` is in addition told which stretches
are filler, and skips these entirely.

*On change*: one program runs on a frame that differs enough from the last one it ran on, by the
mean absolute difference of the pixels that a policy would see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge_dnq.context import change
from edge_dnq.sweep.recording import RecordedVideo
from edge_dnq.sweep.scoring import Scorer, running_means
from edge_dnq.sweep.walking import SKIPPED

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

CASCADE_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the cheapest program's confidence: the cascade's thresholds."""

CHANGE_QUANTILES = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.85, 0.92, 0.97)
"""Of the change from frame to frame: the thresholds of running on change."""

EXIT_QUANTILES = (0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)
"""Of the running confidence: the thresholds of early exit."""


@dataclass(frozen=True)
class Rival:
    """What a rival did on F frames.

    Attributes:
        family: ``cascade``, ``exit`` or ``exit_told``.
        key: Its place in the family, the same for any bundle and any videos.
        policy: Its description.
        threshold: Softmax probability of the likeliest class that it takes for confident, or the
            change of the picture in 0..1 that it takes for news.
        ran: Program whose logits count, or ``SKIPPED``; int64 [F].
        runs: Runs of every program in order of its logits, bool [programs, F].
    """

    family: str
    key: str
    policy: str
    threshold: float
    ran: Int64
    runs: NDArray[np.bool_]


def on_change(
    videos: Sequence[RecordedVideo], scorer: Scorer, programs: Sequence[str]
) -> Iterator[Rival]:
    """Yield every program run on change; none where no policy says at which size to look.

    Args:
        videos: Of the scorer.
        scorer: The frames.
        programs: Names of the programs.
    """
    pictures = [video.policy_frames for video in videos]
    if any(frames is None for frames in pictures):
        return
    seen = [frames for frames in pictures if frames is not None]
    steps = [change(b, a) for frames in seen for a, b in pairwise(frames)]
    for quantile in CHANGE_QUANTILES if steps else ():
        threshold = float(np.quantile(steps, quantile))
        news = np.concatenate([changed(frames, threshold) for frames in seen])
        for program, name in enumerate(programs):
            runs = np.zeros((len(programs), len(news)), np.bool_)
            runs[program] = news
            ran = np.where(news, program, SKIPPED)
            policy = f"{name} on change of {threshold:.3g}"
            yield Rival("change", f"{name} {quantile:g}", policy, threshold, ran, runs)


def changed(frames: NDArray[np.uint8], threshold: float) -> NDArray[np.bool_]:
    """Return which frames differ by more than ``threshold`` from the last such one before; [T]."""
    news = np.zeros(len(frames), np.bool_)
    last: NDArray[np.uint8] | None = None
    for place, frame in enumerate(frames):
        if change(frame, last) > threshold or last is None:
            news[place], last = True, frame
    return news


def confidence(logits: NDArray[np.floating]) -> Float64:
    """Return the softmax probability of the likeliest class along the last axis."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    likeliest: Float64 = 1.0 / np.exp(shifted).sum(-1)
    return likeliest


def cascades(scorer: Scorer, order: Sequence[int]) -> Iterator[Rival]:
    """Yield cascades over all programs; none where there is one program.

    Args:
        scorer: The frames.
        order: Programs by cost, the cheapest first.
    """
    if len(order) < 2:
        return
    sure = confidence(scorer.logits)
    for quantile in CASCADE_QUANTILES:
        threshold = float(np.quantile(sure[:, order[0]], quantile))
        ran, runs = cascade(sure, order, threshold)
        name = f"cascade at {threshold:.3g}"
        yield Rival("cascade", f"{quantile:g}", name, threshold, ran, runs)


def cascade(
    sure: Float64, order: Sequence[int], threshold: float
) -> tuple[Int64, NDArray[np.bool_]]:
    """Return which program answers every frame [F], and which ones ran on it [programs, F].

    Args:
        sure: Confidence of every program, [F, programs].
        order: Programs by cost, the cheapest first; the last one always answers.
        threshold: Confidence that is enough.
    """
    ran = np.full(len(sure), order[-1], np.int64)
    runs = np.zeros(sure.shape[::-1], np.bool_)
    waiting = np.ones(len(sure), np.bool_)
    for program in order:
        runs[program] = waiting
        done = waiting & (sure[:, program] >= threshold)
        ran[done] = program
        waiting = waiting & ~done
    return ran, runs


def exits(scorer: Scorer, programs: Sequence[str]) -> Iterator[Rival]:
    """Yield early exits of every program.

    Args:
        scorer: The frames.
        programs: Names of the programs.
    """
    trimmed = bool(scorer.showing.all())
    shown = np.repeat(scorer.showing, scorer.stretches.lengths)
    for program, name in enumerate(programs):
        sure = running_confidence(scorer, program)
        for quantile in EXIT_QUANTILES:
            threshold = float(np.quantile(sure[shown], quantile))
            open_frames = before_exit(scorer, sure, threshold)
            for family in ("exit",) if trimmed else ("exit", "exit_told"):
                runs = np.zeros((len(programs), len(sure)), np.bool_)
                runs[program] = open_frames if family == "exit" else open_frames & shown
                yield Rival(
                    family,
                    f"{name} {quantile:g}",
                    f"{name} until {threshold:.3g}" + (", told" if family == "exit_told" else ""),
                    threshold,
                    np.where(runs[program], program, SKIPPED),
                    runs,
                )


def running_confidence(scorer: Scorer, program: int) -> Float64:
    """Return the confidence of the mean logits of a stretch so far, all its frames run; [F]."""
    sure = np.zeros(len(scorer.logits))
    for _, frames in scorer.stretches.groups():
        everything = np.ones(frames.shape, np.bool_)
        sure[frames] = confidence(running_means(scorer.logits[frames, program], everything))
    return sure


def before_exit(scorer: Scorer, sure: Float64, threshold: float) -> NDArray[np.bool_]:
    """Return the frames of every stretch up to the first confident one, bool [F]."""
    running = np.zeros(len(sure), np.bool_)
    for _, frames in scorer.stretches.groups():
        confident = np.maximum.accumulate(sure[frames] >= threshold, axis=1)
        running[frames[:, 0]] = True
        running[frames[:, 1:]] = ~confident[:, :-1]
    return running
