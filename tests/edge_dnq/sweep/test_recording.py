"""Walking through recorded logits is running the session, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.budget import Budget, BudgetPicker
from edge_dnq.bundle import Bundle
from edge_dnq.cost_model import step_costs
from edge_dnq.policy import LearnedPicker, Picker, parse_policy
from edge_dnq.profiling.measure import Rota
from edge_dnq.session import Session
from edge_dnq.sweep.recording import (
    RecordedClip,
    cascade_clip,
    confidence,
    frame_costs,
    record_clip,
    walk_clip,
)
from edge_dnq.synthetic import render_clip
from edge_dnq.walk import Walk
from tests.edge_dnq.profiling.test_table import COSTS

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

CLIPS = 4
COST = [1.0, 0.7, 0.4, 0.15, 0.05]


@pytest.fixture(scope="module")
def session(bundle: Bundle) -> Session:
    return Session(bundle, policy=Rota(bundle.manifest.actions, needs_policy=True))


@pytest.fixture(scope="module")
def videos() -> list[np.ndarray]:
    return [render_clip(seed, frames=14, size=72).frames for seed in range(CLIPS)]


@pytest.fixture(scope="module")
def recorded(session: Session, videos: list[np.ndarray]) -> list[RecordedClip]:
    return [record_clip(session, video, index) for index, video in enumerate(videos)]


def walked(session: Session, recorded: list[RecordedClip], picker: Picker) -> list[Any]:
    manifest = session.bundle.manifest
    walk = Walk(manifest.actions, len(manifest.labels), picker)
    costs = frame_costs(manifest, COSTS, policy=picker.needs_policy)
    rows = []
    for clip in recorded:
        outcome = walk_clip(walk, clip, costs, session.policy)
        names = [manifest.actions[action].name for action in outcome.actions]
        rows.append((names, walk.mean_logits().tolist(), walk.executed))
    return rows


def played(bundle: Bundle, videos: list[np.ndarray], picker: Picker) -> list[Any]:
    session = Session(bundle, policy=picker)
    rows = []
    for video in videos:
        session.reset()
        names = [session.step(frame).action for frame in video]
        rows.append((names, session._walk.mean_logits().tolist(), session.result().executed))
    return rows


@pytest.mark.parametrize(
    "spec",
    ["learned", "uniform:w2a2r32", "random", "random:1,0,2,3,1", "w8a8,skip", "w4a4,skip4,skip"],
)
def test_a_walk_is_the_session(
    bundle: Bundle,
    session: Session,
    videos: list[np.ndarray],
    recorded: list[RecordedClip],
    spec: str,
) -> None:
    def picker() -> Picker:
        return parse_policy(spec, bundle.manifest.actions, seed=5)

    expected = played(bundle, videos, picker())
    assert walked(session, recorded, picker()) == expected
    if spec == "learned":
        chosen = {name for names, _, _ in expected for name in names}
        assert "skip4" in chosen, "a held frame must be among them, for the policy's memory"


@pytest.mark.parametrize("price", [0.0, 0.5, 3.0, 40.0, 1000.0])
def test_a_walk_is_the_session_at_any_price(
    bundle: Bundle,
    session: Session,
    videos: list[np.ndarray],
    recorded: list[RecordedClip],
    price: float,
) -> None:
    def picker() -> Picker:
        return LearnedPicker(price, COST)

    assert walked(session, recorded, picker()) == played(bundle, videos, picker())


def test_a_walk_is_the_session_within_a_budget(
    bundle: Bundle, session: Session, videos: list[np.ndarray], recorded: list[RecordedClip]
) -> None:
    """The cost by the table does not depend on what steps really take."""

    def picker() -> Picker:
        costs = step_costs(bundle.manifest, COSTS)
        return BudgetPicker(bundle.manifest.actions, costs, Budget("cost", 0.3), window=16)

    assert walked(session, recorded, picker()) == played(bundle, videos, picker())


def test_costs_of_a_walk_by_hand(session: Session, recorded: list[RecordedClip]) -> None:
    manifest = session.bundle.manifest
    picker = parse_policy("w8a8,skip4", manifest.actions)
    walk = Walk(manifest.actions, len(manifest.labels), picker)
    costs = frame_costs(manifest, COSTS, policy=False)
    outcome = walk_clip(walk, recorded[0], costs, session.policy)
    # 14 frames: w8a8, skip and 3 held, w8a8, skip and 3 held, w8a8, skip and 2 held.
    assert [manifest.actions[a].name for a in outcome.actions[:6]] == [
        "w8a8",
        *["skip4"] * 4,
        "w8a8",
    ]
    assert outcome.cost_ms == pytest.approx((3 * 10.0 + 3 * 1.0 + 8 * 0.1) / 14)
    learned = frame_costs(manifest, COSTS, policy=True)
    np.testing.assert_allclose(learned.decided - costs.decided, 0.5)


def clip_of(rows: dict[str, list[list[float]]], truth: int = 0) -> RecordedClip:
    logits = {name: np.array(values, np.float32) for name, values in rows.items()}
    return RecordedClip(truth, logits, None, None)


def test_a_cascade_by_hand() -> None:
    clip = clip_of(
        {
            "low": [[9.0, 0.0], [0.0, 0.1], [0.0, 0.2]],
            "mid": [[0.0, 9.0], [9.0, 0.0], [0.0, 0.3]],
            "high": [[0.0, 9.0], [0.0, 9.0], [5.0, 0.0]],
        }
    )
    programs = [("low", 1.0), ("mid", 10.0), ("high", 100.0)]
    hit, cost, answered = cascade_clip(clip, programs, 0.5, threshold=0.9)
    assert answered == [1, 1, 1]
    assert cost == pytest.approx((3 * 0.5 + 3 * 1 + 2 * 10 + 1 * 100) / 3)
    assert hit, "the mean of [9, 0], [9, 0] and [5, 0]"
    assert cascade_clip(clip, programs, 0.5, threshold=0.0)[2] == [3, 0, 0]
    assert cascade_clip(clip, programs, 0.5, threshold=1.1)[2] == [0, 0, 3]


@given(st.lists(st.floats(-60, 60, width=32), min_size=2, max_size=6))
def test_confidence_is_the_largest_softmax(values: list[float]) -> None:
    row = np.array([values], np.float32)
    exponents = np.exp(row[0].astype(np.float64))
    assert confidence(row)[0] == pytest.approx((exponents / exponents.sum()).max())
