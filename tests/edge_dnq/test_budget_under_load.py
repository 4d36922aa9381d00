"""A budget on this machine, while others compete for the very core that the session runs on."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.loaded_machine import Player, one_core, run_beside
from edge_dnq.budget import CREDIT, DEBT, GAIN, Budget, BudgetPicker, default_window
from edge_dnq.bundle import Bundle
from edge_dnq.cost_model import step_costs
from edge_dnq.kernels import kernels_status
from edge_dnq.policy import LearnedPicker
from edge_dnq.profiling.measure import quick_costs
from edge_dnq.session import Session

BEFORE, SETTLING, STEADY = 1, 3, 8
"""Windows: alone, after the competitors began, and then measured."""

TOLERANCE = 0.05
"""Of the mean over the steady windows. While the balance is between its limits, the sum of all
errors is the change of the balance over the step size, whatever the steps take; the limits are
``1 + credit + debt`` scales apart, so that the mean over 8 windows is off by at most 10/32/8, 4 %.
Beyond that needs a stall of more than a quarter of a window, half a second, to be forgiven."""

SHARE = 0.5
"""Of what the learned policy takes. Its steps cost many times what the cheapest action does: the
budget stays within reach at several times the load. The competitors, two for one core, at least
keep the policy's time what it was if everything else that runs here should end meanwhile."""

COMPETITORS = 2


def slow_session(bundle: Bundle) -> Session:
    """A session as on a small board: programs take many times what looking and choosing does."""
    isas = kernels_status().isas
    return Session(bundle, kernels="scalar" if "scalar" in isas else "off")


@pytest.mark.slow
def test_a_budget_is_held_beside_a_real_load(bundle: Bundle, frames: np.ndarray) -> None:
    pytest.importorskip("ai_edge_litert", reason="no runtime is installed")
    assert (1 + CREDIT + DEBT) / GAIN / STEADY < TOLERANCE
    images = list(frames)
    try:
        with one_core():
            free = Player(slow_session(bundle), images, LearnedPicker())
            session = slow_session(bundle)
            costs = step_costs(bundle.manifest, quick_costs(session))
            budget = Budget("ms", SHARE * float(np.mean(free.play_for(2.0))))
            window = default_window(budget, paced=False)
            picker = BudgetPicker(bundle.manifest.actions, costs, budget, window=window)
            held = Player(session, images, picker)
            run_beside(free, held, picker, [0], BEFORE * window)
            run_beside(free, held, picker, [COMPETITORS], SETTLING * window)
            run = run_beside(free, held, picker, [COMPETITORS], STEADY * window)
    except OSError as error:
        pytest.skip(str(error))
    mean, alone = run.held_ms.mean(), run.free_ms.mean()
    text = (
        f"budget {budget.value:.3f} ms over {window} frames, held {mean:.3f}, "
        f"the policy alone {alone:.3f}, the cheapest action {picker.least_ms:.3f}"
    )
    assert mean == pytest.approx(budget.value, rel=TOLERANCE), text
    assert mean < 0.85 * alone, f"there was something to hold: {text}"
    assert run.price.mean() > 0, text
