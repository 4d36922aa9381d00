from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.bootstrap import Estimate
from edge_dnq.sweep.comparison import compare, upper_hull
from edge_dnq.sweep.estimates import Estimates

POINTS = st.lists(
    st.tuples(st.integers(1, 30).map(float), st.integers(0, 30).map(float)), min_size=1, max_size=9
)


def reached(points: list[tuple[float, float]], cost: float) -> float:
    """The best mean accuracy of any mix of two points that costs at most ``cost``."""
    best = max((y for x, y in points if x <= cost), default=-np.inf)
    for x0, y0 in points:
        for x1, y1 in points:
            if x0 <= cost < x1:
                best = max(best, y0 + (y1 - y0) * (cost - x0) / (x1 - x0))
    return best


@given(points=POINTS, cost=st.integers(1, 30).map(float))
def test_the_hull_is_the_best_of_all_mixes(points: list[tuple[float, float]], cost: float) -> None:
    hull = [points[place] for place in upper_hull(points)]
    assert hull[0][0] == min(x for x, _ in points)
    assert hull[-1][1] == max(y for _, y in points)
    xs, ys = zip(*hull, strict=True)
    assert list(xs) == sorted(set(xs))
    assert list(ys) == sorted(set(ys))
    slopes = np.diff(ys) / np.diff(xs)
    assert (np.diff(slopes) < 0).all()
    if cost >= xs[0]:
        assert np.interp(cost, xs, ys) == pytest.approx(reached(points, cost))


def estimates(cost: float, accuracy: float, resampled: list[tuple[float, float]]) -> Estimates:
    rows = np.array(resampled)
    own = Estimate(cost, rows[:, 0]), Estimate(accuracy, rows[:, 1])
    return Estimates(accuracy=own[1], ms=own[0], flicker=Estimate(0.0, rows[:, 0] * 0))


CHEAP = estimates(1.0, 0.4, [(1.0, 0.3), (1.0, 0.5)])
DEAR = estimates(3.0, 0.8, [(3.0, 0.7), (5.0, 0.9)])
WORSE = estimates(2.0, 0.5, [(2.0, 0.5), (2.0, 0.5)])


def test_a_rival_between_two_settings_by_hand() -> None:
    policy = estimates(2.0, 0.7, [(2.0, 0.6), (2.0, 0.9)])
    found = compare(policy, {"cheap": CHEAP, "worse": WORSE, "dear": DEAR})
    assert found.rival == ("cheap", "dear")
    assert found.share == 0.5
    assert found.ms_per_frame == 2.0
    assert found.accuracy_top1 == pytest.approx(0.6)
    assert found.difference.mean == pytest.approx(0.1)
    # First resample: half of each, .6 - .5; second one: a quarter of the dear one, .9 - .6.
    assert found.difference.low == pytest.approx(0.1 + 0.025 * 0.2)
    assert found.difference.high == pytest.approx(0.3 - 0.025 * 0.2)


@pytest.mark.parametrize(("cost", "rival", "ms"), [(0.5, "cheap", 1.0), (9.0, "dear", 3.0)])
def test_beyond_its_ends_a_rival_stays_there(cost: float, rival: str, ms: float) -> None:
    policy = estimates(cost, 0.5, [(cost, 0.5), (cost, 0.5)])
    found = compare(policy, {"cheap": CHEAP, "dear": DEAR})
    assert found.rival == (rival,)
    assert found.ms_per_frame == ms


def test_a_policy_is_no_better_than_itself() -> None:
    found = compare(DEAR, {"cheap": CHEAP, "the same": DEAR})
    assert found.difference.mean == pytest.approx(0)
    assert (found.difference.low, found.difference.high) == pytest.approx((0, 0))


def test_settings_of_equal_cost_are_not_mixed() -> None:
    twin = estimates(1.0, 0.6, [(1.0, 0.6), (1.0, 0.6)])
    found = compare(twin, {"cheap": CHEAP, "twin": twin})
    assert found.rival == ("twin",)
    assert found.difference.mean == 0
