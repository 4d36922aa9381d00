"""Make the pictures of the demonstration, of the report and of the live page, from `make demo`.

Run from the root, after `make demo`: python -m docs.screenshots demo_out
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from edge_dnq.video.sources import open_source
from tests.browser import Browser, start_browser

DOCS = Path(__file__).resolve().parent
CLIPS = ("synthetic:2400", "--split", "test", "--limit", "240")
COLORS = 256
FRAMES_SHOWN = 56
PATIENCE_S = 60.0
STRIP_FRAMES, STRIP_SIDE = 6, 240


def edge_dnq(folder: Path, *words: str) -> str:
    """Run a verb in a folder; return what it printed."""
    command = [sys.executable, "-m", "edge_dnq.cli.main", *words]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def shoot(browser: Browser, name: str, top: int, width: int, height: int) -> None:
    """Keep a part of the page as a small PNG."""
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
    taken = browser.driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
    )
    keep(name, Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB"))


def keep(name: str, picture: Image.Image) -> None:
    """Write an RGB picture as a small PNG."""
    path = DOCS / f"{name}.png"
    octree = Image.Quantize.FASTOCTREE  # Other methods give up small patches of colour.
    picture.quantize(COLORS, octree, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"wrote {path.name}, {path.stat().st_size // 1000} kB")


def demonstration(demo: Path) -> None:
    """Keep the timeline, and some frames of the overlay side by side."""
    shutil.copy(demo / "timeline.png", DOCS / "demo-timeline.png")
    with open_source(str(demo / "overlay.mp4")) as video:
        frames = [frame.image for frame in video]
    places = np.linspace(0, len(frames) - 1, STRIP_FRAMES + 2).astype(int)[1:-1]
    tiles = [Image.fromarray(frames[place]).resize((STRIP_SIDE, STRIP_SIDE)) for place in places]
    strip = Image.new("RGB", (STRIP_SIDE * STRIP_FRAMES, STRIP_SIDE))
    for place, tile in enumerate(tiles):
        strip.paste(tile, (place * STRIP_SIDE, 0))
    keep("demo-overlay", strip)


def report(browser: Browser, page: Path) -> None:
    """Shoot the report: its middle in light, its layers in dark, its top on a phone."""
    url = page.resolve().as_uri()
    for name, section, width, height, dark in (
        ("report", "front-section", 1100, 1050, False),
        ("report-layers", "error", 1100, 1050, True),
        ("report-phone", "policy", 390, 844, True),
    ):
        browser.show(width, 900, dark=dark)
        browser.open(url)
        where = f"document.getElementById('{section}').getBoundingClientRect().top"
        shoot(browser, name, int(browser.ask(f"return {where}")), width, height)


def live(browser: Browser, demo: Path) -> None:
    """Shoot the live page while a clip plays, on a desktop and on a phone."""
    for name, width, height, dark in (
        ("live", 1000, 720, True),
        ("live-phone", 390, 844, False),
    ):
        browser.show(width, height, dark=dark)
        words = ["run", "bundle", "clip.mp4", "--serve", "0", "--cost", "0.3"]
        with subprocess.Popen(
            [sys.executable, "-m", "edge_dnq.cli.main", *words],
            cwd=demo,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as run:
            assert run.stderr is not None
            address = None
            while address is None:
                line = run.stderr.readline()
                assert line, "the run did not begin to serve"
                address = re.search(r"http://\S+", line)
            browser.open(address[0])
            end = time.monotonic() + PATIENCE_S
            while _frame(browser) < FRAMES_SHOWN and time.monotonic() < end:
                time.sleep(0.05)
            shoot(browser, name, 0, width, height)
            run.terminate()


def _frame(browser: Browser) -> int:
    words = str(browser.ask("return document.getElementById('frame').textContent"))
    number = words.partition(",")[0]
    return int(number) if number.isdecimal() else 0


def main() -> None:
    """Make all pictures."""
    demo = Path(sys.argv[1])
    demonstration(demo)
    edge_dnq(demo, "profile", "bundle")
    sweep = edge_dnq(demo, "eval", "bundle", *CLIPS, "--sweep", "--json")
    (demo / "sweep.json").write_text(sweep)
    edge_dnq(demo, "report", "bundle", "--eval", "sweep.json", "--clips", *CLIPS)
    browser = start_browser()
    try:
        report(browser, demo / "report.html")
        live(browser, demo)
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main()
