"""A three-dimensional stick figure: pose channels, body proportions, forward kinematics.

The figure stands in its own frame: x to its left, y up, z the way it faces. A limb's direction is
given by its flexion (rotation forward, in the y-z plane) and its abduction (away from the body):
both zero hangs straight down, a flexion of 90 degrees points forward, of 180 degrees up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
"""Float64 array; shapes are given where it is used."""

_LIMBS = ("arm", "fore", "leg", "shin")
CHANNELS: tuple[str, ...] = (
    "pitch",
    "roll",
    "lean",
    "nod",
    "lift",
    *(f"{side}_{limb}_{axis}" for side in "lr" for limb in _LIMBS for axis in "fa"),
)
"""Names of the pose channels, in degrees but for ``lift`` (body heights above the ground)."""

_INDEX = {name: i for i, name in enumerate(CHANNELS)}

JOINTS: tuple[str, ...] = (
    "pelvis",
    "chest",
    "neck",
    "head",
    "face",
    *(
        f"{side}_{joint}"
        for side in "lr"
        for joint in ("shoulder", "elbow", "hand", "hip", "knee", "ankle", "toe")
    ),
)
"""Names of the joints that :func:`joints` returns, in order."""


def pose(frames: int, **channels: Array | float) -> Array:
    """Return a motion ``[frames, len(CHANNELS)]`` with ``channels`` set over a relaxed stand."""
    motion = np.zeros((frames, len(CHANNELS)))
    for side in "lr":
        motion[:, _INDEX[f"{side}_arm_a"]] = 9.0
        motion[:, _INDEX[f"{side}_fore_f"]] = 12.0
        motion[:, _INDEX[f"{side}_fore_a"]] = 4.0
        motion[:, _INDEX[f"{side}_leg_a"]] = 4.0
        motion[:, _INDEX[f"{side}_shin_a"]] = 2.0
    for name, value in channels.items():
        motion[:, _INDEX[name]] = value
    return motion


def channel(motion: Array, name: str) -> Array:
    """Return one channel of ``motion`` as a view ``[T]``."""
    return motion[:, _INDEX[name]]


@dataclass(frozen=True)
class Body:
    """Segment lengths and widths as fractions of the standing height."""

    torso: float
    neck: float
    head: float
    shoulder: float
    hip: float
    upper_arm: float
    fore_arm: float
    thigh: float
    shin: float
    foot: float
    girth: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Body:
        """Draw a person: from slim to stout, from child-like to long-legged."""
        legs = rng.uniform(0.92, 1.08)
        arms = rng.uniform(0.93, 1.07)
        girth = rng.uniform(0.85, 1.3)
        return cls(
            torso=0.285 * rng.uniform(0.93, 1.07),
            neck=0.05,
            head=0.062 * rng.uniform(0.95, 1.3),
            shoulder=0.105 * rng.uniform(0.9, 1.15),
            hip=0.058 * rng.uniform(0.9, 1.2),
            upper_arm=0.175 * arms,
            fore_arm=0.19 * arms,
            thigh=0.24 * legs,
            shin=0.245 * legs,
            foot=0.075,
            girth=girth,
        )


def _direction(flexion: Array, abduction: Array, side: int) -> Array:
    """Return unit vectors ``[T, 3]``; ``side`` is 1 for the left limb and -1 for the right."""
    f, a = np.radians(flexion), np.radians(abduction)
    return np.stack([side * np.sin(a), -np.cos(a) * np.cos(f), np.cos(a) * np.sin(f)], axis=-1)


def _rotate_x(points: Array, degrees: Array) -> Array:
    """Tilt ``points`` [..., T, 3] forward: y turns towards z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, y * c - z * s, y * s + z * c], axis=-1)


def _rotate_z(points: Array, degrees: Array) -> Array:
    """Tilt ``points`` [..., T, 3] sideways: x turns towards y."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x * c - y * s, x * s + y * c, z], axis=-1)


def _side_joints(body: Body, motion: Array, side: str) -> dict[str, Array]:
    """Return one side's joints in the figure's frame, the upper ones before the torso leans."""
    sign = 1 if side == "l" else -1
    frames = len(motion)

    def limb(name: str, length: float, bend: float = 0.0) -> Array:
        flexion = channel(motion, f"{side}_{name}_f") + bend
        return length * _direction(flexion, channel(motion, f"{side}_{name}_a"), sign)

    shoulder = np.tile([sign * body.shoulder, body.torso, 0.0], (frames, 1))
    elbow = shoulder + limb("arm", body.upper_arm)
    hip = np.tile([sign * body.hip, 0.0, 0.0], (frames, 1))
    knee = hip + limb("leg", body.thigh)
    ankle = knee + limb("shin", body.shin)
    return {
        "shoulder": shoulder,
        "elbow": elbow,
        "hand": elbow + limb("fore", body.fore_arm),
        "hip": hip,
        "knee": knee,
        "ankle": ankle,
        "toe": ankle + limb("shin", body.foot, bend=80.0),
    }


def joints(body: Body, motion: Array) -> Array:
    """Place the joints of ``motion`` [T, channels] in space.

    Returns:
        ``[T, len(JOINTS), 3]`` in body heights; the lowest joint stands at y = ``lift``.
    """
    frames = len(motion)
    top = body.torso + body.neck + body.head
    nod = np.radians(channel(motion, "nod"))
    zeros = np.zeros(frames)
    skull = np.stack([zeros, np.cos(nod), np.sin(nod)], axis=-1)
    facing = np.stack([zeros, -np.sin(nod), np.cos(nod)], axis=-1)
    neck = np.tile([0.0, body.torso + body.neck, 0.0], (frames, 1))
    placed: dict[str, Array] = {
        "pelvis": np.zeros((frames, 3)),
        "chest": np.tile([0.0, body.torso * 0.92, 0.0], (frames, 1)),
        "neck": neck,
        "head": neck + (top - body.torso - body.neck) * skull,
    }
    placed["face"] = placed["head"] + body.head * (0.35 * facing - 0.12 * skull)
    for side in "lr":
        for name, points in _side_joints(body, motion, side).items():
            placed[f"{side}_{name}"] = points
    for name in placed:
        if name.split("_")[-1] in ("chest", "neck", "head", "face", "shoulder", "elbow", "hand"):
            placed[name] = _rotate_x(placed[name], channel(motion, "lean"))
    stacked = np.stack([placed[name] for name in JOINTS])
    stacked = _rotate_z(_rotate_x(stacked, channel(motion, "pitch")), channel(motion, "roll"))
    stacked[..., 1] += channel(motion, "lift") - stacked[..., 1].min(axis=0)
    return np.moveaxis(stacked, 0, 1)


def project(points: Array, yaw: Array) -> tuple[Array, Array]:
    """Look at ``points`` [T, J, 3] from a camera turned by ``yaw`` degrees [T] (orthographic).

    Returns:
        Screen positions ``[T, J, 2]`` (x right, y up, body heights) and nearness ``[T, J]``
        (greater is nearer to the camera). At yaw 0 the figure faces the camera, at 90 the right.
    """
    angle = np.radians(yaw)[:, None]
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x * c + z * s, y], axis=-1), z * c - x * s
