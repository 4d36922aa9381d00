from __future__ import annotations

import io

from rich.console import Console

from edge_dnq.playback import Tally
from edge_dnq.report.live import RunDisplay, prediction_text
from tests.edge_dnq.report.test_timeline import STYLES
from tests.edge_dnq.test_playback import moment


def shown(*, terminal: bool, lines: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, color_system="truecolor")
    tally = Tally(list(STYLES))
    with RunDisplay(console, STYLES, "the title", lines=lines) as display:
        for index in range(4):
            step = moment(index, 2.0, "skip" if index % 2 else "w8a8")
            tally.add(step)
            display.show(step, tally)
        strip = display.strip(3)
    assert strip.plain == "·█·"
    return out.getvalue()


def test_a_terminal_gets_the_table() -> None:
    text = shown(terminal=True)
    assert "the title" in text
    assert "█" in text
    assert "50 %" in text


def test_no_terminal_gets_lines_or_nothing() -> None:
    lines = shown(terminal=False).splitlines()
    assert len(lines) == 4
    assert "\x1b" not in "".join(lines)
    assert "skip" in lines[1]
    assert shown(terminal=False, lines=False) == ""


def test_bars_are_as_long_as_the_score() -> None:
    lines = prediction_text([("run", 1.0), ("sit", 0.5), ("bow", 0.0)]).plain.splitlines()
    assert [line.count("━") for line in lines] == [20, 10, 0]
