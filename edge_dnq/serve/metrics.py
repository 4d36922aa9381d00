"""A run's numbers for Prometheus, through its own client library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING

from edge_dnq.playback import Moment
from edge_dnq.profiling.sensors import Reading, Sensors

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BUCKETS_MS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000)
SENSORS_S = 1.0
"""Sensors are read again after so many seconds; some take milliseconds."""


class RunMetrics:
    """Counts frames, and tells the rest when it is asked.

    Args:
        actions: Names of all actions.
        dropped: Frames lost so far.
        cost_bias: The price of time, lambda, now; None where there is no controller.
        target: What the controller holds, in its own unit; None where it holds nothing.
    """

    def __init__(
        self,
        actions: Iterable[str],
        *,
        dropped: Callable[[], int] = lambda: 0,
        cost_bias: Callable[[], float | None] = lambda: None,
        target: Callable[[], float | None] = lambda: None,
    ) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry = CollectorRegistry(auto_describe=True)
        frames = Counter(
            "edge_dnq_frames",
            "Frames seen, by the action taken.",
            ["action"],
            registry=self.registry,
        )
        seconds = Histogram(
            "edge_dnq_step_seconds",
            "Duration of the whole step, by the action taken.",
            ["action"],
            buckets=[bound / 1e3 for bound in BUCKETS_MS],
            registry=self.registry,
        )
        # Looked up once: the loop passes here with every frame.
        self._children = {name: (frames.labels(name), seconds.labels(name)) for name in actions}
        self._dropped, self._cost_bias, self._target = dropped, cost_bias, target
        self._sensors, self._reading, self._read_at = Sensors(), Reading(), float("-inf")
        self.registry.register(self)

    def add(self, moment: Moment) -> None:
        """Count one moment."""
        frames, seconds = self._children[moment.step.action]
        frames.inc()
        seconds.observe(moment.step.latency_ms / 1e3)

    def collect(self) -> Iterator[Metric]:
        """Yield what is only looked up when someone asks."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        yield CounterMetricFamily(
            "edge_dnq_dropped_frames",
            "Frames that came while the loop was busy and were lost.",
            value=self._dropped(),
        )
        reading = self._sensor_reading()
        for name, text, value in (
            ("cost_bias", "Lambda: logits given up per unit of cost.", self._cost_bias()),
            ("budget", "What the controller holds, in the unit it was given in.", self._target()),
            ("cpu_celsius", "Temperature of the processor.", reading.celsius),
            ("cpu_megahertz", "Frequency of the processor.", reading.megahertz),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"edge_dnq_{name}", text, value=value)

    def _sensor_reading(self) -> Reading:
        if monotonic() - self._read_at > SENSORS_S:
            self._reading, self._read_at = self._sensors.read(), monotonic()
        return self._reading

    def text(self) -> str:
        """Return everything in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry).decode()

    def answer(self, accept: str) -> tuple[bytes, str]:
        """Return everything in the format that a request's Accept header prefers, and its type."""
        from prometheus_client.exposition import choose_encoder

        encode, kind = choose_encoder(accept)
        return encode(self.registry), kind
