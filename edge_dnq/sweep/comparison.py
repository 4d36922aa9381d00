"""A policy against a family of rivals at equal milliseconds.

A family gives a handful of points of cost and accuracy. Between two of them lies what a rival gets
that flips a biased coin per clip and applies one setting or the other: its expected cost and its
expected accuracy are both the mix of theirs. The rival at a policy's cost is therefore read off the
*upper hull* of the family's points, from its cheapest to its most accurate one:

- the hull is chosen on the very clips that are scored, which favours the rival;
- every family may also mix with uniform programs, which are a cycle, a cascade or an early exit
  that never skips;
- beyond its most accurate point the rival stays there and costs less than it might;
- below its cheapest point it is taken there, although it costs more than the policy.

The difference is bootstrapped over the groups of clips, pairwise: in every resample both settings
and the policy see the same clips, and the weight is set anew so that the costs are equal in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bootstrap import Estimate, Interval
from edge_dnq.sweep.estimates import Estimates

Float64 = NDArray[np.float64]

SAME_COST = 1e-9
"""Settings whose costs are closer, relative to themselves, are not mixed."""


@dataclass(frozen=True)
class Comparison:
    """A policy against a family at equal cost.

    Attributes:
        rival: The rival's setting, or its two settings, the cheaper one first.
        share: How often the dearer of two is applied.
        ms_per_frame: What the rival costs; that of the policy, but for the ends of the family.
        accuracy_top1: Of the rival.
        difference: The policy's accuracy above the rival's.
    """

    rival: tuple[str, ...]
    share: float
    ms_per_frame: float
    accuracy_top1: float
    difference: Interval


def compare(policy: Estimates, rivals: Mapping[str, Estimates]) -> Comparison:
    """Compare a policy with a family.

    Args:
        policy: Of the bootstrap that the rivals are of.
        rivals: The family's settings by description; at least one.
    """
    names = list(rivals)
    points = [(rivals[name].ms.value, rivals[name].accuracy.value) for name in names]
    hull = [names[place] for place in upper_hull(points)]
    low, high = _neighbours([rivals[name].ms.value for name in hull], policy.ms.value)
    cheap, dear = rivals[hull[low]], rivals[hull[high]]
    share = _share(policy.ms, cheap.ms, dear.ms)
    accuracy, cost = (_mixed(a, b, share) for a, b in _pairs(cheap, dear))
    return Comparison(
        rival=(hull[low],) if low == high else (hull[low], hull[high]),
        share=share.value,
        ms_per_frame=cost.value,
        accuracy_top1=accuracy.value,
        difference=(policy.accuracy - accuracy).interval(),
    )


def upper_hull(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of the upper hull, by cost, from the cheapest to the most accurate point.

    Args:
        points: Cost and accuracy.
    """
    hull: list[int] = []
    for place in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        x, y = points[place]
        if hull and y <= points[hull[-1]][1]:
            continue
        while len(hull) > 1:
            (x0, y0), (x1, y1) = points[hull[-2]], points[hull[-1]]
            if (y1 - y0) * (x - x0) > (y - y0) * (x1 - x0):
                break
            hull.pop()
        hull.append(place)
    return hull


def _neighbours(costs: Sequence[float], target: float) -> tuple[int, int]:
    """Return the places in ascending ``costs`` around ``target``; twice the same at the ends."""
    above = int(np.searchsorted(costs, target))
    if above == 0:
        return 0, 0
    if above == len(costs):
        return above - 1, above - 1
    return above - 1, above


def _share(target: Estimate, cheap: Estimate, dear: Estimate) -> Estimate:
    """Return how often to apply the dearer setting so that the costs are equal."""
    room = dear - cheap
    if room.value <= SAME_COST * cheap.value:
        return Estimate(0.0, np.zeros_like(cheap.resampled))
    wanted = target - cheap
    with np.errstate(divide="ignore", invalid="ignore"):
        resampled = np.nan_to_num(wanted.resampled / room.resampled)
    return Estimate(float(np.clip(wanted.value / room.value, 0, 1)), np.clip(resampled, 0, 1))


def _pairs(cheap: Estimates, dear: Estimates) -> list[tuple[Estimate, Estimate]]:
    return [(cheap.accuracy, dear.accuracy), (cheap.ms, dear.ms)]


def _mixed(one: Estimate, other: Estimate, share: Estimate) -> Estimate:
    return Estimate(
        one.value + share.value * (other.value - one.value),
        one.resampled + share.resampled * (other.resampled - one.resampled),
    )
