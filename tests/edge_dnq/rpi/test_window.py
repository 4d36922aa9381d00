from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.rpi.window import RecentLogits

LABELS = ["a", "b", "c"]


@given(st.lists(st.tuples(st.floats(0.01, 3), st.booleans()), min_size=1, max_size=40))
def test_only_the_last_seconds_count_and_the_newest_always_does(
    steps: list[tuple[float, bool]],
) -> None:
    recent = RecentLogits(LABELS, 4.0)
    random = np.random.default_rng(len(steps))
    at, executed, times = 0.0, [], []
    for gap, runs in [(1.0, True), *steps]:
        at += gap
        logits = random.normal(size=3).astype(np.float32) if runs else None
        recent.add(at, logits)
        times.append(at)
        if logits is not None:
            executed.append((at, logits))
    kept = [logits for when, logits in executed if when > at - 4] or [executed[-1][1]]
    prediction = recent.prediction()
    mean = np.mean(kept, axis=0, dtype=np.float64)
    assert prediction.label == LABELS[int(mean.argmax())]
    assert prediction.executed == len(kept)
    assert prediction.frames == sum(when > at - 4 for when in times)
    assert abs(sum(score for _, score in prediction.top) - 1) < 1e-9


def test_a_class_long_gone_is_forgotten() -> None:
    recent = RecentLogits(LABELS, 4.0)
    for second in range(1000):
        recent.add(float(second), np.array([9, 0, 0], np.float32))
    for second in range(1000, 1005):
        recent.add(float(second), np.array([0, 9, 0], np.float32))
    assert recent.prediction().label == "b"
