"""A real browser: Chromium without a window."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

LOADING_S = 60


class Browser:
    """A browser and what it complained about.

    Args:
        driver: Selenium's.
    """

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def show(self, width: int, height: int, *, dark: bool = False) -> None:
        """Take the shape of a device that is light or dark."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, url: str) -> None:
        """Forget what was, and load a page."""
        self.complaints()
        self.requests()
        self.driver.get(url)

    def ask(self, script: str) -> Any:
        """Return what a line of JavaScript gives."""
        return self.driver.execute_script(script)

    def complaints(self) -> list[str]:
        """Return what has come to the console since the last call, errors and warnings."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the URLs that were asked for since the last call."""
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


def start_browser() -> Browser:
    """Start the installed Chromium without a window."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.page_load_strategy = "eager"  # A page with a video never finishes loading.
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for argument in ("--headless=new", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # It refuses to be root otherwise.
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(LOADING_S)
    return Browser(driver)


@pytest.fixture(scope="session")
def browser(require_tools: Callable[..., None]) -> Iterator[Browser]:
    """A browser for the whole session; skips where there is none."""
    require_tools("chromium", "chromedriver")
    pytest.importorskip("selenium")
    started = start_browser()
    yield started
    started.driver.quit()
