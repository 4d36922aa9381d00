"""Holding a budget: the price of time that a policy's logits are weighed against.

The action of a frame is ``argmax_a(logit_a - lambda * cost_a)``. With costs relative to the
reference program, lambda is a price: logits per frame of that program. The least price that keeps
the mean cost at the budget is the multiplier of the problem "the best actions whose mean cost is at
most the budget", and :class:`BudgetPicker` finds it by projected dual ascent::

    balance <- clip(balance + gain * scale / window * (cost of the frame / budget - 1),
                    -credit * scale, highest + debt * scale)
    lambda = max(0, balance)

``scale`` is the price at which cheap actions win every recent frame, ``highest`` the one at which
the cheapest do.

This is integral control, which needs no model of the policy: as the mean cost falls with lambda, it
settles for any gain that does not cross the whole range within a few frames. Between two visits of
the limits the sum of the errors is exactly the change of the balance over the step size: the mean
over a window differs from the budget by ``(change of the balance / scale) / gain``, whatever the
frames show. That is at most ``(1 + credit) / gain``, 6 %, while lambda stays within the scale.

- **Few actions.** Where a video keeps giving the same logits, the mean cost is a step function of
  lambda and no constant price meets a budget between two steps. Lambda then rests at the step and
  crosses it to and fro within some frames: the two actions take turns in the proportion that the
  budget asks for, as in a sigma-delta modulator.
- **No price below 0, where it is the learned policy bit for bit.** A negative one would pay for
  precision that the policy did not ask for. The budget is a ceiling: a policy that costs less keeps
  to itself.
- **A little credit.** What easy frames leave of the budget, the hard ones soon after may spend; a
  controller that forgets it at once stays below a budget it could use. The credit is bounded, so
  that an idle hour does not pay for a minute above the budget.
- **No windup.** Where the cheapest actions win every frame a higher price changes nothing now and
  has to be undone later. Above the range the balance therefore goes no further than what makes up,
  within a window, for a step that the system interrupted.
- **Costs follow the device.** They begin with a cost table; what steps take moves them, by a factor
  that all actions share (throttling, load: it shows on any action) and by a slower one for each.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_dnq.cost_model import FOLLOW, CostModel, StepCosts
from edge_dnq.errors import EdgeDnqError
from edge_dnq.manifest import ActionSpec
from edge_dnq.policy import Allowed, Logits

WINDOW = 256
"""Frames that a budget is held over, ten seconds of a camera."""

WINDOW_MS = 2000.0
"""Where steps follow each other without a pause, a window has so many milliseconds at least. Where
others want the processor, too, the system interrupts for 4 to 50 of them at a time; nothing keeps
means within 5 % that one interruption moves by more."""

LONGEST_WINDOW = 1 << 14
"""Frames: the window's durations are kept."""

GAIN = 32.0
"""Times lambda would cross its range within a window at an error of the whole budget. The higher,
the closer every window is held, and the less the price is the same for the frames in it."""

CREDIT = 1.0
"""How far the balance may fall below 0, in scales: 1/32 of a window's budget."""

DEBT = 8.0
"""How far the balance may rise above the range, in scales: a quarter of a window's budget. A step
that something interrupted is made up for within the window; a stall is not held against the next
minute."""

FORGET = 4.0
"""Times within a window that a high price is forgotten."""

ALIKE = 0.15
"""Actions whose costs are this near to the cheapest, in reference frames, are cheap. A scale that
told a skip of one frame from one of four would be far too coarse for everything else."""

DISTINCT = 0.01
"""Costs that differ by less are not told apart by any price."""

LEAST_SHARE = 0.05
"""Of the frame period, left for steps where decoding and drawing take all of it."""


Unit = Literal["ms", "fps", "cost"]


