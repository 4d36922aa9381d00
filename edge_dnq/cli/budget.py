"""Options of a budget, and the picker that holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edge_dnq.budget import WINDOW, WINDOW_MS, Budget, BudgetPicker, default_window
from edge_dnq.cost_model import step_costs
from edge_dnq.errors import EdgeDnqError
from edge_dnq.policy import LearnedPicker
from edge_dnq.profiling.lookup import Lookup
from edge_dnq.profiling.measure import quick_costs
from edge_dnq.session import Session

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option(
        "--budget-ms",
        type=click.FloatRange(min=0, min_open=True),
        metavar="MS",
        help="Hold the mean time of a frame, policy included.",
    ),
    click.option(
        "--fps",
        type=click.FloatRange(min=0, min_open=True),
        metavar="FPS",
        help="Hold so many frames per second, decoding and drawing included.",
    ),
    click.option(
        "--cost",
        type=click.FloatRange(min=0, min_open=True),
        metavar="PART",
        help="Hold the mean cost by the cost table, in parts of w8a8 for every frame.",
    ),
    click.option(
        "--deadline-ms",
        type=click.FloatRange(min=0, min_open=True),
        metavar="MS",
        help="Choose nothing that takes longer, 19 times in 20, while anything fits.",
    ),
    click.option(
        "--window",
        type=click.IntRange(min=1),
        metavar="FRAMES",
        help=f"Hold the budget over so many frames.  [default: {WINDOW}; where frames lie ready, "
        f"{WINDOW_MS / 1e3:g} seconds of steps if that is more]",
    ),
)


def budget_options(command: Command) -> Command:
    """Add the options of a budget to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def wanted_budget(budget_ms: float | None, fps: float | None, cost: float | None) -> Budget | None:
    """Return the budget that the options ask for.

    Raises:
        EdgeDnqError: they ask for several.
    """
    asked = [
        budget
        for budget in (
            Budget("ms", budget_ms) if budget_ms is not None else None,
            Budget("fps", fps) if fps is not None else None,
            Budget("cost", cost) if cost is not None else None,
        )
        if budget is not None
    ]
    if len(asked) > 1:
        raise EdgeDnqError(
            "--budget-ms, --fps and --cost are three ways to say one thing: take one"
        )
    return asked[0] if asked else None


def hold_budget(
    session: Session,
    lookup: Lookup,
    budget: Budget | None,
    deadline_ms: float | None,
    window: int | None = None,
    *,
    paced: bool = True,
    movable: bool = False,
) -> BudgetPicker | None:
    """Let ``session`` hold a budget, a deadline, or both.

    Args:
        session: Of the learned policy.
        lookup: Costs found for it; without any it is measured for a moment.
        budget: The budget.
        deadline_ms: The deadline.
        window: Frames that the budget is held over; None chooses.
        paced: Whether steps wait for their frames.
        movable: Whether one may be asked for later, so that the learned policy is to be ready.

    Returns:
        The session's new picker; None where nothing was asked for.

    Raises:
        EdgeDnqError: the session's policy is not the learned one.
    """
    learned = isinstance(session.picker, LearnedPicker)
    if budget is None and deadline_ms is None and not (movable and learned):
        return None
    if not learned:
        raise EdgeDnqError("a budget or a deadline needs --policy learned: others have no choice")
    manifest = session.bundle.manifest
    costs = lookup.costs or quick_costs(session)
    begin = step_costs(manifest, costs)
    picker = BudgetPicker(
        manifest.actions,
        begin,
        budget,
        deadline_ms=deadline_ms,
        window=window or default_window(budget, paced=paced),
    )
    session.picker = picker
    if budget is not None and budget.unit != "fps":
        least = picker.least_ms if budget.unit == "ms" else picker.least_ms / begin.reference_ms
        if budget.value < least:
            click.echo(
                f"note: {budget} is out of reach: the cheapest action takes {least:.3g}",
                err=True,
            )
    return picker
