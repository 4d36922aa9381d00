from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.bootstrap import RESAMPLES, Bootstrap, ratio


def test_an_interval_is_that_of_a_normal_mean() -> None:
    rng = np.random.default_rng(0)
    values, each = rng.normal(3.0, 2.0, 400), np.arange(400)
    bootstrap = Bootstrap(400)
    interval = ratio(
        bootstrap.totals(each, values), bootstrap.totals(each, np.ones(400))
    ).interval()
    half = 1.96 * values.std() / np.sqrt(400)
    assert interval.mean == pytest.approx(values.mean())
    # 2000 resamples place the ends within a few hundredths of the deviation of the mean.
    assert interval.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_twins_in_a_group_are_counted_as_one() -> None:
    rng = np.random.default_rng(1)
    hits = np.repeat(rng.integers(0, 2, 50), 8)
    ones = np.ones(400)
    widths = []
    for groups in (np.arange(400), np.repeat(np.arange(50), 8)):
        bootstrap = Bootstrap(groups.max() + 1)
        found = ratio(bootstrap.totals(groups, hits), bootstrap.totals(groups, ones)).interval()
        assert found.mean == pytest.approx(hits.mean())
        widths.append(found.high - found.low)
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(8), rel=0.15)


@given(seed=st.integers(0, 1 << 32), shift=st.floats(-1, 1))
def test_differences_are_paired(seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    values, each = rng.normal(size=30), np.arange(30)
    bootstrap = Bootstrap(30)
    counts = bootstrap.totals(each, np.ones(30))
    one = ratio(bootstrap.totals(each, values + shift), counts)
    other = ratio(bootstrap.totals(each, values), counts)
    assert len(one.resampled) == RESAMPLES
    difference = (one - other).interval()
    for end in (difference.mean, difference.low, difference.high):
        assert end == pytest.approx(shift, abs=1e-9)


def test_groups_count_by_their_size_and_nothing_is_0() -> None:
    groups = np.array([0, 0, 0, 1])
    bootstrap = Bootstrap(2)
    sums = bootstrap.totals(groups, np.array([1, 1, 1, 0]))
    counts = bootstrap.totals(groups, np.ones(4))
    estimate = ratio(sums, counts)
    assert estimate.value == 0.75
    assert set(np.round(estimate.resampled, 6)) == {0.0, 0.75, 1.0}
    nothing = np.zeros_like(sums)
    assert ratio(nothing, nothing).interval().high == 0
