from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from edge_dnq.report.colors import BLUE, ORANGE, contrast, readable_on
from edge_dnq.report.page import PAPERS, color_variables
from edge_dnq.report.svg import drawing, page_svg

pytest.importorskip("matplotlib")


def drawn(name: str) -> str:
    with drawing(120) as figure:
        axes = figure.subplots()
        axes.plot([0, 1, 2], [2, 1, 3], color=BLUE, marker="o", label="a line")
        axes.bar([0, 1], [1, 2], color=ORANGE, hatch="//")
        axes.set_xlabel("across & <beyond>")
        return page_svg(figure, name, "A <title>", 'what "there" is')


def test_it_is_named_for_who_cannot_see_it() -> None:
    root = ET.fromstring(drawn("f"))
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.text, description.text) == ("A <title>", 'what "there" is')
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert root.get("width") is None
    # Text stays text.
    assert "across & <beyond>" in "".join(root.itertext())


def test_identifiers_of_two_figures_differ_and_all_references_are_met() -> None:
    seen: set[str] = set()
    for name in ("one", "two"):
        svg = drawn(name)
        own = re.findall(r'\bid="([^"]+)"', svg)
        assert len(own) == len(set(own))
        assert not seen & set(own)
        seen |= set(own)
        wanted = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg))
        assert wanted
        assert wanted <= set(own)


def test_the_page_decides_every_colour() -> None:
    svg = drawn("f")
    assert not re.findall(r"#[0-9a-fA-F]{6}\b", svg)
    known = {"--ink", "--dim", "--grid", "--paper", *color_variables("#ffffff")}
    assert set(re.findall(r"var\((--[a-z0-9]+)\)", svg)) <= known


@pytest.mark.parametrize("paper", PAPERS.values())
def test_colours_stand_out_and_stay_apart(paper: str) -> None:
    variables = color_variables(paper)
    for value in variables.values():
        assert contrast(value, paper) >= 3, value
    assert len(set(variables.values())) >= len(variables) - 1


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert readable_on("#000000", "#ffffff") == "#000000"
