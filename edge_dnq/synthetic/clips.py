"""Clips and longer streams, put together from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.synthetic.actions import LABELS
from edge_dnq.synthetic.effects import Conditions, Sensor, sample_conditions
from edge_dnq.synthetic.figure import Figure, dress, place
from edge_dnq.synthetic.scene import (
    Mover,
    background,
    distractors,
    draw_shadow,
    draw_stool,
    occluders,
)
from edge_dnq.synthetic.skeleton import Array, Body, joints, project
from edge_dnq.synthetic.timeline import Performance, Segment, perform, random_script, smooth
from edge_dnq.video.opencv import cv2

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class SyntheticClip:
    """A rendered clip.

    Attributes:
        frames: RGB frames, uint8 ``[T, H, W, 3]``.
        label: Index into :data:`LABELS`.
        idle: Frames that show no action, bool ``[T]``.
        difficulty: How hard each frame is to recognise, float ``[T]`` in 0..1: blur, darkness,
            noise and occlusion together; 1 where the figure is idle.
        fps: Frames per second at which the motion looks natural.
    """

    frames: Image
    label: int
    idle: NDArray[np.bool_]
    difficulty: NDArray[np.float32]
    fps: float


@dataclass(frozen=True)
class _Stage:
    """Everything that is drawn, placed on the screen in pixels."""

    size: int
    wall: Image
    views: Array  # [T, 2] top-left corner of the picture in the wall
    shifts: Array  # [T, 2] camera offset that scene-bound things follow
    figure: Figure
    feet: Array  # [T, 2] contact with the floor
    seats: Array  # [T, 2]
    scale: float
    performance: Performance
    stool: tuple[float, float, float]
    behind: list[Mover]
    before: list[Mover]

    def paint(self, frame: int) -> Image:
        """Draw one frame as a perfect camera would see it."""
        x, y = self.views[frame]
        matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
        image: Image = np.asarray(
            cv2.warpAffine(
                self.wall,
                matrix,
                (self.size, self.size),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            ),
            np.uint8,
        )
        for mover in self.behind:
            mover.draw(image, frame, self.shifts[frame])
        if self.performance.away[frame] < 0.99:
            draw_shadow(image, self.feet[frame], 0.2 * self.scale)
            if self.performance.seated[frame] > 0.6:
                floor = self.feet[frame, 1]
                draw_stool(image, self.seats[frame], floor, self.scale, self.stool)
            self.figure.draw(image, frame)
        for mover in self.before:
            mover.draw(image, frame, self.shifts[frame])
        return image

    def hidden(self, frame: int) -> float:
        """Return how much of the figure's box the occluders cover, in 0..1."""
        box = self.figure.boxes[frame]
        shift = self.shifts[frame]
        covers = [mover.cover(frame, shift, self.size, box) for mover in self.before]
        return float(min(1.0, sum(covers)))


def _set_up(
    rng: np.random.Generator, performance: Performance, conditions: Conditions, size: int
) -> _Stage:
    """Choose a person, a place and a camera, and put the performance on the screen."""
    frames = len(performance.yaw)
    body = Body.sample(rng)
    parts = dress(body, rng)
    height = rng.uniform(0.6, 0.86) * size
    ground = rng.uniform(0.86, 0.97)
    points, nearness = project(joints(body, performance.motion), performance.yaw)
    reach = np.ptp(points[..., 0]), np.ptp(points[..., 1])
    scale = min(height, 0.95 * size / max(*reach, 1e-6))
    follow = rng.uniform(0.75, 1.0)  # how well the camera keeps up with a walker
    travel = performance.travel * scale
    slack = max(0.0, 0.5 * size - 0.35 * scale)
    drift = np.clip((1 - follow) * travel, -slack, slack)
    shifts = conditions.shake * size - np.stack([travel - drift, np.zeros(frames)], -1)
    exit_side = rng.choice([-1.0, 1.0])
    start = size * (0.5 + rng.uniform(-0.12, 0.12))
    x = start + drift + exit_side * performance.away * 1.1 * size + conditions.shake[:, 0] * size
    y = size * (ground + conditions.shake[:, 1])
    middle = 0.5 * (points[..., 0].min(axis=1) + points[..., 0].max(axis=1))
    centre = middle.mean()
    screen = np.stack([points[..., 0] - centre, -points[..., 1]], -1) * scale
    screen += np.stack([x, y], -1)[:, None]
    margin = size // 4
    wall = background(rng, size + margin, size * 2, ground)
    views = np.stack([np.full(frames, size * 0.5), np.full(frames, margin * 0.5)], -1) - shifts
    figure = place(parts, screen, nearness, np.full(frames, scale), rim=max(0.5, size / 128))
    contact = np.stack([0.5 * (figure.boxes[:, 0] + figure.boxes[:, 2]), y], -1)
    return _Stage(
        size=size,
        wall=wall,
        views=views,
        shifts=shifts,
        figure=figure,
        feet=contact,
        seats=screen[:, 0] + [0.0, 0.05 * scale],
        scale=scale,
        performance=performance,
        stool=tuple(rng.uniform(20, 200, 3).tolist()),
        behind=distractors(rng, frames),
        before=occluders(rng, frames, conditions.hidden),
    )


