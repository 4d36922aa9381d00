"""One colour and one mark per action, the same in the terminal, in videos and in plots.

The colours are those of Okabe and Ito, "Color Universal Design" (2008), which people with any
common kind of colour vision can tell apart. Marks differ in height too, so that nothing hangs on
colour alone: the taller, the more precise.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_dnq.manifest import Manifest

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
SKY, PURPLE, VERMILION, YELLOW = "#56B4E9", "#CC79A7", "#D55E00", "#F0E442"
GREY = "#8A8A8A"
GREYS = (GREY, "#BDBDBD", "#5A5A5A")
"""Of skips: the shortest first."""

BY_BITS = {32: VERMILION, 8: BLUE, 4: ORANGE, 2: GREEN}
SPARE = (SKY, PURPLE, YELLOW)
HEIGHTS = {32: 1.0, 8: 1.0, 4: 0.6, 2: 0.3}
SKIP_HEIGHT = 0.08

SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE)
"""Colours of curves, in order."""

_BLOCKS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class ActionStyle:
    """How an action looks.

    Attributes:
        name: The action.
        color: ``#RRGGBB``.
        height: Height of its mark, 0..1.
    """

    name: str
    color: str
    height: float

    @property
    def mark(self) -> str:
        """One character of a terminal."""
        if self.height <= SKIP_HEIGHT:
            return "·"
        return _BLOCKS[max(1, round(self.height * (len(_BLOCKS) - 1)))]

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as 0..255 values."""
        red, green, blue = (int(self.color[i : i + 2], 16) for i in (1, 3, 5))
        return red, green, blue


def action_styles(manifest: Manifest) -> dict[str, ActionStyle]:
    """Return the style of every action of a bundle, in its order.

    A second program of the same width (say, at another resolution) takes a spare colour.
    """
    bits = {program.name: program.activation_bits for program in manifest.programs}
    spare = iter(SPARE * (1 + len(manifest.actions)))
    greys = iter(GREYS * (1 + len(manifest.actions)))
    taken: set[str] = set()
    styles = {}
    for action in manifest.actions:
        if action.program is None:
            styles[action.name] = ActionStyle(action.name, next(greys), SKIP_HEIGHT)
            continue
        width = bits[action.program]
        color = BY_BITS[width] if BY_BITS[width] not in taken else next(spare)
        taken.add(color)
        styles[action.name] = ActionStyle(action.name, color, HEIGHTS[width])
    return styles


def luminance(color: str) -> float:
    """Return the relative luminance of ``#RRGGBB``, as WCAG 2 defines it."""
    linear = []
    for i in (1, 3, 5):
        part = int(color[i : i + 2], 16) / 255
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1..21, as WCAG 2 defines it."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def readable_on(color: str, paper: str, ratio: float = 3.0) -> str:
    """Return ``color``, moved towards black or white until it stands out from ``paper``.

    Args:
        color: ``#RRGGBB``.
        paper: What it is drawn on.
        ratio: Contrast to reach; WCAG 2 asks 3 of graphics, 4.5 of text.
    """
    target = 0 if luminance(paper) > 0.18 else 255
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    for step in range(101):
        mixed = [round(part + (target - part) * step / 100) for part in parts]
        shown = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast(shown, paper) >= ratio:
            return shown
    return "#ffffff" if target else "#000000"
