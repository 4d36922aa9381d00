from __future__ import annotations

import json

import numpy as np
import pytest

from edge_dnq.budget import Budget, BudgetPicker
from edge_dnq.cost_model import StepCosts
from edge_dnq.errors import EdgeDnqError
from edge_dnq.manifest import ActionSpec
from edge_dnq.playback import Tally
from edge_dnq.serve.control import BudgetControl
from edge_dnq.serve.feed import Feed
from edge_dnq.serve.metrics import RunMetrics
from edge_dnq.serve.spectators import Spectators, Wanted
from tests.edge_dnq.serve.conftest import LOCAL, STYLES, CountingFeed, Page

ACTIONS = (
    ActionSpec(name="w8a8", program="w8a8"),
    ActionSpec(name="w4a4", program="w4a4"),
    ActionSpec(name="skip", skip=1),
)
COSTS = StepCosts((10.0, 5.0, 1.0), (1, 1, 1), 0.0, 9.0, 1.1)
EVERYTHING = np.ones(3, np.bool_)
LOGITS = np.array([2.0, 1.0, 0.0], np.float32)


def picker(budget: Budget | None = None) -> BudgetPicker:
    return BudgetPicker(ACTIONS, COSTS, budget, window=16)


def drive(driven: BudgetPicker, frames: int) -> float:
    """Run the loop against a device that takes what the costs say; return the mean duration."""
    spent = []
    for _ in range(frames):
        action = driven.pick(LOGITS, EVERYTHING)
        spent.append(COSTS.first_ms[action])
        driven.observe(action, spent[-1])
    return float(np.mean(spent))


@pytest.mark.parametrize(
    ("budget", "low", "high"),
    [
        (None, 0.9, 11.0),
        (Budget("ms", 5), 0.9, 11.0),
        (Budget("ms", 40), 0.9, 40.0),
        (Budget("fps", 200), 1e3 / 11, 1e3 / 0.9),
        (Budget("cost", 0.5), 0.9 / 9, 11 / 9),
    ],
)
def test_the_range_is_what_the_device_can_do(
    budget: Budget | None, low: float, high: float
) -> None:
    state = BudgetControl(picker(budget)).state()
    assert (state.low, state.high) == (pytest.approx(low), pytest.approx(high))
    assert state.target == (None if budget is None else budget.value)


def test_moving_the_target_moves_the_loop() -> None:
    driven = picker()
    control = BudgetControl(driven)
    assert drive(driven, 200) == 10.0, "without a budget the policy has its way"
    for target in (3.0, 8.0, 2.0):
        control.aim(target)
        drive(driven, 200)
        assert drive(driven, 200) == pytest.approx(target, rel=0.05), target
        state = control.state()
        assert driven.held is not None
        assert state.held == driven.held.value
        assert state.bias > 0
    control.aim(None)
    assert drive(driven, 50) == 10.0
    assert control.state().bias == 0


@pytest.mark.parametrize("target", [0.0, -1.0, float("inf"), float("nan")])
def test_what_is_no_budget_is_refused(target: float) -> None:
    driven = picker(Budget("ms", 5))
    with pytest.raises(EdgeDnqError, match="positive"):
        BudgetControl(driven).aim(target)
    assert driven.budget == Budget("ms", 5)


def test_the_page_moves_the_controller() -> None:
    driven, tally = picker(), Tally(list(STYLES))
    feed = CountingFeed(STYLES, tally, "a run", control=BudgetControl(driven))
    with Spectators(Wanted(page=LOCAL), feed, RunMetrics(STYLES)) as spectators:
        page = Page(feed, tally, spectators)
        own = f"http://127.0.0.1:{page.port}"
        answer = page.ask("/budget", "POST", '{"target": 2.5}', Origin=own)
        assert answer.status == 200
        assert json.loads(answer.read())["target"] == 2.5
        assert driven.budget == Budget("ms", 2.5)
        assert json.loads(page.read("/status"))["budget"]["target"] == 2.5
        for body in ("", "{}", "[]", '{"target": "1"}', '{"target": true}', '{"target": -1}',
                     '{"target": 1e999}', "[" * 1000, "{" + " " * 5000 + "}"):  # fmt: skip
            answer = page.ask("/budget", "POST", body, Origin=own)
            assert answer.status == 400, body[:40]
            assert json.loads(answer.read())["error"], body[:40]
        assert driven.budget == Budget("ms", 2.5)
        assert page.ask("/budget", "POST", '{"target": null}', Origin=own).status == 200
        assert driven.budget is None


def test_a_feed_without_a_controller_has_none() -> None:
    assert Feed(STYLES, Tally(list(STYLES)), "a run").status()["budget"] is None
