"""A device that is only numbers: a policy's logits, and what each action takes.

Everything is drawn from a seed, so that a controller can be judged by exact repetition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.budget import BudgetPicker
from edge_dnq.cost_model import StepCosts
from edge_dnq.manifest import ActionSpec

ACTIONS = (
    ActionSpec(name="w8a8", program="w8a8"),
    ActionSpec(name="w4a4", program="w4a4"),
    ActionSpec(name="w2a2", program="w2a2"),
    ActionSpec(name="skip", skip=1),
)
LONG_SKIP = (*ACTIONS, ActionSpec(name="skip4", skip=4))

FIRST_MS = {"w8a8": 22.0, "w4a4": 13.0, "w2a2": 8.0, "skip": 2.0, "skip4": 2.0}
HELD_MS = 0.1
REFERENCE_MS = 21.0

TASTE = {"w8a8": 0.0, "w4a4": 0.6, "w2a2": 0.0, "skip": -0.6, "skip4": -1.4}
SLOPE = {"w8a8": 3.0, "w4a4": 1.0, "w2a2": -1.0, "skip": -3.0, "skip4": -4.0}
"""Logits of a frame: TASTE + SLOPE * how hard it is, a number around 0."""

Speed = Callable[[int], float]


def device_costs(actions: tuple[ActionSpec, ...] = ACTIONS, tail: float = 1.2) -> StepCosts:
    """Return what a cost table of the device says."""
    return StepCosts(
        tuple(FIRST_MS[action.name] for action in actions),
        tuple(action.frames for action in actions),
        HELD_MS,
        REFERENCE_MS,
        tail,
    )


@dataclass(frozen=True)
class Trace:
    """What happened, one entry per frame: ms of the step, lambda after it, action decided (-1 where
    a skip holds the frame), target."""

    latency_ms: NDArray[np.float64]
    cost_bias: NDArray[np.float64]
    highest: NDArray[np.float64]
    action: NDArray[np.int64]

    def window_means(self, window: int) -> NDArray[np.float64]:
        """Return the mean latency of every window, by its last frame; shorter ones left out."""
        sums = np.cumsum(np.concatenate([[0.0], self.latency_ms]))
        means: NDArray[np.float64] = (sums[window:] - sums[:-window]) / window
        return means


class SimulatedDevice:
    """Frames of a video and what a picker's choices take.

    Args:
        speed: How many times longer steps take at a frame than in the cost table.
        noise: Deviation of the logarithm of a step's duration.
        spikes: Share of the steps that something else interrupts, for 5 times their duration.
        memory: How alike successive frames are, 0..1; 1 gives the same frame for ever.
        actions: The bundle's.
        seed: Of everything drawn.
    """

    def __init__(
        self,
        speed: Speed = lambda frame: 1.0,
        *,
        noise: float = 0.05,
        spikes: float = 0.0,
        memory: float = 0.9,
        actions: tuple[ActionSpec, ...] = ACTIONS,
        seed: int = 0,
    ) -> None:
        self._speed, self._noise, self._spikes, self._memory = speed, noise, spikes, memory
        self.actions = actions
        self._random = np.random.default_rng(seed)
        self._hardness = 0.3
        self._taste = np.array([TASTE[action.name] for action in actions])
        self._slope = np.array([SLOPE[action.name] for action in actions])
        self._first = [FIRST_MS[action.name] for action in actions]

    def logits(self) -> NDArray[np.float32]:
        """Return the logits of the next frame."""
        fresh = self._random.normal()
        spread = (1 - self._memory**2) ** 0.5
        self._hardness = self._memory * self._hardness + spread * fresh
        return (self._taste + self._slope * self._hardness).astype(np.float32)

    def duration(self, frame: int, action: int) -> float:
        """Return what a decided frame takes."""
        factor = float(np.exp(self._noise * self._random.normal() - self._noise**2 / 2))
        if self._random.random() < self._spikes:
            factor *= 5
        return self._first[action] * self._speed(frame) * factor

    def run(self, picker: BudgetPicker, frames: int) -> Trace:
        """Give so many frames to ``picker``."""
        allowed = np.ones(len(self.actions), np.bool_)
        programs = np.array([action.program is not None for action in self.actions])
        rows: list[tuple[float, float, float, int]] = []
        held = 0
        for frame in range(frames):
            if held:
                held -= 1
                latency, action = HELD_MS * self._speed(frame), -1
                picker.observe(None, latency)
            else:
                action = picker.pick(self.logits(), allowed if rows else programs)
                latency = self.duration(frame, action)
                picker.observe(action, latency)
                held = max(0, self.actions[action].skip - 1)
            rows.append((latency, picker.cost_bias, picker.highest, action))
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        return Trace(columns[0], columns[1], columns[2], columns[3])
