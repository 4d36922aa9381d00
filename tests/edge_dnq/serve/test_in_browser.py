"""The live page as a watcher sees it, with a loop that plays beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from edge_dnq.budget import BudgetPicker
from edge_dnq.playback import Tally
from edge_dnq.report.colors import contrast
from edge_dnq.serve.control import BudgetControl
from edge_dnq.serve.metrics import RunMetrics
from edge_dnq.serve.spectators import Spectators, Wanted
from tests.browser import Browser
from tests.edge_dnq.report.test_in_browser import hexadecimal
from tests.edge_dnq.serve.conftest import LOCAL, STYLES, CountingFeed, Page, until
from tests.edge_dnq.serve.test_control import EVERYTHING, LOGITS, picker

STRIP_COLORS = """
const canvas = document.getElementById('strip');
const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
const colors = new Set();
for (let i = 0; i < pixels.length; i += 4)
  if (pixels[i + 3] === 255) colors.add(`rgb(${pixels[i]}, ${pixels[i + 1]}, ${pixels[i + 2]})`);
return [...colors];
"""
MOVE = """
const slider = document.getElementById('budget');
slider.value = arguments[0];
slider.dispatchEvent(new Event('input'));
slider.dispatchEvent(new Event('change'));
"""


class Loop:
    """A loop that runs until it is told to end."""

    def __init__(self, page: Page, driven: BudgetPicker) -> None:
        self.page, self.driven = page, driven
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def _play(self) -> None:
        names = list(STYLES)
        while not self._over.wait(0.02):
            action = self.driven.pick(LOGITS, EVERYTHING)
            self.driven.observe(action, (10.0, 5.0, 1.0)[action])
            self.page.play(1, names[action])

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self.page.feed.end()


@pytest.fixture
def loop() -> Iterator[Loop]:
    driven, tally = picker(), Tally(list(STYLES))
    feed = CountingFeed(STYLES, tally, "demo on <clip>", control=BudgetControl(driven))
    with Spectators(Wanted(page=LOCAL), feed, RunMetrics(STYLES)) as spectators:
        running = Loop(Page(feed, tally, spectators), driven)
        try:
            yield running
        finally:
            running.end()


def text(browser: Browser, name: str) -> str:
    return str(browser.ask(f"return document.getElementById('{name}').textContent"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 740)], ids=["desktop", "phone"])
def test_it_shows_the_run(
    browser: Browser, loop: Loop, width: int, height: int, dark: bool
) -> None:
    browser.show(width, height, dark=dark)
    browser.open(f"http://127.0.0.1:{loop.page.port}/")
    until(lambda: text(browser, "state") == "live", "numbers")
    until(lambda: browser.ask("return document.images[0].naturalWidth") == 640, "a picture")
    assert text(browser, "label") == "wave"
    assert "w8a8 100 %" in " ".join(text(browser, "actions").split())
    before = text(browser, "frame")
    until(lambda: text(browser, "frame") != before, "the next frame")
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    paper = hexadecimal(browser.ask("return getComputedStyle(document.body).backgroundColor"))
    shown = [hexadecimal(color) for color in browser.ask(STRIP_COLORS)]
    assert shown
    assert all(contrast(color, paper) >= 3 for color in shown)
    for name in ("label", "top", "action", "fps", "latency", "control"):
        style = f"getComputedStyle(document.getElementById('{name}')).color"
        assert contrast(hexadecimal(browser.ask(f"return {style}")), paper) >= 4.5, name
    loop.end()
    until(lambda: text(browser, "state") == "the run has ended", "the end")
    assert browser.complaints() == []
    own = f"http://127.0.0.1:{loop.page.port}/"
    assert all(url.startswith((own, "data:")) for url in browser.requests())


def test_the_slider_moves_the_loop(browser: Browser, loop: Loop) -> None:
    browser.show(1280, 900)
    browser.open(f"http://127.0.0.1:{loop.page.port}/")
    until(lambda: not browser.ask("return document.getElementById('control').hidden"), "a slider")
    assert browser.ask("return document.getElementById('budget').disabled")
    browser.ask("document.getElementById('held').click()")
    until(lambda: loop.driven.budget is not None, "a budget")
    browser.driver.execute_script(MOVE, 3.0)
    until(lambda: loop.driven.budget is not None and loop.driven.budget.value == 3.0, "the target")
    until(lambda: text(browser, "target") == "3.00 ms per frame", "the target on the page")
    until(lambda: loop.page.feed.status()["recent"][-1] != 0, "a cheaper action")
    until(lambda: float(text(browser, "bias")) > 0, "a price")
    browser.ask("document.getElementById('held').click()")
    until(lambda: loop.driven.budget is None, "no budget")
    until(lambda: text(browser, "bias") == "0.00", "no price")
    assert browser.complaints() == []
