"""A session played over a source, and what is kept of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter, sleep

import numpy as np

from edge_dnq.session import Prediction, Session, StepResult
from edge_dnq.video.frame import Frame

LATENCIES_KEPT = 100_000
"""Percentiles are over the last so many frames; a camera may run for weeks."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame, what was done with it, and the prediction after it."""

    frame: Frame
    step: StepResult
    prediction: Prediction


def in_real_time(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield frames no sooner than their own times say, for who watches."""
    started: float | None = None
    for frame in frames:
        now = perf_counter()
        if started is None:
            started = now - frame.time_s
        if (early := started + frame.time_s - now) > 0:
            sleep(early)
        yield frame


def play(session: Session, source: Iterable[Frame], *, paced: bool = False) -> Iterator[Moment]:
    """Give every frame of ``source`` to ``session``.

    Args:
        session: The session.
        source: The frames.
        paced: Whether the source waits for its frames' time, as cameras do: what it takes to give
            one is then no work.

    Raises:
        SourceError: the source gives no frame, or a damaged one.
    """
    stepped = resumed = None
    for frame in source:
        if session.observer is not None and stepped is not None and resumed is not None:
            session.observer.spent_outside(((resumed if paced else perf_counter()) - stepped) * 1e3)
        step = session.step(frame.image)
        stepped = perf_counter()
        yield Moment(frame, step, session.result())
        resumed = perf_counter()


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What stays of a moment when its pixels are gone.

    Attributes:
        index: The frame's place in the source.
        time_s: Its time in the source.
        action: The action taken.
        latency_ms: Duration of the whole step.
        top1: Likeliest class so far.
        top: The likeliest classes so far and their scores, best first.
    """

    index: int
    time_s: float
    action: str
    latency_ms: float
    top1: str
    top: tuple[tuple[str, float], ...]


def record(moment: Moment) -> FrameRecord:
    """Return the lasting part of ``moment``."""
    frame, step, prediction = moment.frame, moment.step, moment.prediction
    return FrameRecord(
        frame.index,
        frame.time_s,
        step.action,
        step.latency_ms,
        prediction.label,
        tuple(prediction.top),
    )


class Tally:
    """Counts and durations of a run, in bounded memory.

    Args:
        actions: Names of all actions, in the bundle's order.

    Attributes:
        actions: Frames per action.
        action_ms: Time spent per action.
        frames: All frames.
        prediction: The latest one.
    """

    def __init__(self, actions: Sequence[str]) -> None:
        self.actions = dict.fromkeys(actions, 0)
        self.action_ms = dict.fromkeys(actions, 0.0)
        self.frames = 0
        self.prediction: Prediction | None = None
        self._total_ms = 0.0
        self._recent = array("f")

    def add(self, moment: Moment) -> None:
        """Count one moment."""
        self.actions[moment.step.action] += 1
        self.prediction = moment.prediction
        latency = moment.step.latency_ms
        self.action_ms[moment.step.action] += latency
        self._total_ms += latency
        if len(self._recent) < LATENCIES_KEPT:
            self._recent.append(latency)
        else:
            self._recent[self.frames % LATENCIES_KEPT] = latency
        self.frames += 1

    def latency_ms(self) -> dict[str, float]:
        """Return ``mean``, ``p50`` and ``p95`` of the step durations; zeros without frames."""
        if not self.frames:
            return {"mean": 0.0, "p50": 0.0, "p95": 0.0}
        p50, p95 = np.percentile(np.asarray(self._recent), (50, 95))
        return {"mean": self._total_ms / self.frames, "p50": float(p50), "p95": float(p95)}

    def shares(self) -> dict[str, float]:
        """Return the fraction of frames per action."""
        return {name: count / max(1, self.frames) for name, count in self.actions.items()}
