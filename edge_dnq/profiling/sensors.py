"""The processor's temperature and frequency, where the system shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CPU_SENSORS = ("cpu_thermal", "cpu-thermal", "coretemp", "k10temp", "zenpower", "soc_thermal")
"""Names under which Linux shows the processor's own sensor, on boards and on PCs."""

MISSING = "temperature and frequency need psutil: pip install 'edge-dnq[profile]'"


@dataclass(frozen=True)
class Reading:
    """What the sensors show: degrees Celsius and megahertz; None where they show nothing."""

    celsius: float | None = None
    megahertz: float | None = None


class Sensors:
    """Reads temperature and frequency through psutil, which knows the files of each system.

    Attributes:
        available: Whether psutil is installed.
    """

    def __init__(self) -> None:
        try:
            import psutil
        except ImportError:
            self._psutil: Any = None
        else:
            self._psutil = psutil
        self.available = self._psutil is not None

    def read(self) -> Reading:
        """Return the present values."""
        if self._psutil is None:
            return Reading()
        # psutil leaves the function out on systems without sensors.
        temperatures = getattr(self._psutil, "sensors_temperatures", dict)
        try:
            celsius = hottest(temperatures())
            frequency = self._psutil.cpu_freq()
        except OSError:  # Containers may hide or break the files.
            return Reading()
        current = float(frequency.current) if frequency is not None else 0.0
        return Reading(celsius, current or None)


def hottest(groups: Mapping[str, Sequence[Any]]) -> float | None:
    """Return the highest temperature of the processor's sensors, or of all where it has none."""
    own = [groups[name] for name in CPU_SENSORS if name in groups] or list(groups.values())
    values = [float(entry.current) for group in own for entry in group]
    return max(values, default=None)
