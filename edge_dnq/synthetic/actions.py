"""The actions: each one maps a running phase to a motion of the skeleton."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_dnq.synthetic.skeleton import Array, pose

_TURN = 2.0 * np.pi


@dataclass(frozen=True)
class Action:
    """One action and how it is usually filmed.

    Attributes:
        move: Motion ``[T, channels]`` from a phase ``[T]`` in cycles and a dexterity (1 or -1:
            which side acts).
        cycles: Range of cycles per second.
        yaw: Range of the camera's angle in degrees; 0 is frontal, 90 is in profile.
        travel: Body heights covered per second.
        seated: Whether the figure sits on a stool.
    """

    move: Callable[[Array, int], Array]
    cycles: tuple[float, float]
    yaw: tuple[float, float]
    travel: float = 0.0
    seated: bool = False


def _wave_form(phase: Array, shift: float = 0.0) -> Array:
    """Return a sine of ``phase`` in cycles, in -1..1."""
    return np.asarray(np.sin(_TURN * (phase + shift)), np.float64)


def _pulse(phase: Array) -> Array:
    """Return a raised cosine, 0 at whole cycles and 1 between them."""
    return 0.5 - 0.5 * np.cos(_TURN * phase)


def _hold(phase: Array, sharpness: float = 3.0) -> Array:
    """Return a pulse that lingers near 0 and 1: quick strokes with a stop at either end."""
    level = np.tanh(sharpness * (_pulse(phase) - 0.5)) / np.tanh(sharpness / 2)
    return np.asarray(0.5 + 0.5 * level, np.float64)


def _sides(right_handed: int) -> tuple[str, str]:
    return ("r", "l") if right_handed > 0 else ("l", "r")


def _walk(phase: Array, hand: int) -> Array:
    swing = _wave_form(phase)
    knee = np.maximum(0.0, _wave_form(phase, 0.25))
    other = np.maximum(0.0, _wave_form(phase, 0.75))
    return pose(
        len(phase),
        lean=4.0,
        lift=0.01 * np.abs(swing),
        l_leg_f=27 * swing,
        l_shin_f=27 * swing - 12 - 38 * knee,
        r_leg_f=-27 * swing,
        r_shin_f=-27 * swing - 12 - 38 * other,
        l_arm_f=-24 * swing,
        l_fore_f=-24 * swing + 18,
        r_arm_f=24 * swing,
        r_fore_f=24 * swing + 18,
    )


def _run(phase: Array, hand: int) -> Array:
    swing = _wave_form(phase)
    knee = np.maximum(0.0, _wave_form(phase, 0.22))
    other = np.maximum(0.0, _wave_form(phase, 0.72))
    return pose(
        len(phase),
        lean=17.0,
        lift=0.06 * np.abs(swing),
        l_leg_f=14 + 52 * swing,
        l_shin_f=14 + 52 * swing - 35 - 75 * knee,
        r_leg_f=14 - 52 * swing,
        r_shin_f=14 - 52 * swing - 35 - 75 * other,
        l_arm_f=-48 * swing - 8,
        l_fore_f=-48 * swing + 88,
        r_arm_f=48 * swing - 8,
        r_fore_f=48 * swing + 88,
    )


def _jumping_jack(phase: Array, hand: int) -> Array:
    out = _hold(phase, 2.0)
    arms, legs = 15 + 145 * out, 3 + 27 * out
    return pose(
        len(phase),
        lift=0.06 * np.abs(_wave_form(phase)),
        **{f"{s}_arm_a": arms for s in "lr"},
        **{f"{s}_fore_a": arms + 8 for s in "lr"},
        **{f"{s}_fore_f": 0.0 for s in "lr"},
        **{f"{s}_leg_a": legs for s in "lr"},
        **{f"{s}_shin_a": legs - 2 for s in "lr"},
    )


def _squat(phase: Array, hand: int) -> Array:
    down = 0.25 + 0.75 * _hold(phase, 2.5)
    return pose(
        len(phase),
        lean=32 * down,
        nod=-18 * down,
        **{f"{s}_leg_f": 102 * down for s in "lr"},
        **{f"{s}_leg_a": 4 + 14 * down for s in "lr"},
        **{f"{s}_shin_f": -32 * down for s in "lr"},
        **{f"{s}_arm_f": 120 * down for s in "lr"},
        **{f"{s}_fore_f": 120 * down + 4 for s in "lr"},
    )


def _wave(phase: Array, hand: int) -> Array:
    near, _ = _sides(hand)
    motion = {
        f"{near}_arm_a": 118 + 6 * _wave_form(phase),
        f"{near}_arm_f": np.full_like(phase, 8.0),
        f"{near}_fore_a": 172 + 34 * _wave_form(phase),
        f"{near}_fore_f": np.full_like(phase, 6.0),
    }
    return pose(len(phase), nod=-4.0, **motion)


def _punch(phase: Array, hand: int) -> Array:
    near, far = _sides(hand)
    first = _hold(phase, 4.0)
    second = _hold(phase + 0.5, 4.0)
    motion: dict[str, Array | float] = {}
    for side, reach in ((near, first), (far, second)):
        motion[f"{side}_arm_f"] = 25 + 63 * reach
        motion[f"{side}_arm_a"] = 22 - 18 * reach
        motion[f"{side}_fore_f"] = 140 - 52 * reach
        motion[f"{side}_fore_a"] = -8 + 6 * reach
    motion |= {f"{far}_leg_f": 24.0, f"{far}_shin_f": 2.0}
    motion |= {f"{near}_leg_f": -18.0, f"{near}_shin_f": -34.0}
    return pose(len(phase), lean=9 + 6 * first, nod=6.0, **motion)


def _kick(phase: Array, hand: int) -> Array:
    near, far = _sides(hand)
    reach = _hold(phase, 3.0)
    chamber = np.clip(np.sin(np.pi * reach), 0, 1)
    motion: dict[str, Array | float] = {
        f"{near}_leg_f": -12 + 112 * reach,
        f"{near}_shin_f": -22 + 118 * reach - 70 * chamber,
        f"{far}_leg_f": -4.0 * reach,
        f"{far}_shin_f": -10.0 * reach,
    }
    for side in "lr":
        motion[f"{side}_arm_f"] = 34.0
        motion[f"{side}_arm_a"] = 26.0
        motion[f"{side}_fore_f"] = 118.0
    return pose(len(phase), lean=-20 * reach + 4, **motion)


def _bow(phase: Array, hand: int) -> Array:
    down = 0.3 + 0.7 * _hold(phase, 2.5)
    return pose(
        len(phase),
        lean=96 * down,
        nod=18 * down,
        **{f"{s}_arm_f": 8.0 for s in "lr"},
        **{f"{s}_leg_f": -6 * down for s in "lr"},
        **{f"{s}_shin_f": -6 * down for s in "lr"},
    )


def _clap(phase: Array, hand: int) -> Array:
    open_ = _hold(phase, 2.0)
    return pose(
        len(phase),
        nod=4.0,
        **{f"{s}_arm_f": 62.0 for s in "lr"},
        **{f"{s}_arm_a": 14 + 34 * open_ for s in "lr"},
        **{f"{s}_fore_f": 92.0 for s in "lr"},
        **{f"{s}_fore_a": -44 + 78 * open_ for s in "lr"},
    )


def _handstand(phase: Array, hand: int) -> Array:
    sway = _wave_form(phase)
    split = _pulse(0.5 * phase)
    return pose(
        len(phase),
        pitch=180 + 6 * sway,
        nod=-24.0,
        l_leg_f=8 + 42 * split,
        l_shin_f=4 + 34 * split,
        r_leg_f=-38 * split,
        r_shin_f=-6 - 58 * split,
        **{f"{s}_arm_f": 178.0 for s in "lr"},
        **{f"{s}_fore_f": 180.0 for s in "lr"},
    )


def _push_up(phase: Array, hand: int) -> Array:
    down = _pulse(phase)
    return pose(
        len(phase),
        pitch=69 + 16 * down,
        nod=-28.0,
        **{f"{s}_arm_f": 74 - 62 * down for s in "lr"},
        **{f"{s}_arm_a": 14 + 22 * down for s in "lr"},
        **{f"{s}_fore_f": 70 + 18 * down for s in "lr"},
        **{f"{s}_fore_a": 2.0 for s in "lr"},
        **{f"{s}_leg_a": 5.0 for s in "lr"},
    )


def _sit(phase: Array, hand: int) -> Array:
    near, far = _sides(hand)
    sway = _wave_form(phase)
    motion: dict[str, Array | float] = {
        f"{near}_leg_f": 88 + 3 * sway,
        f"{near}_shin_f": 4 + 16 * sway,
        f"{far}_leg_f": 86.0,
        f"{far}_shin_f": -4.0,
    }
    for side in "lr":
        motion[f"{side}_leg_a"] = 10.0
        motion[f"{side}_arm_f"] = 22 + 4 * sway
        motion[f"{side}_fore_f"] = 74 + 8 * sway
    return pose(len(phase), lean=-6 + 6 * sway, nod=8 * sway, **motion)


ACTIONS: dict[str, Action] = {
    "bow": Action(_bow, (0.35, 0.6), (50, 90)),
    "clap": Action(_clap, (1.4, 2.2), (0, 28)),
    "handstand": Action(_handstand, (0.5, 0.9), (40, 90)),
    "jumping_jack": Action(_jumping_jack, (0.8, 1.3), (0, 35)),
    "kick": Action(_kick, (0.6, 1.0), (50, 90)),
    "punch": Action(_punch, (0.9, 1.5), (45, 90)),
    "push_up": Action(_push_up, (0.6, 1.0), (55, 90)),
    "run": Action(_run, (1.4, 1.9), (50, 90), travel=1.3),
    "sit": Action(_sit, (0.3, 0.8), (35, 90), seated=True),
    "squat": Action(_squat, (0.5, 0.9), (35, 90)),
    "walk": Action(_walk, (0.8, 1.1), (50, 90), travel=0.55),
    "wave": Action(_wave, (1.2, 2.0), (0, 40)),
}
"""Action name -> action, in the order of the labels."""

LABELS: tuple[str, ...] = tuple(ACTIONS)
"""Class names of the synthetic set; a label is an index into this tuple."""
