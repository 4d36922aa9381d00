from __future__ import annotations

import numpy as np
import pytest

from edge_dnq.serve.metrics import BUCKETS_MS, RunMetrics
from tests.edge_dnq.serve.conftest import STYLES, moment

parser = pytest.importorskip("prometheus_client.parser")


def samples(metrics: RunMetrics) -> dict[tuple[str, str, str], float]:
    """Return what a Prometheus server would read: (name, action, bound) -> value."""
    return {
        (sample.name, sample.labels.get("action", ""), sample.labels.get("le", "")): sample.value
        for family in parser.text_string_to_metric_families(metrics.text())
        for sample in family.samples
    }


def test_counts_and_durations() -> None:
    metrics = RunMetrics(STYLES, dropped=lambda: 7)
    taken = {"w8a8": range(5), "skip": range(3), "w4a4": range(0)}
    for action, indices in taken.items():
        for index in indices:
            metrics.add(moment(index, action))
    read = samples(metrics)
    for action, indices in taken.items():
        durations = np.array([1.0 + index for index in indices]) / 1e3
        assert read["edge_dnq_frames_total", action, ""] == len(indices)
        assert read["edge_dnq_step_seconds_count", action, ""] == len(indices)
        assert read["edge_dnq_step_seconds_sum", action, ""] == pytest.approx(durations.sum())
        for bound in BUCKETS_MS:
            below = int((durations <= bound / 1e3).sum())
            assert read["edge_dnq_step_seconds_bucket", action, str(bound / 1e3)] == below
    assert read["edge_dnq_dropped_frames_total", "", ""] == 7
    assert ("edge_dnq_cost_bias", "", "") not in read


def test_a_controller_shows() -> None:
    read = samples(RunMetrics(STYLES, cost_bias=lambda: 0.25, target=lambda: 20.0))
    assert read["edge_dnq_cost_bias", "", ""] == 0.25
    assert read["edge_dnq_budget", "", ""] == 20.0
