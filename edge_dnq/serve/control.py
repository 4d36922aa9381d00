"""The budget as something to move while the loop runs."""

from __future__ import annotations

from dataclasses import dataclass

from edge_dnq.budget import Budget, BudgetPicker

UNITS = {"ms": "ms per frame", "fps": "frames per second", "cost": "of the reference's cost"}
ROOM = 0.1
"""How far the range goes beyond the cheapest and the dearest action, as a fraction."""


@dataclass(frozen=True)
class ControlState:
    """The controller as a page shows it.

    Attributes:
        unit: What targets are in, for people.
        target: What is to be held; None where nothing is.
        held: What the last frames had.
        low: Smallest target that makes sense.
        high: Largest.
        bias: The price of time, lambda.
    """

    unit: str
    target: float | None
    held: float | None
    low: float
    high: float
    bias: float


class BudgetControl:
    """Moves the budget of a picker; safe to use from a thread other than the loop's.

    Args:
        picker: The picker. Where it has no budget yet, targets are milliseconds.
    """

    def __init__(self, picker: BudgetPicker) -> None:
        self._picker = picker
        self._unit = picker.budget.unit if picker.budget is not None else "ms"
        self._table = picker.costs.relative()

    def state(self) -> ControlState:
        """Return the controller's present state."""
        budget, held = self._picker.budget, self._picker.held
        low, high = self._range()
        target = None if budget is None else budget.value
        if target is not None:
            low, high = min(low, target), max(high, target)
        value = None if held is None else held.value
        return ControlState(UNITS[self._unit], target, value, low, high, self._picker.cost_bias)

    def _range(self) -> tuple[float, float]:
        """Return what the cheapest and the dearest action would give now, and a little more.

        Costs are those of the table, whatever the device does; durations follow it.
        """
        costs = self._table if self._unit == "cost" else self._picker.costs.relative()
        least, most = float(costs.min()), float(costs.max())
        low, high = least * (1 - ROOM), most * (1 + ROOM)
        if self._unit != "cost":
            reference_ms = self._picker.least_ms / least
            low, high = low * reference_ms, high * reference_ms
        return (1e3 / high, 1e3 / low) if self._unit == "fps" else (low, high)

    def aim(self, target: float | None) -> None:
        """Hold another target from the next frame on; None holds nothing.

        Raises:
            EdgeDnqError: it is not a positive number.
        """
        self._picker.budget = None if target is None else Budget(self._unit, target)
