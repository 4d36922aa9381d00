"""The report as a reader sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_dnq.report.colors import contrast
from tests.browser import Browser

DEVICES = {"desktop": (1280, 900), "tablet": (768, 1024), "phone": (360, 740)}

FIGURES = """
return [...document.querySelectorAll('figure')].map(figure => {
  const box = figure.getBoundingClientRect();
  const inner = figure.querySelector('svg, img');
  const drawn = inner ? inner.getBoundingClientRect() : {width: 0, height: 0};
  return {name: figure.innerText.slice(0, 40), left: box.left, right: box.right,
          width: drawn.width, height: drawn.height,
          texts: [...figure.querySelectorAll('svg text')].map(text => {
            const style = getComputedStyle(text);
            const matrix = text.getScreenCTM(), scale = Math.hypot(matrix.a, matrix.b);
            return {size: parseFloat(style.fontSize) * scale, color: style.fill,
                    words: text.textContent.trim()};
          })};
});
"""
PICTURES = "return [...document.images].map(image => image.complete && image.naturalWidth)"


def hexadecimal(color: str) -> str:
    """Return ``rgb(1, 2, 3)`` as ``#010203``."""
    parts = color[color.index("(") + 1 : color.index(")")].split(",")[:3]
    return "#" + "".join(f"{round(float(part)):02x}" for part in parts)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("device", DEVICES)
def test_every_figure_is_readable_everywhere(
    browser: Browser, full_report: Path, device: str, dark: bool
) -> None:
    width, height = DEVICES[device]
    browser.show(width, height, dark=dark)
    browser.open(full_report.as_uri())
    assert browser.complaints() == []
    asked = browser.requests()
    assert asked[0] == full_report.as_uri()
    assert all(url.startswith("data:") for url in asked[1:]), asked
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    paper = hexadecimal(browser.ask("return getComputedStyle(document.body).backgroundColor"))
    ink = hexadecimal(browser.ask("return getComputedStyle(document.body).color"))
    assert contrast(paper, "#000000" if dark else "#ffffff") < 2
    assert contrast(ink, paper) >= 7
    figures = browser.ask(FIGURES)
    assert len(figures) >= 25
    for figure in figures:
        assert figure["width"] > 60, figure["name"]
        assert figure["height"] > 40, figure["name"]
        assert 0 <= figure["left"] < figure["right"] <= width + 1, figure["name"]
        for text in figure["texts"]:
            assert text["size"] >= 8, (figure["name"], text)
            assert contrast(hexadecimal(text["color"]), paper) >= 4.5, (figure["name"], text)
    assert all(browser.ask(PICTURES))


def test_figures_have_names(browser: Browser, full_report: Path) -> None:
    browser.show(1280, 900)
    browser.open(full_report.as_uri())
    names = browser.ask(
        "return [...document.querySelectorAll('svg[role=img]')].map(svg =>"
        " svg.getAttribute('aria-labelledby').split(' ')"
        ".map(id => document.getElementById(id)?.textContent))"
    )
    assert len(names) >= 25
    assert all(title and description for title, description in names)
