"""Costs that follow what steps take."""

from __future__ import annotations

import pytest

from benchmarks.simulated_device import FIRST_MS, device_costs
from edge_dnq.budget import WINDOW
from edge_dnq.bundle import Bundle
from edge_dnq.cost_model import CostModel, step_costs
from tests.edge_dnq.profiling.test_table import COSTS


def test_costs_follow_each_action_and_all_together() -> None:
    model = CostModel(device_costs(), WINDOW)
    before = model.first_ms(0)
    for _ in range(WINDOW):
        model.observe(1, 2 * FIRST_MS["w4a4"])
    assert model.first_ms(1) == pytest.approx(2 * FIRST_MS["w4a4"], rel=0.02)
    assert model.first_ms(0) == pytest.approx(2 * before, rel=0.1), "never seen, but on this device"
    for _ in range(WINDOW):
        model.observe(0, FIRST_MS["w8a8"])
        model.observe(1, 2 * FIRST_MS["w4a4"])
    assert model.first_ms(1) / model.first_ms(0) > 1.0, "the table had it the other way round"


def test_the_tail_is_what_was_seen() -> None:
    model = CostModel(device_costs(tail=3.0), WINDOW)
    assert model.high_ms(0) == pytest.approx(3 * FIRST_MS["w8a8"])
    for index in range(400):
        model.observe(0, FIRST_MS["w8a8"] * (1.5 if index % 10 == 0 else 1.0))
    assert 1.3 * FIRST_MS["w8a8"] < model.high_ms(0) < 1.7 * FIRST_MS["w8a8"]


def test_costs_of_a_table(bundle: Bundle) -> None:
    costs = step_costs(bundle.manifest, COSTS)
    assert costs.first_ms == pytest.approx((10.5, 6.5, 3.5, 1.5, 1.5))
    assert costs.lengths == (1, 1, 1, 1, 4)
    assert costs.reference_ms == pytest.approx(10.0)