def _film(
    rng: np.random.Generator,
    script: Sequence[Segment],
    label: str,
    size: int,
    fps: float,
    hard: Array | None,
) -> SyntheticClip:
    """Act, stage and record a script."""
    performance = perform(rng, script, fps)
    count = len(performance.idle)
    conditions = sample_conditions(rng, count, hard)
    stage = _set_up(rng, performance, conditions, size)
    sensor = Sensor(conditions, size, rng)
    frames = np.empty((count, size, size, 3), np.uint8)
    hidden = np.empty(count)
    for index in range(count):
        frames[index] = sensor.capture(stage.paint(index), index)
        hidden[index] = stage.hidden(index)
    difficulty = 1 - (1 - conditions.difficulty) * (1 - 0.8 * hidden)
    difficulty[performance.idle] = 1.0
    return SyntheticClip(
        frames=frames,
        label=LABELS.index(label),
        idle=performance.idle,
        difficulty=difficulty.astype(np.float32),
        fps=fps,
    )


def _check(label: str | None, frames: int, size: int, fps: float) -> None:
    if label is not None and label not in LABELS:
        raise DataError(f"unknown action '{label}': expected one of {', '.join(LABELS)}")
    if frames < 1 or size < 16 or fps <= 0:
        raise DataError(
            f"a synthetic clip needs at least 1 frame, 16 pixels and a positive frame rate, "
            f"got {frames} frames, {size} pixels, {fps} per second"
        )


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise DataError(f"a seed must not be negative, got {seed}")


def render_clip(
    seed: int, label: str | None = None, *, frames: int = 16, size: int = 128, fps: float = 8.0
) -> SyntheticClip:
    """Render one clip; the same arguments give the same bytes.

    Args:
        seed: Any non-negative integer.
        label: The action; None draws one.
        frames: Length of the clip.
        size: Side of the square frames in pixels.
        fps: Frames per second of the motion.

    Raises:
        DataError: an unknown label or an impossible size.
    """
    _check(label, frames, size, fps)
    _check_seed(seed)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = LABELS[int(rng.integers(len(LABELS)))]
    label = drawn if label is None else label
    return _film(rng, random_script(rng, label, frames), label, size, fps, hard=None)


def render_idle(seed: int, *, frames: int, size: int, fps: float) -> Image:
    """Render a place in which no action happens; the same arguments give the same bytes.

    Somebody stands about, comes or leaves, or nobody is there; the surroundings, the camera and the
    light are as in any clip.

    Args:
        seed: Any non-negative integer.
        frames: Length.
        size: Side of the square frames in pixels.
        fps: Frames per second of the motion.

    Returns:
        RGB frames, uint8 ``[frames, size, size, 3]``.

    Raises:
        DataError: an impossible size.
    """
    _check(None, frames, size, fps)
    _check_seed(seed)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    first = int(rng.integers(frames + 1))
    away = rng.random(2) < 0.4
    parts = zip((first, frames - first), away, strict=True)
    script = [Segment(None, length, away=bool(gone)) for length, gone in parts if length]
    return _film(rng, script, LABELS[0], size, fps, hard=None).frames


def demo_script(rng: np.random.Generator, label: str, frames: int) -> list[Segment]:
    """Return a script with every kind of frame: idle, easy, hard, easy again, idle."""
    shares = np.array([0.2, 0.25, 0.25, 0.2, 0.1]) + rng.uniform(-0.03, 0.03, 5)
    edges = np.rint(np.cumsum(shares / shares.sum()) * frames).astype(int)
    lengths = np.diff(edges, prepend=0).tolist()
    script = [
        Segment(None, lengths[0]),
        Segment(label, lengths[1]),
        Segment(label, lengths[2], hard=1.0),
        Segment(label, lengths[3]),
        Segment(None, lengths[4], away=True),
    ]
    return [segment for segment in script if segment.frames > 0]


def render_stream(
    seed: int,
    label: str | None = None,
    *,
    segments: Sequence[Segment] | None = None,
    frames: int = 72,
    size: int = 256,
    fps: float = 12.0,
) -> SyntheticClip:
    """Render a longer video for demonstrations; the same arguments give the same bytes.

    Args:
        seed: Any non-negative integer.
        label: The main action; None draws one. Left out with ``segments``.
        segments: A script of one's own, possibly of several actions; the clip's label is then the
            action that takes most frames. None means :func:`demo_script`.
        frames: Length of the default script.
        size: Side of the square frames in pixels.
        fps: Frames per second of the motion.

    Raises:
        DataError: an unknown label, an impossible size, or a script without an action.
    """
    _check(label, frames, size, fps)
    _check_seed(seed)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    drawn = label if label is not None else LABELS[int(rng.integers(len(LABELS)))]
    script = list(segments) if segments is not None else demo_script(rng, drawn, frames)
    totals: dict[str, int] = {}
    for segment in script:
        _check(segment.label, segment.frames, size, fps)
        if segment.label is not None:
            totals[segment.label] = totals.get(segment.label, 0) + segment.frames
    if not totals:
        raise DataError("a script needs at least one segment with an action, got only idle ones")
    hard = smooth(np.concatenate([np.full(s.frames, s.hard) for s in script]), 0.4 * fps)
    main = max(totals, key=lambda name: totals[name])
    return _film(rng, script, main, size, fps, hard)
