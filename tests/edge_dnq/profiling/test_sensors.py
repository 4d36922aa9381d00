from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from edge_dnq.profiling.sensors import Reading, Sensors, hottest


@dataclass
class Entry:
    current: float


def test_the_processor_is_preferred() -> None:
    groups = {"nvme": [Entry(80.0)], "cpu_thermal": [Entry(51.0), Entry(55.5)]}
    assert hottest(groups) == 55.5
    assert hottest({"acpitz": [Entry(40.0)]}) == 40.0
    assert hottest({}) is None


def test_reading_gives_plausible_values_or_none() -> None:
    reading = Sensors().read()
    assert reading.celsius is None or -50 < reading.celsius < 150
    assert reading.megahertz is None or reading.megahertz > 0


def test_without_psutil_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    sensors = Sensors()
    assert not sensors.available
    assert sensors.read() == Reading(None, None)