@dataclass(frozen=True)
class Budget:
    """What to hold.

    Attributes:
        unit: ``ms``, the mean duration of a step; ``fps``, frames per second with all that happens
            between steps; ``cost``, the mean cost by the cost table, in reference frames.
        value: Of that unit.
    """

    unit: Unit
    value: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise EdgeDnqError(f"a budget must be a positive number, got {self.value:g}")

    def __str__(self) -> str:
        unit = {"ms": " ms per frame", "fps": " frames per second", "cost": " of the reference"}
        return f"{self.value:.4g}{unit[self.unit]}"


def default_window(budget: Budget | None, *, paced: bool) -> int:
    """Return over how many frames to hold ``budget`` where nobody says.

    Args:
        budget: The budget.
        paced: Whether steps wait for their frames, as with a camera. What is a second of steps
            there may be minutes.
    """
    if paced or budget is None or budget.unit == "cost":
        return WINDOW
    frame_ms = budget.value if budget.unit == "ms" else 1e3 / budget.value
    return int(min(max(WINDOW, WINDOW_MS / frame_ms), LONGEST_WINDOW))


class PriceRange:
    """The prices that make a difference to recent frames.

    Args:
        window: High prices are forgotten within part of it.

    Attributes:
        scale: Where cheap actions win all of them.
        highest: Where the cheapest do.
    """

    def __init__(self, window: int) -> None:
        self._release = min(1.0, FORGET / window)
        self.scale = self.highest = 0.0

    def note(self, logits: Logits, costs: NDArray[np.float64]) -> None:
        """Take a frame's logits and the costs of its actions, each [A]."""
        values, least = logits.tolist(), costs.tolist()
        self.scale = self._held(self.scale, deciding_price(values, least, ALIKE))
        self.highest = max(
            self.scale, self._held(self.highest, deciding_price(values, least, DISTINCT))
        )

    def _held(self, before: float, price: float) -> float:
        return max(price, before + self._release * (price - before))


def deciding_price(logits: Sequence[float], costs: Sequence[float], alike: float = ALIKE) -> float:
    """Return the price from which on one of the cheapest actions wins a frame.

    Args:
        logits: Of the frame's actions.
        costs: Of the actions, in reference frames.
        alike: Costs this near to the lowest count as the cheapest.
    """
    limit = min(costs) + alike
    rival_logit, rival_cost = max(
        (logit, -cost) for logit, cost in zip(logits, costs, strict=True) if cost <= limit
    )
    gaps = (
        (logit - rival_logit) / max(cost + rival_cost, DISTINCT)
        for logit, cost in zip(logits, costs, strict=True)
        if cost > limit and logit > rival_logit
    )
    return max(gaps, default=0.0)


