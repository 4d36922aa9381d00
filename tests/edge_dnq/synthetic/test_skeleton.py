from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.synthetic.actions import ACTIONS, LABELS
from edge_dnq.synthetic.skeleton import CHANNELS, JOINTS, Body, joints, pose, project


def _moved(name: str, frames: int = 24) -> np.ndarray:
    return ACTIONS[name].move(np.linspace(0, 1, frames, endpoint=False), 1)


def _body(seed: int = 0) -> Body:
    return Body.sample(np.random.default_rng(seed))


def _at(points: np.ndarray, joint: str) -> np.ndarray:
    return points[:, JOINTS.index(joint)]


@given(seed=st.integers(0, 1000), name=st.sampled_from(LABELS), phase=st.floats(0, 10))
def test_segments_keep_their_length_and_the_figure_stands_on_the_floor(
    seed: int, name: str, phase: float
) -> None:
    body = _body(seed)
    motion = ACTIONS[name].move(np.array([phase]), 1)
    points = joints(body, motion)
    lengths = {
        ("hip", "knee"): body.thigh,
        ("knee", "ankle"): body.shin,
        ("shoulder", "elbow"): body.upper_arm,
        ("elbow", "hand"): body.fore_arm,
    }
    for side in "lr":
        for (a, b), length in lengths.items():
            bone = _at(points, f"{side}_{a}") - _at(points, f"{side}_{b}")
            assert np.linalg.norm(bone) == pytest.approx(length)
    lift = motion[0, CHANNELS.index("lift")]
    assert points[..., 1].min() == pytest.approx(lift)


@given(name=st.sampled_from(LABELS), hand=st.sampled_from([1, -1]))
def test_actions_are_periodic_finite_motions(name: str, hand: int) -> None:
    move = ACTIONS[name].move
    phase = np.linspace(0, 2, 9)
    assert move(phase, hand).shape == (9, len(CHANNELS))
    np.testing.assert_allclose(move(phase, hand), move(phase + 2, hand), atol=1e-6)


def test_the_poses_are_what_their_names_say() -> None:
    body = _body()
    upright = joints(body, pose(1))
    assert _at(upright, "head")[0, 1] > _at(upright, "pelvis")[0, 1] > 0.4

    upside_down = joints(body, _moved("handstand"))
    assert (_at(upside_down, "head")[:, 1] < _at(upside_down, "pelvis")[:, 1]).all()
    assert (_at(upside_down, "l_toe")[:, 1] > _at(upside_down, "pelvis")[:, 1]).all()

    flat = joints(body, _moved("push_up"))
    assert _at(flat, "pelvis")[:, 1].max() < 0.6 * _at(upright, "pelvis")[0, 1]

    jack = joints(body, _moved("jumping_jack"))
    hands_above_head = _at(jack, "l_hand")[:, 1] > _at(jack, "head")[:, 1]
    assert hands_above_head.any()
    assert not hands_above_head.all()

    waving = joints(body, _moved("wave"))
    assert (_at(waving, "r_hand")[:, 1] > _at(waving, "r_shoulder")[:, 1]).all()
    assert (_at(waving, "l_hand")[:, 1] < _at(waving, "l_shoulder")[:, 1]).all()

    kicking = joints(body, _moved("kick"))
    assert _at(kicking, "r_toe")[:, 1].max() > 0.9 * _at(upright, "pelvis")[0, 1]

    bowing = joints(body, _moved("bow"))
    assert _at(bowing, "head")[:, 1].min() < 1.1 * _at(upright, "pelvis")[0, 1]

    clapping = joints(body, _moved("clap"))
    gap = np.linalg.norm(_at(clapping, "l_hand") - _at(clapping, "r_hand"), axis=1)
    assert gap.min() < 0.12
    assert gap.max() > 0.3


def test_the_camera_turns_around_the_figure() -> None:
    points = joints(_body(), pose(2, l_arm_f=90.0))
    screen, nearness = project(points, np.array([0.0, 90.0]))
    hand, shoulder = JOINTS.index("l_hand"), JOINTS.index("l_shoulder")
    assert nearness[0, hand] > nearness[0, shoulder]  # frontal: the arm reaches for the camera
    assert screen[1, hand, 0] > screen[1, shoulder, 0] + 0.15  # profile: it points to the right
