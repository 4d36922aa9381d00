"""Walking through recorded videos is running the session, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_dnq.budget import Budget, BudgetPicker
from edge_dnq.bundle import Bundle
from edge_dnq.cost_model import step_costs
from edge_dnq.policy import LearnedPicker, Picker, parse_policy
from edge_dnq.profiling.measure import Rota
from edge_dnq.session import Session
from edge_dnq.sweep.recording import Layout, RecordedVideo, record_video
from edge_dnq.sweep.walking import SKIPPED, frame_costs, program_run, walk_video
from edge_dnq.synthetic import render_clip
from edge_dnq.walk import Walk
from tests.edge_dnq.profiling.test_table import COSTS

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

CLIPS = 4
COST = [1.0, 0.7, 0.4, 0.15, 0.05]


@pytest.fixture(scope="module", params=["bundle_folder", "context_folder"])
def session(request: pytest.FixtureRequest) -> Session:
    """Of a policy that sees frames alone, and of one that is told what was decided."""
    bundle = Bundle.load(request.getfixturevalue(request.param))
    return Session(bundle, policy=Rota(bundle.manifest.actions, needs_policy=True))


@pytest.fixture(scope="module")
def videos() -> list[np.ndarray]:
    return [render_clip(seed, frames=14, size=72).frames for seed in range(CLIPS)]


@pytest.fixture(scope="module")
def recorded(session: Session, videos: list[np.ndarray]) -> list[RecordedVideo]:
    return [
        record_video(session, video, Layout.of_clip(str(place), str(place), len(video), 0))
        for place, video in enumerate(videos)
    ]


def walked(session: Session, recorded: list[RecordedVideo], picker: Picker) -> list[Any]:
    manifest = session.bundle.manifest
    walk = Walk(manifest.actions, len(manifest.labels), picker)
    costs = frame_costs(manifest, COSTS, policy=picker.needs_policy)
    rows = []
    for video in recorded:
        outcome = walk_video(walk, video, tuple(session.recognisers), costs, session.policy)
        names = [manifest.actions[action].name for action in outcome.actions]
        said = [logits.tolist() for logits in outcome.policy_logits]
        rows.append((names, walk.mean_logits().tolist(), walk.executed, said))
    return rows


def played(bundle: Bundle, videos: list[np.ndarray], picker: Picker) -> list[Any]:
    session = Session(bundle, policy=picker)
    rows = []
    for video in videos:
        session.reset()
        steps = [session.step(frame) for frame in video]
        names = [step.action for step in steps]
        said = [step.policy_logits.tolist() for step in steps if step.policy_logits is not None]
        rows.append((names, session._walk.mean_logits().tolist(), session.result().executed, said))
    return rows


@pytest.mark.parametrize(
    "spec",
    ["learned", "uniform:w2a2r32", "random", "random:1,0,2,3,1", "w8a8,skip", "w4a4,skip4,skip"],
)
def test_a_walk_is_the_session(
    session: Session, videos: list[np.ndarray], recorded: list[RecordedVideo], spec: str
) -> None:
    def picker() -> Picker:
        return parse_policy(spec, session.bundle.manifest.actions, seed=5)

    assert walked(session, recorded, picker()) == played(session.bundle, videos, picker())


@pytest.mark.parametrize("price", [0.0, 0.5, 3.0, 40.0, 1000.0])
def test_a_walk_is_the_session_at_any_price(
    session: Session, videos: list[np.ndarray], recorded: list[RecordedVideo], price: float
) -> None:
    def picker() -> Picker:
        return LearnedPicker(price, COST)

    assert walked(session, recorded, picker()) == played(session.bundle, videos, picker())


def test_a_walk_is_the_session_within_a_budget(
    session: Session, videos: list[np.ndarray], recorded: list[RecordedVideo]
) -> None:
    """The cost by the table does not depend on what steps really take."""

    def picker() -> Picker:
        manifest = session.bundle.manifest
        costs = step_costs(manifest, COSTS)
        return BudgetPicker(manifest.actions, costs, Budget("cost", 0.3), window=16)

    assert walked(session, recorded, picker()) == played(session.bundle, videos, picker())


def test_a_policy_that_is_told_decisions_needs_to_be_run(
    session: Session, recorded: list[RecordedVideo]
) -> None:
    """Two walks that differ in their decisions differ in what the policy says, or it is blind."""
    free, dear = (walked(session, recorded, LearnedPicker(price, COST)) for price in (0.0, 40.0))
    assert free != dear
    chosen = {name for row in (*free, *dear) for name in row[0]}
    assert chosen >= {"w8a8", "skip4"}, "a held frame must be among them, for the policy's memory"
    assert recorded[0].policy_logits is None
    assert recorded[0].policy_frames is not None
    assert recorded[0].policy_frames.dtype == np.uint8


def test_costs_of_a_walk_by_hand(session: Session, recorded: list[RecordedVideo]) -> None:
    manifest = session.bundle.manifest
    picker = parse_policy("w8a8,skip4", manifest.actions)
    walk = Walk(manifest.actions, len(manifest.labels), picker)
    costs = frame_costs(manifest, COSTS, policy=False)
    programs = tuple(session.recognisers)
    outcome = walk_video(walk, recorded[0], programs, costs, session.policy)
    # 14 frames: w8a8, skip and 3 held, w8a8, skip and 3 held, w8a8, skip and 2 held.
    assert [manifest.actions[a].name for a in outcome.actions[:6]] == [
        "w8a8",
        *["skip4"] * 4,
        "w8a8",
    ]
    assert outcome.cost_ms == pytest.approx(3 * 10.0 + 11 * 0.1), "nothing looks at a skipped frame"
    learned = frame_costs(manifest, COSTS, policy=True)
    skips = np.array([action.program is None for action in manifest.actions])
    np.testing.assert_allclose((learned.decided - costs.decided)[~skips], 0.5)
    np.testing.assert_allclose(learned.decided[skips], 1.5)
    ran = program_run(manifest, programs)[outcome.actions]
    assert ran.tolist()[:6] == [programs.index("w8a8"), *[SKIPPED] * 4, programs.index("w8a8")]
