"""From joints to a dressed figure: body parts as tapered capsules, drawn far to near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.synthetic.skeleton import JOINTS, Array, Body
from edge_dnq.video.opencv import cv2

_SHIFT = 4
_ARC = np.linspace(-np.pi / 2, np.pi / 2, 6)
_SKIN = np.array([[236, 188, 160], [208, 154, 118], [165, 112, 80], [118, 78, 54], [84, 56, 42]])
_HAIR = np.array([[32, 26, 24], [92, 60, 36], [186, 150, 92], [120, 116, 114], [140, 62, 34]])

Colour = tuple[float, float, float]
_TORSO = 1


@dataclass(frozen=True)
class Part:
    """A capsule between two joints; radii are fractions of the standing height.

    Parts of one layer lie at the same depth and share a rim.
    """

    start: int
    end: int
    start_radius: float
    end_radius: float
    colour: Colour
    layer: int


def _colour(values: Array) -> Colour:
    r, g, b = np.clip(values, 0, 255)
    return float(r), float(g), float(b)


def _cloth(rng: np.random.Generator) -> Colour:
    """Draw a colour of clothing: any hue, never quite grey, from dark to bright."""
    hsv = np.array([[[rng.integers(180), rng.integers(120, 256), rng.integers(80, 250)]]], np.uint8)
    return _colour(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64))


def dress(body: Body, rng: np.random.Generator) -> tuple[Part, ...]:
    """Return the parts of a figure with drawn skin, hair and clothes."""
    skin = _colour(_SKIN[rng.integers(len(_SKIN))] + rng.normal(0, 8, 3))
    hair = _colour(_HAIR[rng.integers(len(_HAIR))] + rng.normal(0, 8, 3))
    shirt, trousers, shoes = _cloth(rng), _cloth(rng), _cloth(rng)
    long_sleeves, long_legs = rng.random() < 0.5, rng.random() < 0.7
    index = {name: i for i, name in enumerate(JOINTS)}
    girth = body.girth
    parts: list[Part] = []

    def add(a: str, b: str, start: float, end: float, colour: Colour, layer: int = 0) -> None:
        layer = layer or len(parts) + 1
        parts.append(Part(index[a], index[b], start, end, colour, layer))

    add("chest", "pelvis", 0.06 * girth, 0.054 * girth, shirt, _TORSO)
    for s in ("l_", "r_"):
        fore = shirt if long_sleeves else skin
        shin = trousers if long_legs else skin
        add(s + "hip", s + "knee", 0.046 * girth, 0.034 * girth, trousers)
        add(s + "knee", s + "ankle", 0.033 * girth, 0.022, shin)
        add(s + "ankle", s + "toe", 0.024, 0.017, shoes)
        add(s + "shoulder", s + "hip", 0.042 * girth, 0.04 * girth, shirt, _TORSO)
        add(s + "shoulder", s + "elbow", 0.034 * girth, 0.027 * girth, shirt)
        add(s + "elbow", s + "hand", 0.026 * girth, 0.018, fore)
        add(s + "hand", s + "hand", 0.025, 0.025, skin)
    add("chest", "neck", 0.03, 0.027, skin)
    add("head", "head", body.head * 1.06, body.head * 1.06, hair)
    add("face", "face", body.head * 0.82, body.head * 0.82, skin)
    return tuple(parts)


def _capsules(points: Array, parts: tuple[Part, ...], scale: Array, grow: float) -> Array:
    """Return outlines ``[T, parts, 12, 2]`` around the pixel ``points`` [T, J, 2]."""
    a = points[:, [p.start for p in parts]]
    b = points[:, [p.end for p in parts]]
    along = b - a
    angle = np.arctan2(along[..., 1], along[..., 0])[..., None]
    head = angle + _ARC
    tail = angle + np.pi + _ARC
    start = np.array([p.start_radius for p in parts])[:, None] * scale[:, None, None] + grow
    end = np.array([p.end_radius for p in parts])[:, None] * scale[:, None, None] + grow
    front = b[:, :, None] + end[..., None] * np.stack([np.cos(head), np.sin(head)], -1)
    back = a[:, :, None] + start[..., None] * np.stack([np.cos(tail), np.sin(tail)], -1)
    return np.concatenate([front, back], axis=2)


@dataclass(frozen=True)
class Figure:
    """A figure placed on the screen for every frame of a clip, ready to draw.

    Attributes:
        outlines: Fixed-point polygons ``[T, parts, 12, 2]`` of the darker rims.
        fills: Fixed-point polygons ``[T, parts, 12, 2]``.
        layers: Part indices of every layer.
        order: Layers from far to near ``[T, layers]``.
        colours: Fill colours ``[T, parts, 3]``, darker on far limbs.
        boxes: Bounding boxes ``[T, 4]`` in pixels: left, top, right, bottom.
    """

    outlines: NDArray[np.int32]
    fills: NDArray[np.int32]
    layers: tuple[tuple[int, ...], ...]
    order: NDArray[np.int64]
    colours: Array
    boxes: Array

    def draw(self, image: NDArray[np.uint8], frame: int) -> None:
        """Draw the figure of ``frame`` into ``image`` (RGB, in place)."""
        fills, outlines = self.fills[frame], self.outlines[frame]
        colours = self.colours[frame].tolist()
        rims = (self.colours[frame] * 0.55).tolist()
        for layer in self.order[frame]:
            for part in self.layers[layer]:
                cv2.fillConvexPoly(image, outlines[part], rims[part], cv2.LINE_AA, _SHIFT)
            for part in self.layers[layer]:
                cv2.fillConvexPoly(image, fills[part], colours[part], cv2.LINE_AA, _SHIFT)


def place(
    parts: tuple[Part, ...], points: Array, nearness: Array, scale: Array, rim: float
) -> Figure:
    """Prepare a figure for drawing.

    Args:
        parts: The dressed body.
        points: Joints in pixels ``[T, J, 2]`` (y down).
        nearness: Depth of the joints ``[T, J]`` in body heights, greater is nearer.
        scale: Standing height in pixels per frame ``[T]``.
        rim: Width of the dark rim in pixels.
    """
    starts, ends = [p.start for p in parts], [p.end for p in parts]
    depth = 0.5 * (nearness[:, starts] + nearness[:, ends])
    depth[:, -1] = depth[:, -2] + np.where(
        nearness[:, ends[-1]] > nearness[:, ends[-2]] - 0.01, 0.01, -1
    )
    layers: dict[int, list[int]] = {}
    for i, part in enumerate(parts):
        layers.setdefault(part.layer, []).append(i)
    layer_depth = np.stack([depth[:, members].mean(axis=1) for members in layers.values()], axis=1)
    for members in layers.values():
        depth[:, members] = depth[:, members].mean(axis=1, keepdims=True)
    shade = np.clip(1.0 + 1.4 * depth, 0.68, 1.08)[..., None]
    colours = np.clip(np.array([p.colour for p in parts])[None] * shade, 0, 255)
    fills = _capsules(points, parts, scale, 0.0)
    outlines = _capsules(points, parts, scale, rim)
    low, high = fills.min(axis=(1, 2)), fills.max(axis=(1, 2))
    fixed = float(1 << _SHIFT)
    return Figure(
        outlines=np.rint(outlines * fixed).astype(np.int32),
        fills=np.rint(fills * fixed).astype(np.int32),
        layers=tuple(tuple(members) for members in layers.values()),
        order=np.argsort(layer_depth, axis=1, kind="stable"),
        colours=colours,
        boxes=np.concatenate([low, high], axis=1),
    )
