"""When a figure acts, idles, comes and goes: a script per clip, turned into one motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.synthetic.actions import ACTIONS, LABELS
from edge_dnq.synthetic.skeleton import Array, pose


@dataclass(frozen=True)
class Segment:
    """A stretch of a script.

    Attributes:
        label: The action, or None for an idle stretch.
        frames: Its length.
        hard: Wanted hardness of the filming in 0..1.
        away: Whether the figure is out of the picture (idle stretches only).
    """

    label: str | None
    frames: int
    hard: float = 0.0
    away: bool = False


@dataclass(frozen=True)
class Performance:
    """What the figure does in every frame.

    Attributes:
        motion: Pose channels ``[T, channels]``.
        yaw: Camera angle in degrees ``[T]``.
        travel: Distance covered so far in body heights ``[T]``.
        away: How far the figure has left the picture ``[T]``, 0 inside to 1 outside.
        seated: How far it sits on a stool ``[T]``, in 0..1.
        idle: Frames in which no action is to be seen ``[T]``.
    """

    motion: Array
    yaw: Array
    travel: Array
    away: Array
    seated: Array
    idle: NDArray[np.bool_]


def random_script(rng: np.random.Generator, label: str, frames: int) -> list[Segment]:
    """Draw where a clip of ``label`` idles: from not at all to three frames in five."""
    fraction = rng.choice([0.0, rng.uniform(0.1, 0.35), rng.uniform(0.35, 0.6)], p=[0.3, 0.4, 0.3])
    idle = int(float(fraction) * frames)  # rounded down: at least one frame acts
    if idle == 0:
        return [Segment(label, frames)]
    shares = rng.dirichlet([0.6, 0.6, 0.4])
    before, after = (int(n) for n in np.floor(shares[:2] * idle))
    inside = idle - before - after
    acting = frames - idle
    first = int(rng.integers(1, acting)) if acting > 1 else acting
    script = [
        Segment(None, before, away=bool(rng.random() < 0.4)),
        Segment(label, first),
        Segment(None, inside, away=bool(rng.random() < 0.2)),
        Segment(label, acting - first),
        Segment(None, after, away=bool(rng.random() < 0.4)),
    ]
    return [segment for segment in script if segment.frames > 0]


def smooth(values: Array, frames: float) -> Array:
    """Return ``values`` [T] averaged over a short window, so that poses flow into each other."""
    width = max(1, round(frames)) | 1
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def _idle_motion(rng: np.random.Generator, frames: int, fps: float) -> Array:
    """Return a relaxed stand that breathes and shifts its weight."""
    sway = np.sin(np.arange(frames) / fps * rng.uniform(0.8, 2.0) + rng.uniform(0, 6))
    return pose(
        frames,
        lean=rng.uniform(-3, 4) + 1.5 * sway,
        nod=rng.uniform(-12, 18) + 3 * sway,
        l_arm_f=rng.uniform(-8, 10) + 2 * sway,
        r_arm_f=rng.uniform(-8, 10) - 2 * sway,
    )


def perform(rng: np.random.Generator, script: Sequence[Segment], fps: float) -> Performance:
    """Act out ``script``: blend every action's motion into and out of the idle stand."""
    frames = sum(segment.frames for segment in script)
    owner = np.concatenate([np.full(s.frames, i) for i, s in enumerate(script)])
    acts = np.array([script[i].label is not None for i in owner], dtype=float)
    gone = np.array([script[i].away for i in owner], dtype=float)
    mirror = 1 if rng.random() < 0.5 else -1
    hand = 1 if rng.random() < 0.5 else -1
    motion = _idle_motion(rng, frames, fps)
    base = motion.copy()
    yaw = np.full(frames, rng.uniform(0, 60))
    seated, step = np.zeros(frames), np.zeros(frames)
    weight_yaw = yaw.copy()
    for name in LABELS:
        mask = np.array([script[i].label == name for i in owner], dtype=float)
        if not mask.any():
            continue
        action = ACTIONS[name]
        weight = smooth(mask, 0.2 * fps)
        rate = rng.uniform(*action.cycles)
        phase = rng.uniform(0, 1) + np.cumsum(weight) * rate / fps
        motion += weight[:, None] * (action.move(phase, hand) - base)
        weight_yaw += smooth(mask, 0.3 * fps) * (rng.uniform(*action.yaw) - yaw)
        seated += weight * action.seated
        step += weight * action.travel / fps
    if len({s.label for s in script if s.label}) == 1:
        weight_yaw[:] = weight_yaw[int(np.argmax(acts))]  # one action: the camera stays put
    return Performance(
        motion=motion,
        yaw=mirror * weight_yaw,
        travel=mirror * (np.cumsum(step) - step.sum() / 2),
        away=np.clip(2 * smooth(gone, 0.25 * fps) - 0.5, 0, 1),
        seated=seated,
        idle=acts < 0.5,
    )
