"""How the board is: temperature, and whether it was slowed down."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edge_dnq.profiling.sensors import Sensors

THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
TEMPERATURE = "class/thermal/thermal_zone0/temp"

FLAGS = {
    0: "under_voltage",
    1: "frequency_capped",
    2: "throttled",
    3: "soft_temperature_limit",
}
"""Bits of the firmware's word; 16 higher stands whether it was so since the start."""


@dataclass(frozen=True)
class Health:
    """What the board says; None where it says nothing.

    Attributes:
        celsius: Temperature of the processor.
        now: What slows it down now.
        since_boot: What slowed it down at any time since it was started.
    """

    celsius: float | None = None
    now: tuple[str, ...] | None = None
    since_boot: tuple[str, ...] | None = None


class Board:
    """Reads the kernel's files, or asks the firmware's tool where a kernel has no file.

    Args:
        sys: Where sysfs is.
    """

    def __init__(self, sys: Path = Path("/sys")) -> None:
        self._sys = sys
        self._sensors = Sensors()
        self._tool = shutil.which("vcgencmd")

    def read(self) -> Health:
        """Return how it is now."""
        word = self._throttled()
        if word is None:
            return Health(self._celsius())
        return Health(self._celsius(), flags(word), flags(word >> 16))

    def _celsius(self) -> float | None:
        text = _text(self._sys / TEMPERATURE)
        try:
            return int(text) / 1e3
        except ValueError:
            return self._sensors.read().celsius

    def _throttled(self) -> int | None:
        text = _text(self._sys / THROTTLED) or self._ask()
        try:
            return int(text.rpartition("=")[2], 16)
        except ValueError:
            return None

    def _ask(self) -> str:
        if self._tool is None:
            return ""
        try:
            command = [self._tool, "get_throttled"]
            return subprocess.run(command, capture_output=True, text=True, timeout=2).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            return ""


def flags(word: int) -> tuple[str, ...]:
    """Return the names of the lowest bits that are set."""
    return tuple(name for bit, name in FLAGS.items() if word >> bit & 1)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
