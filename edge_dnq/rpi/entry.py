"""Where the console script begins: before anything is imported that a 32-bit system lacks."""

from __future__ import annotations

import sys

WRONG = 2


def process() -> None:
    """Run ``edge-dnq-rpi``, or say in one line that the system is not one for it."""
    if sys.maxsize < 2**32:
        print(
            "error: edge-dnq needs a 64-bit system, and this Python is a 32-bit one: install "
            "Raspberry Pi OS (64-bit), which every board from the Pi 3 and Zero 2 W on runs",
            file=sys.stderr,
        )
        raise SystemExit(WRONG)
    from edge_dnq.rpi.main import process as run

    run()
