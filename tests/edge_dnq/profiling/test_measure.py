from __future__ import annotations

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.policy import LearnedPicker
from edge_dnq.profiling.measure import (
    Rota,
    measure,
    measure_sustained,
    quick_costs,
    source_frames,
)
from edge_dnq.session import Session

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

ACTIONS = {"w8a8", "w4a4", "w2a2r32", "skip", "skip4"}


def session_for(bundle: Bundle, threads: int = 1) -> Session:
    return Session(bundle, threads=threads, policy=Rota(bundle.manifest.actions, needs_policy=True))


def test_every_part_is_measured(bundle: Bundle) -> None:
    sessions = [session_for(bundle, 1), session_for(bundle, 2)]
    fractions: list[float] = []
    made = measure(sessions, source_frames(60, 80), 0.01, fewest=16, told=fractions.append)
    assert [costs.threads for costs in made] == [1, 2]
    for costs in made:
        assert set(costs.programs) == {"w8a8", "w4a4", "w2a2r32"}
        assert set(costs.actions) == ACTIONS
        assert costs.policy is not None
        assert costs.held is not None
        for cost in (costs.frame, costs.policy, *costs.programs.values(), *costs.actions.values()):
            assert cost.runs >= 16, cost
            assert 0 < cost.median_ms <= cost.p95_ms, cost
        assert costs.held.runs == 3 * costs.actions["skip4"].runs
        # A step is its parts, and a held frame does next to nothing.
        for name in ("w8a8", "w4a4", "w2a2r32"):
            parts = costs.frame.mean_ms + costs.policy.mean_ms + costs.programs[name].mean_ms
            assert costs.actions[name].mean_ms > 0.2 * parts, (name, costs)
        assert costs.held.median_ms < costs.actions["skip"].median_ms
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_without_a_policy(bundle: Bundle) -> None:
    session = Session(bundle, policy=Rota(bundle.manifest.actions, needs_policy=False))
    costs = quick_costs(session)
    assert costs.policy is None
    assert set(costs.actions) == ACTIONS


def test_measuring_quickly_leaves_the_picker(bundle: Bundle) -> None:
    picker = LearnedPicker()
    session = Session(bundle, policy=picker)
    costs = quick_costs(session)
    assert session.picker is picker
    assert set(costs.actions) == ACTIONS
    frame = np.zeros((50, 50, 3), np.uint8)
    assert session.step(frame).index == 0


def test_sustained_work_is_cut_into_intervals(bundle: Bundle) -> None:
    intervals = measure_sustained(session_for(bundle), source_frames(60, 80), 0.4)
    assert intervals
    for entry in intervals:
        assert set(entry.median_ms) == ACTIONS
        assert min(entry.median_ms.values()) > 0
        assert entry.celsius is None or -50 < entry.celsius < 150
        assert entry.megahertz is None or entry.megahertz > 0
    assert intervals[-1].time_s >= 0.4
