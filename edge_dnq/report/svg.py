"""Matplotlib figures as SVG inside a page: the page's font, its colours in light and dark.

SVG rather than a plotting script: the page needs no script at all, its text stays text (searchable,
read aloud, sharp at any size), and a figure weighs kilobytes.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edge_dnq.errors import RuntimeMissingError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, DIM, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"
"""Colours to draw with that the page decides: text, lesser text, lines of the grid, background."""

_PAGE_COLORS = {
    INK: "var(--ink)",
    DIM: "var(--dim)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
}

WIDTH = 300
"""Points across; text of 10 points is then readable on a phone, where a figure fills the width."""

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": DIM,
    "xtick.color": DIM,
    "ytick.color": DIM,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "patch.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "hatch.linewidth": 0.6,
}


@contextmanager
def drawing(height: float, width: float = WIDTH) -> Iterator[Figure]:
    """Yield an empty figure of that many points, in the page's style.

    Raises:
        RuntimeMissingError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RuntimeMissingError(
            f"a report needs matplotlib: pip install 'edge-dnq[report]' ({error})"
        ) from error
    with rc_context(_STYLE):  # type: ignore[arg-type]
        yield Figure(figsize=(width / 72, height / 72), layout="constrained", facecolor="none")


def page_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Return a figure as an SVG element to put into HTML.

    Args:
        figure: Made by :func:`drawing`, still inside it.
        name: Unique in the page; identifiers begin with it.
        title: What it shows, for who cannot see it.
        description: What there is to see.
    """
    out = io.StringIO()
    for axes in figure.axes:
        axes.patch.set_visible(False)
    figure.savefig(out, format="svg", metadata={"Date": None})
    root = ET.fromstring(out.getvalue())
    _strip(root, name)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(place, element)
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return ET.tostring(root, encoding="unicode")


def _strip(root: ET.Element, name: str) -> None:
    """Drop what a page does not need, make identifiers unique, hand colours to the page."""
    for child in [c for c in root if c.tag.endswith("}metadata")]:
        root.remove(child)
    wanted = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            wanted.update(_REFERENCE.findall(value))
            if key == f"{{{_XLINK}}}href":
                wanted.add(value.lstrip("#"))
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in wanted:
            element.set("id", f"{name}-{own}")
        for key, value in element.attrib.items():
            if key == f"{{{_XLINK}}}href":
                element.set(key, f"#{name}-{value.lstrip('#')}")
            elif "#" in value:
                linked = _REFERENCE.sub(rf"url(#{name}-\1)", value)
                element.set(key, _COLOR.sub(_page_color, linked))


def _page_color(match: re.Match[str]) -> str:
    color = match.group(0).lower()
    return _PAGE_COLORS.get(color, f"var({color_variable(color)})")


def color_variable(color: str) -> str:
    """Return the name of the page's variable for a colour ``#RRGGBB``."""
    return f"--c{color.lower().lstrip('#')}"
