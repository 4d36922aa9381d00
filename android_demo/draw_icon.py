"""Draws the icon for launchers before Android 8 from the vector that later ones show.

Run it from the repository's root after the vector changed: ``python -m android_demo.draw_icon``.
"""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

RESOURCES = Path(__file__).resolve().parent / "app/src/main/res"
VIEWPORT = 108
# Launchers cut adaptive icons down to their middle.
VISIBLE = 72
CORNER = 0.18
FINER = 8
SIDES = {"mdpi": 48, "hdpi": 72, "xhdpi": 96, "xxhdpi": 144, "xxxhdpi": 192}


def draw_icon(side: int) -> NDArray[np.uint8]:
    """Return the icon as BGRA, uint8 [side, side, 4]."""
    size = side * FINER
    bars = np.zeros((size, size, 4), np.uint8)
    bars[:] = _color("icon_background")
    scale = size / VISIBLE
    offset = (VIEWPORT - VISIBLE) / 2
    vector = (RESOURCES / "drawable/ic_launcher_foreground.xml").read_text()
    paths = r'fillColor="(#\w{8})"\s+android:pathData="M(\d+),(\d+)h(\d+)v(\d+)h-\d+z"'
    for color, *numbers in re.findall(paths, vector):
        left, top, width, height = map(int, numbers)
        x0, y0, x1, y1 = (
            round((edge - offset) * scale) for edge in (left, top, left + width, top + height)
        )
        bars[y0:y1, x0:x1] = _bgra(color)
    bars[..., 3] = _rounded(size)
    return np.asarray(cv2.resize(bars, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _color(name: str) -> tuple[int, int, int, int]:
    found = re.search(rf'"{name}">(#\w{{8}})<', (RESOURCES / "values/colors.xml").read_text())
    if found is None:
        raise ValueError(f"colors.xml has no {name}")
    return _bgra(found[1])


def _bgra(color: str) -> tuple[int, int, int, int]:
    """Return ``#AARRGGBB`` in OpenCV's order."""
    alpha, red, green, blue = bytes.fromhex(color[1:])
    return blue, green, red, alpha


def _rounded(size: int) -> NDArray[np.uint8]:
    """Return the coverage of a square with round corners, 0 or 255."""
    radius = CORNER * size
    centre = np.arange(size) + 0.5 - size / 2
    beyond = np.maximum(np.abs(centre) - (size / 2 - radius), 0)
    inside = beyond[:, None] ** 2 + beyond[None, :] ** 2 <= radius**2
    return np.where(inside, 255, 0).astype(np.uint8)


def main() -> None:
    """Draw the icon for all densities."""
    for density, side in SIDES.items():
        cv2.imwrite(str(RESOURCES / f"mipmap-{density}/ic_launcher.png"), draw_icon(side))


if __name__ == "__main__":
    main()
