"""What surrounds the figure: textured backgrounds, stools, distractors and occluders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.synthetic.skeleton import Array
from edge_dnq.video.opencv import cv2

Image = NDArray[np.uint8]
_SHIFT = 4


def _palette(rng: np.random.Generator, count: int) -> Array:
    """Draw related colours ``[count, 3]``: one hue family, several brightnesses."""
    base = rng.uniform(70, 200)
    tint = rng.normal(0, 12, 3)
    levels = rng.normal(0, 24, (count, 1))
    return np.clip(base + tint + levels + rng.normal(0, 9, (count, 3)), 8, 245)


def _clouds(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Return smooth noise of several octaves ``[height, width]`` in 0..1."""
    total = np.zeros((height, width), np.float32)
    for octave in range(int(rng.integers(3, 6))):
        cells = 3 * 2**octave
        coarse = rng.random((cells, cells * width // height + 1), dtype=np.float32)
        total += 0.6**octave * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def _stripes(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Return boards or wallpaper stripes at a random angle, in 0..1."""
    angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(18, 70))
    return np.asarray(0.5 + 0.5 * np.tanh(wave * rng.uniform(1, 5)), np.float32)


def _bricks(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Return a wall of bricks or tiles with pale joints, in 0..1."""
    row = max(4, round(height * rng.uniform(0.05, 0.14)))
    brick = row * int(rng.integers(1, 4))
    y, x = np.mgrid[0:height, 0:width]
    shifted = x + (y // row % 2) * (brick // 2)
    joints = (y % row == 0) | (shifted % brick == 0)
    tones = rng.random((height // row + 1, width // brick + 2), dtype=np.float32)
    wall = tones[y // row, shifted // brick] * 0.7
    wall[joints] = 1.0
    return np.asarray(wall, np.float32)


_TEXTURES: tuple[Callable[[np.random.Generator, int, int], NDArray[np.float32]], ...] = (
    _clouds,
    _stripes,
    _bricks,
)


def _surface(rng: np.random.Generator, height: int, width: int) -> Image:
    """Return a textured, unevenly lit plane ``[height, width, 3]``."""
    texture = _TEXTURES[rng.integers(len(_TEXTURES))](rng, height, width)
    dark, bright = _palette(rng, 2)
    strength = rng.uniform(0.2, 0.8)
    mix = (0.5 + strength * (texture - 0.5))[..., None].astype(np.float32)
    plane = dark.astype(np.float32) * (1 - mix) + bright.astype(np.float32) * mix
    plane *= (0.75 + 0.5 * _clouds(rng, height, width))[..., None]
    plane += rng.normal(0, rng.uniform(1, 7), (height, width, 1)).astype(np.float32)
    return np.asarray(np.clip(plane, 0, 255), np.uint8)


def _furnish(rng: np.random.Generator, image: Image, horizon: int) -> None:
    """Hang pictures, windows, cupboards and round things on the wall (in place)."""
    height, width = image.shape[:2]
    for colour in _palette(rng, int(rng.integers(0, 6))).tolist():
        x, y = int(rng.integers(width)), int(rng.integers(max(horizon, 2)))
        w, h = (rng.uniform(0.05, 0.3, 2) * height).astype(int).tolist()
        if rng.random() < 0.7:
            cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
            edge = [0.6 * c for c in colour]
            cv2.rectangle(image, (x, y), (x + w, y + h), edge, max(1, height // 90))
        else:
            cv2.ellipse(image, (x, y), (w // 2, h // 2), 0, 0, 360, colour, -1, cv2.LINE_AA)


def background(rng: np.random.Generator, height: int, width: int, ground: float) -> Image:
    """Paint a wall and a floor that meet a little above ``ground`` (a fraction of the height)."""
    image = _surface(rng, height, width)
    horizon = round(height * (ground - rng.uniform(0.04, 0.22)))
    _furnish(rng, image, horizon)
    image[horizon:] = _surface(rng, height - horizon, width)
    if rng.random() < 0.5:
        cv2.line(image, (0, horizon), (width, horizon), _palette(rng, 1)[0].tolist(), 2)
    return image


@dataclass(frozen=True)
class Mover:
    """A flat shape that stands or drifts through the clip, in screen units of 0..1.

    Attributes:
        outline: Polygon around the origin ``[points, 2]``, as a fraction of the frame's side.
        path: Position per frame ``[T, 2]``.
        colour: RGB.
        pinned: Whether it is fixed to the scene (it moves with the camera) or to the screen.
    """

    outline: Array
    path: Array
    colour: tuple[float, float, float]
    pinned: bool

    def polygon(self, frame: int, shift: Array, size: int) -> NDArray[np.int32]:
        """Return the fixed-point outline in ``frame``; ``shift`` is the camera's, in pixels."""
        points = (self.outline + self.path[frame]) * size + (shift if self.pinned else 0.0)
        return np.asarray(np.rint(points * (1 << _SHIFT)), np.int32)

    def draw(self, image: Image, frame: int, shift: Array) -> None:
        """Draw it into ``image`` in place."""
        polygon = self.polygon(frame, shift, image.shape[0])
        cv2.fillPoly(image, [polygon], self.colour, cv2.LINE_AA, _SHIFT)

    def cover(self, frame: int, shift: Array, size: int, box: Array) -> float:
        """Return the fraction of ``box`` (left, top, right, bottom) that its bounds cover."""
        polygon = self.polygon(frame, shift, size) / float(1 << _SHIFT)
        low = np.maximum(polygon.min(axis=0), box[:2])
        high = np.minimum(polygon.max(axis=0), box[2:])
        inside = float(np.prod(np.maximum(high - low, 0)))
        return inside / max(float(np.prod(box[2:] - box[:2])), 1.0)


def _rectangle(width: float, height: float) -> Array:
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]


def _blob(rng: np.random.Generator, radius: float) -> Array:
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    reach = radius * rng.uniform(0.7, 1.2, 14)
    return np.stack([np.cos(angles), np.sin(angles)], -1) * reach[:, None]


def _drift(rng: np.random.Generator, frames: int, start: Array, speed: float) -> Array:
    """Return a straight path ``[frames, 2]`` that leaves ``start`` in a random direction."""
    step = rng.normal(0, 1, 2) * [1.0, 0.35] * speed / max(frames, 1)
    return np.asarray(start + np.arange(frames)[:, None] * step)


def _tone(rng: np.random.Generator) -> tuple[float, float, float]:
    r, g, b = np.clip(rng.uniform(40, 210) + rng.normal(0, 22, 3), 0, 255)
    return float(r), float(g), float(b)


def distractors(rng: np.random.Generator, frames: int) -> list[Mover]:
    """Return balls, sticks and boxes that stand or drift behind the figure."""
    movers = []
    for _ in range(int(rng.integers(0, 4))):
        kind = rng.random()
        if kind < 0.4:
            outline = _blob(rng, rng.uniform(0.02, 0.09))
        elif kind < 0.75:
            outline = _rectangle(rng.uniform(0.03, 0.2), rng.uniform(0.03, 0.2))
        else:
            angle = rng.uniform(0, np.pi)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            outline = _rectangle(0.03, rng.uniform(0.15, 0.4)) @ turn.T
        speed = 0.0 if rng.random() < 0.5 else rng.uniform(0.2, 1.0)
        path = _drift(rng, frames, rng.uniform(0, 1, 2), speed)
        movers.append(Mover(outline, path, _tone(rng), pinned=True))
    return movers


def occluders(rng: np.random.Generator, frames: int, severity: float) -> list[Mover]:
    """Return things in front of the figure; ``severity`` in 0..1 sets how much they hide."""
    movers = []
    count = 1 + int(rng.binomial(1, severity)) if severity > 0 else 0
    for _ in range(count):
        kind = rng.random()
        if kind < 0.35:  # a pole or a tree
            outline = _rectangle(rng.uniform(0.04, 0.05 + 0.14 * severity), 3.0)
            path = np.tile([rng.uniform(0.25, 0.75), 0.5], (frames, 1))
        elif kind < 0.65:  # a wall or a desk before the legs
            outline = _rectangle(rng.uniform(0.3, 0.9), 0.8)
            level = 1.27 - rng.uniform(0.05, 0.1 + 0.35 * severity)
            path = np.tile([rng.uniform(0.3, 0.7), level], (frames, 1))
        else:  # someone or something passes
            outline = _blob(rng, 1.0) * [0.06 + 0.08 * severity, rng.uniform(0.2, 0.5)]
            start = np.array([rng.uniform(-0.1, 0.5), rng.uniform(0.4, 0.8)])
            path = start + np.linspace(0, 1, frames)[:, None] * [rng.uniform(0.5, 1.2), 0.0]
            if rng.random() < 0.5:
                path = path * [-1, 1] + [1, 0]
        movers.append(Mover(outline, path, _tone(rng), pinned=bool(rng.random() < 0.7)))
    return movers


def draw_shadow(image: Image, foot: Array, radius: float) -> None:
    """Darken the floor under the figure in place; ``foot`` is the contact point in pixels."""
    x, y = np.rint(foot).astype(int).tolist()
    reach = max(2, round(radius))
    flat = max(1, reach // 5)
    top, left = max(0, y - flat), max(0, x - reach)
    patch = image[top : y + flat + 1, left : x + reach + 1]
    if patch.size == 0:
        return
    rows = np.arange(top, top + patch.shape[0])[:, None] - y
    columns = np.arange(left, left + patch.shape[1])[None] - x
    depth = np.clip(1 - (rows / flat) ** 2 - (columns / reach) ** 2, 0, 1)
    patch[:] = (patch * (1 - 0.5 * np.sqrt(depth))[..., None]).astype(np.uint8)


def draw_stool(
    image: Image, seat: Array, floor: float, scale: float, colour: tuple[float, float, float]
) -> None:
    """Draw a stool in place: ``seat`` is the top's centre and ``floor`` a row, both in pixels."""
    half, thick = 0.13 * scale, max(1, round(0.025 * scale))
    left, right = round(seat[0] - half), round(seat[0] + half)
    top, bottom = round(seat[1]), round(floor)
    cv2.rectangle(image, (left, top), (right, top + 2 * thick), colour, -1)
    for x in (left + thick, right - thick):
        cv2.line(image, (x, top), (x, bottom), colour, thick, cv2.LINE_AA)
