"""Measuring steps on this device, every action in turns with the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_dnq.manifest import ActionSpec
from edge_dnq.policy import Allowed, Logits
from edge_dnq.profiling.sensors import Sensors
from edge_dnq.profiling.table import Cost, Interval, ThreadCosts
from edge_dnq.session import POLICY, Session, StepResult

UInt8 = NDArray[np.uint8]
Told = Callable[[float], None]

BLOCK = 8
"""Frames of one action in a row. Policies stay with an action for some frames as well; changing it
with every frame would measure caches that no policy leaves behind."""

FEWEST_RUNS = 16
FRAMES = 4
QUICK_SECONDS = 0.3
QUICK_RUNS = 4
QUICK_FRAME = (480, 640)
INTERVAL_SECONDS = 2.0


class Rota:
    """Picks the action it is told to; its allowance is checked by nobody but the session."""

    def __init__(self, actions: Sequence[ActionSpec], *, needs_policy: bool) -> None:
        self.needs_policy = needs_policy
        self.action = 0
        self._first = next(i for i, action in enumerate(actions) if action.program is not None)

    def pick(self, logits: Logits | None, allowed: Allowed) -> int:
        """Return the action; a program where a video must begin with one."""
        return self.action if allowed[self.action] else self._first

    def reset(self) -> None:
        """Nothing is remembered."""


def source_frames(height: int, width: int) -> list[UInt8]:
    """Return frames to measure with; integer programs take the same time for any content."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (height, width, 3), np.uint8) for _ in range(FRAMES)]


class _Bench:
    """One session and the durations of its steps."""

    def __init__(self, session: Session, frames: Sequence[UInt8]) -> None:
        self.session = session
        self._frames = frames
        manifest = session.bundle.manifest
        self._actions = manifest.actions
        self._rota = Rota(manifest.actions, needs_policy=POLICY in session.kernels)
        session.picker = self._rota
        self._turn = 0
        self.clear()
        session.step(frames[0])

    def clear(self) -> None:
        self._steps: dict[str, list[StepResult]] = {action.name: [] for action in self._actions}
        self._held: list[StepResult] = []

    def round(self) -> None:
        """Run a block of every action, beginning with another one each time."""
        order = range(len(self._actions))
        for index in [*order[self._turn :], *order[: self._turn]]:
            self.block(index, keep=True)
        self._turn = (self._turn + 1) % len(self._actions)

    def block(self, index: int, *, keep: bool) -> None:
        action = self._actions[index]
        self._rota.action = index
        for position in range(BLOCK):
            step = self.session.step(self._frames[position % len(self._frames)])
            held = [self.session.step(self._frames[0]) for _ in range(action.skip - 1)]
            if keep:
                self._steps[action.name].append(step)
                self._held += held

    @property
    def fewest(self) -> int:
        return min(len(steps) for steps in self._steps.values())

    def medians(self) -> dict[str, float]:
        return {name: _median(_latencies(steps)) for name, steps in self._steps.items()}

    def costs(self) -> ThreadCosts:
        actions = {action.name: action for action in self._actions}
        looks = self._rota.needs_policy
        every = [
            step
            for name, steps in self._steps.items()
            if looks or actions[name].program is not None  # else nothing looks at the frame
            for step in steps
        ]
        programs: dict[str, list[float]] = {}
        for name, steps in self._steps.items():
            program = actions[name].program
            if program is not None:
                programs.setdefault(program, []).extend(step.program_ms for step in steps)
        policy = [step.policy_ms for step in every] if looks else []
        rest = [step.latency_ms - step.policy_ms - step.program_ms for step in every]
        return ThreadCosts(
            threads=self.session.threads,
            frame=_cost(rest),
            policy=_cost(policy) if policy else None,
            programs={name: _cost(values) for name, values in programs.items()},
            actions={name: _cost(_latencies(steps)) for name, steps in self._steps.items()},
            held=_cost(_latencies(self._held)) if self._held else None,
        )


def measure(
    sessions: Sequence[Session],
    frames: Sequence[UInt8],
    seconds: float,
    fewest: int = FEWEST_RUNS,
    told: Told | None = None,
) -> list[ThreadCosts]:
    """Measure sessions that differ in their threads, in turns.

    Their pickers are exchanged and not put back.

    Args:
        sessions: Made for a policy where the bundle has one.
        frames: Frames to give to them.
        seconds: How long at least, for each session.
        fewest: Runs of every action at least.
        told: Told the fraction done.

    Returns:
        The costs of each session.
    """
    benches = [_Bench(session, frames) for session in sessions]
    for bench in benches:
        bench.round()
        bench.clear()
    started = perf_counter()
    total = seconds * len(benches)
    while True:
        for bench in benches:
            # The first steps after another session find its programs in the caches.
            bench.block(0, keep=False)
            bench.round()
        spent = perf_counter() - started
        done = min(spent / total, min(bench.fewest for bench in benches) / fewest)
        if told is not None:
            told(min(1.0, done))
        if done >= 1:
            return [bench.costs() for bench in benches]


def quick_costs(session: Session) -> ThreadCosts:
    """Measure a session for a moment, where no table holds; its picker stays as it was."""
    picker = session.picker
    try:
        (costs,) = measure([session], source_frames(*QUICK_FRAME), QUICK_SECONDS, QUICK_RUNS)
    finally:
        session.picker = picker
    return costs


def measure_sustained(
    session: Session, frames: Sequence[UInt8], seconds: float, told: Told | None = None
) -> tuple[Interval, ...]:
    """Work without a pause and watch durations, temperature and frequency.

    Args:
        session: As for :func:`measure`.
        frames: Frames to give to it.
        seconds: How long.
        told: Told the fraction done.
    """
    bench, sensors = _Bench(session, frames), Sensors()
    intervals: list[Interval] = []
    started = begun = perf_counter()
    while begun - started < seconds:
        bench.round()
        now = perf_counter()
        if now - begun < min(INTERVAL_SECONDS, seconds):
            continue
        reading = sensors.read()
        intervals.append(
            Interval(
                time_s=now - started,
                median_ms=bench.medians(),
                celsius=reading.celsius,
                megahertz=reading.megahertz,
            )
        )
        bench.clear()
        begun = now
        if told is not None:
            told(min(1.0, (now - started) / seconds))
    return tuple(intervals)


def _latencies(steps: Sequence[StepResult]) -> list[float]:
    return [step.latency_ms for step in steps]


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _cost(values: Sequence[float]) -> Cost:
    median, p95 = np.percentile(values, (50, 95))
    return Cost(
        mean_ms=float(np.mean(values)),
        median_ms=float(median),
        p95_ms=float(p95),
        runs=len(values),
    )
