"""What steps cost: at first by a cost table, then as the device is seen to take them."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.manifest import Manifest
from edge_dnq.profiling.table import ThreadCosts, decided_ms, held_ms, reference_program

FOLLOW = 32.0
"""Times within a window that the costs follow a change of the device's speed."""

SPIKE = 4.0
"""A step that takes more than so many times what is expected moves the costs no further."""

TAIL_WINDOW = 128
FEWEST_FOR_TAIL = 32
"""Steps after which the spread seen replaces the cost table's."""


@dataclass(frozen=True)
class StepCosts:
    """What steps cost before anything was observed.

    Attributes:
        first_ms: A decided frame, by action, policy included.
        lengths: Frames that the action decides about.
        held_ms: A frame held by a longer skip.
        reference_ms: A frame of the reference program, without a policy.
        tail: 95th percentile of a step over its typical duration.
    """

    first_ms: tuple[float, ...]
    lengths: tuple[int, ...]
    held_ms: float
    reference_ms: float
    tail: float


def step_costs(manifest: Manifest, costs: ThreadCosts) -> StepCosts:
    """Return the costs that a picker begins with."""
    actions = costs.actions.values()
    reference = costs.programs[reference_program(manifest)].median_ms
    return StepCosts(
        decided_ms(manifest, costs, policy=True),
        tuple(action.frames for action in manifest.actions),
        held_ms(costs),
        costs.frame.median_ms + reference,
        max((cost.p95_ms / cost.median_ms for cost in actions), default=1.0),
    )


class CostModel:
    """Costs that follow what steps take.

    Args:
        costs: What they begin with.
        window: Frames within which they follow.
    """

    def __init__(self, costs: StepCosts, window: int) -> None:
        self._first = list(costs.first_ms)
        self._lengths = costs.lengths
        self._held = costs.held_ms
        self._reference = costs.reference_ms
        self._slowdown = 1.0
        self._fast, self._slow = min(1.0, FOLLOW / window), min(1.0, 2 / window)
        self._tail = costs.tail
        self._ratios: deque[float] = deque()
        self._sorted: list[float] = []

    @property
    def slowdown(self) -> float:
        """How many times longer steps take now than at first."""
        return self._slowdown

    def first_ms(self, action: int) -> float:
        """Return the mean duration, now, of a frame decided so."""
        return self._first[action] * self._slowdown

    def high_ms(self, action: int) -> float:
        """Return the duration that 19 of 20 such frames do not exceed now."""
        return self.first_ms(action) * self._tail

    def relative(self) -> NDArray[np.float64]:
        """Return the costs per frame now, [A], in reference frames as they were at first."""
        held, slowdown = self._held, self._slowdown
        return np.array(
            [
                (first + (length - 1) * held) / length * slowdown / self._reference
                for first, length in zip(self._first, self._lengths, strict=True)
            ]
        )

    def observe(self, action: int, latency_ms: float) -> None:
        """Take the duration of a frame that was decided so."""
        expected = self.first_ms(action)
        if expected <= 0:
            return
        self._note_ratio(latency_ms / expected)
        latency = min(latency_ms, SPIKE * expected)
        self._slowdown += self._fast * (latency / self._first[action] - self._slowdown)
        own = latency / self._slowdown
        self._first[action] += self._slow * (own - self._first[action])

    def _note_ratio(self, ratio: float) -> None:
        insort(self._sorted, ratio)
        self._ratios.append(ratio)
        if len(self._ratios) > TAIL_WINDOW:
            del self._sorted[bisect_left(self._sorted, self._ratios.popleft())]
        count = len(self._sorted)
        if count >= FEWEST_FOR_TAIL:
            self._tail = self._sorted[math.ceil(0.95 * count) - 1]
