"""A run in the terminal: live while it goes on, plain lines where there is no terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge_dnq.playback import Moment, Tally
from edge_dnq.report.colors import ActionStyle

REFRESHES_PER_SECOND = 8
STRIP = 400
BAR = 20


class RunDisplay:
    """A context manager that shows moments as they come.

    Args:
        console: Where to; not a terminal means one line per frame.
        styles: Look of every action.
        title: What runs on what.
        lines: Whether to print the lines where there is no terminal.
    """

    def __init__(
        self,
        console: Console,
        styles: Mapping[str, ActionStyle],
        title: str,
        *,
        lines: bool = True,
    ) -> None:
        self._lines = lines
        self._console = console
        self._styles = styles
        self._title = title
        self._strip: deque[str] = deque(maxlen=STRIP)
        self._tally: Tally | None = None
        self._moment: Moment | None = None
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(
                console=console,
                refresh_per_second=REFRESHES_PER_SECOND,
                get_renderable=self._render,
                transient=True,
            )

    def __enter__(self) -> RunDisplay:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, moment: Moment, tally: Tally) -> None:
        """Take note of a moment; the terminal is redrawn at its own pace."""
        self._strip.append(moment.step.action)
        self._moment, self._tally = moment, tally
        if self._live is None and self._lines:
            self._console.print(_line(moment), markup=False, highlight=False, soft_wrap=True)

    def strip(self, width: int) -> Text:
        """Return the newest ``width`` frames as coloured marks, oldest first."""
        text = Text()
        for name in list(self._strip)[-width:]:
            style = self._styles[name]
            text.append(style.mark, style=style.color)
        return text

    def _render(self) -> Group:
        if self._moment is None or self._tally is None:
            return Group(Text(self._title, style="bold"), Text("waiting for the first frame"))
        width = max(10, self._console.width - 2)
        moment = self._moment
        now = Text(
            f"frame {moment.frame.index}  {moment.frame.time_s:.1f} s  "
            f"{moment.step.latency_ms:.1f} ms"
        )
        return Group(
            Text(self._title, style="bold", overflow="ellipsis", no_wrap=True),
            now,
            self.strip(width),
            prediction_text(moment.prediction.top[:3]),
            action_table(self._tally, self._styles),
        )


def _line(moment: Moment) -> str:
    step, prediction = moment.step, moment.prediction
    return (
        f"frame {moment.frame.index:6d}  {moment.frame.time_s:9.3f} s  {step.action:>8}  "
        f"{step.latency_ms:8.2f} ms  {prediction.label} {100 * prediction.score:.0f} %"
    )


def prediction_text(top: list[tuple[str, float]]) -> Text:
    """Return the likeliest classes, one line each, with a bar for the score."""
    text = Text()
    width = max(len(label) for label, _ in top)
    for place, (label, score) in enumerate(top):
        filled = round(score * BAR)
        text.append("\n" if place else "")
        text.append(f"{label:<{width}}  ", style="bold" if place == 0 else "")
        text.append("━" * filled, style="cyan")
        text.append("·" * (BAR - filled), style="bright_black")
        text.append(f" {100 * score:3.0f} %")
    return text


def action_table(tally: Tally, styles: Mapping[str, ActionStyle]) -> Table:
    """Return how often each action was taken and what it took."""
    made = Table(header_style="bold")
    made.add_column("action")
    for name in ("frames", "share", "ms per frame"):
        made.add_column(name, justify="right")
    for name, count in tally.actions.items():
        style = styles[name]
        cost = f"{tally.action_ms[name] / count:.2f}" if count else ""
        label = Text.assemble((style.mark, style.color), f" {name}")
        made.add_row(label, str(count), f"{100 * count / max(1, tally.frames):.0f} %", cost)
    return made