class BudgetPicker:
    """The learned policy at the price that holds a budget, within a deadline.

    A reset keeps the price and the costs: the device is the same for the next video.

    Args:
        actions: The bundle's actions.
        costs: What they cost, to begin with.
        budget: What to hold; None leaves the price at 0.
        deadline_ms: No action is chosen whose 95th percentile is above, while one is not.
        window: Frames that the budget is held over.

    Attributes:
        budget: May be changed at any time, from another thread too.
        costs: Costs as they are now.
        deadline_ms: As given.
        window: As given.
    """

    needs_policy = True

    def __init__(
        self,
        actions: Sequence[ActionSpec],
        costs: StepCosts,
        budget: Budget | None,
        *,
        deadline_ms: float | None = None,
        window: int = WINDOW,
    ) -> None:
        if window < 1:
            raise EdgeDnqError(f"the window must have at least 1 frame, got {window}")
        if deadline_ms is not None and not (math.isfinite(deadline_ms) and deadline_ms > 0):
            raise EdgeDnqError(f"a deadline must be positive, got {deadline_ms:g}")
        if len(actions) != len(costs.first_ms):
            raise EdgeDnqError(f"{len(actions)} actions have {len(costs.first_ms)} costs")
        self.budget = budget
        self.costs = CostModel(costs, window)
        self.deadline_ms = deadline_ms
        self.window = window
        self._reference_ms = costs.reference_ms
        self._range = PriceRange(window)
        self._balance = 0.0
        self._table = self.costs.relative()
        self._table_held = costs.held_ms / costs.reference_ms
        self._lengths = costs.lengths
        self._outside_ms: float | None = None
        self._spent: deque[float] = deque(maxlen=window)
        self._spent_unit = budget.unit if budget is not None else None

    @property
    def held(self) -> Budget | None:
        """What the last window really had, in the budget's unit; None before there is any."""
        budget, spent = self.budget, tuple(self._spent)
        if budget is None or not spent or self._spent_unit != budget.unit or sum(spent) <= 0:
            return None
        mean = sum(spent) / len(spent)
        if budget.unit == "fps":
            mean = 1e3 / (mean + (self._outside_ms or 0.0))
        return Budget(budget.unit, mean)

    @property
    def least_ms(self) -> float:
        """The mean duration of a frame, now, if only the cheapest action were chosen."""
        return float(self.costs.relative().min()) * self._reference_ms

    @property
    def cost_bias(self) -> float:
        """The price, lambda; 0 while there is no budget."""
        return max(0.0, self._balance) if self.budget is not None else 0.0

    @property
    def highest(self) -> float:
        """The highest price that makes a difference now."""
        return self._range.highest

    @property
    def target_ms(self) -> float | None:
        """The mean duration of a step that is held; None without a budget or where it is a cost."""
        budget = self.budget
        if budget is None or budget.unit == "cost":
            return None
        if budget.unit == "ms":
            return budget.value
        period = 1e3 / budget.value
        return max(period - (self._outside_ms or 0.0), LEAST_SHARE * period)

    def pick(self, logits: Logits | None, allowed: Allowed) -> int:
        """Return the allowed action that is worth most at the present price."""
        assert logits is not None
        if self.deadline_ms is not None:
            allowed = self._in_time(self.deadline_ms, allowed)
        if self.budget is None:
            return int(np.argmax(np.where(allowed, logits, -np.inf)))
        costs = self._table if self.budget.unit == "cost" else self.costs.relative()
        self._range.note(logits, costs)
        price = self.cost_bias
        scores = logits - price * costs if price else logits
        return int(np.argmax(np.where(allowed, scores, -np.inf)))

    def observe(self, action: int | None, latency_ms: float) -> None:
        """Take what a frame took; move the price."""
        if action is not None:
            self.costs.observe(action, latency_ms)
        budget = self.budget
        if budget is None:
            return
        target = self.target_ms
        spent = latency_ms
        if target is None:
            target, spent = budget.value, self._table_cost(action)
        self._note_spent(budget.unit, spent)
        prices = self._range
        step = GAIN * prices.scale / self.window * (spent / target - 1)
        limit = prices.highest + DEBT * prices.scale
        self._balance = min(max(-CREDIT * prices.scale, self._balance + step), limit)

    def spent_outside(self, milliseconds: float) -> None:
        """Take what passed between two steps, waiting for a camera left out."""
        before = self._outside_ms
        if before is None:
            self._outside_ms = milliseconds
        else:
            self._outside_ms = before + FOLLOW / self.window * (milliseconds - before)

    def reset(self) -> None:
        """Nothing is forgotten between videos."""

    def _note_spent(self, unit: Unit, spent: float) -> None:
        if unit != self._spent_unit:
            self._spent_unit = unit
            self._spent.clear()
        self._spent.append(spent)

    def _table_cost(self, action: int | None) -> float:
        """Return the cost of one frame by the table; the frames of a skip share theirs evenly."""
        if action is None:
            return self._table_held
        length = self._lengths[action]
        return float(self._table[action]) * length - (length - 1) * self._table_held

    def _in_time(self, deadline_ms: float, allowed: Allowed) -> Allowed:
        fitting = [
            bool(may) and self.costs.high_ms(action) <= deadline_ms
            for action, may in enumerate(allowed)
        ]
        if any(fitting):
            return np.array(fitting)
        durations = [
            self.costs.high_ms(action) if may else math.inf for action, may in enumerate(allowed)
        ]
        alone = np.zeros(len(allowed), np.bool_)
        alone[int(np.argmin(durations))] = True
        return alone
