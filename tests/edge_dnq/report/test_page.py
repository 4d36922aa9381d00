from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import EdgeDnqError
from edge_dnq.profiling.table import CostTable, costs_folder, write_table
from edge_dnq.report.page import Report, matching_tables, render, write_report


class Reader(HTMLParser):
    """Collects what a page refers to, its text, and elements that were not closed."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "data") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_it_holds_all_that_it_shows(full_report: Path) -> None:
    page = full_report.read_text()
    reader = read(page)
    assert {link[:5] for link in reader.links} - {"data:"} <= {
        link[:5] for link in reader.links if link.startswith("#")
    }
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert "<script" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert len(page) < 3_000_000


def test_it_tells_everything_in_words_too(full_report: Path, bundle: Bundle) -> None:
    text = read(full_report.read_text()).text
    for word in (
        *bundle.manifest.labels,
        *(action.name for action in bundle.manifest.actions),
        "uniform:w8a8", "w4a4,skip", "70.0 %", "2030-01-02", "degrees C",
        "Example clips", "0 <b>&.mp4", "SQNR", "equal",
    ):  # fmt: skip
        assert word in text, word


def test_what_was_not_given_names_its_command(bundle: Bundle) -> None:
    page = render(Report(bundle, None))
    text = read(page).text
    assert "--eval eval.json" in text
    assert "--clips CLIPS_CSV" in text
    assert "<svg" not in page


def test_costs_of_this_bundle_are_found_and_no_others(damaged: Path, cost_table: CostTable) -> None:
    bundle = Bundle.load(damaged)
    assert matching_tables(bundle) == ([], [])
    folder = costs_folder(damaged)
    write_table(folder / "own.json", cost_table)
    subject = msgspec.structs.replace(cost_table.subject, bundle="0" * 64)
    write_table(folder / "stale.json", msgspec.structs.replace(cost_table, subject=subject))
    (folder / "wrong.json").write_text("{}")
    found, problems = matching_tables(bundle)
    assert found == [cost_table]
    assert len(problems) == 2
    assert "stale.json is of another export" in problems[0]
    assert "wrong.json is not a cost table" in problems[1]


def test_names_cannot_become_markup(bundle: Bundle, tmp_path: Path) -> None:
    wild = "<script>alert(1)</script>"
    manifest = msgspec.structs.replace(bundle.manifest, name=wild)
    page = render(Report(Bundle(bundle.path, manifest, bundle._contents), None))
    assert "<script" not in page
    assert wild in read(page).text


def test_it_is_written_whole_or_not_at_all(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(EdgeDnqError, match="cannot write"):
        write_report(Path("/proc/nowhere/report.html"), Report(bundle, None))
    write_report(tmp_path / "r.html", Report(bundle, None))
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
