"""Paired bootstrap intervals of ratios (Efron, 1979), by groups of what belongs together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0


@dataclass(frozen=True)
class Interval:
    """A value over all clips and its bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A statistic of all clips and of R resamples of them; those of one bootstrap are paired.

    Attributes:
        value: Of all clips.
        resampled: Of every resample, [R].
    """

    value: float
    resampled: Float64

    def __sub__(self, other: Estimate) -> Estimate:
        return Estimate(self.value - other.value, self.resampled - other.resampled)

    def over(self, unit: float) -> Estimate:
        """Return the same in another unit."""
        return Estimate(self.value / unit, self.resampled / unit)

    def interval(self) -> Interval:
        """Return the percentile interval at :data:`CONFIDENCE`."""
        tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
        low, high = np.quantile(self.resampled, tails)
        return Interval(self.value, float(low), float(high))


class Bootstrap:
    """Resamples of groups: trimmed clips, their recordings, or streams.

    Groups are drawn with replacement, as many as there are. Every statistic is a ratio of sums over
    the drawn groups, so that groups count by their size.

    Args:
        groups: How many there are.
    """

    def __init__(self, groups: int) -> None:
        random = np.random.default_rng(SEED)
        drawn = random.multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
        # The first row is the sample itself.
        self._weights = np.concatenate([np.ones((1, groups)), drawn])

    def totals(self, groups: Int64, values: NDArray[np.generic]) -> Float64:
        """Return the sums over all groups, then over those of every resample: [1 + R].

        Args:
            groups: Group of every value, [N].
            values: [N].
        """
        sums = np.bincount(groups, np.asarray(values, np.float64), self._weights.shape[1])
        totals: Float64 = self._weights @ sums
        return totals


def ratio(sums: Float64, counts: Float64) -> Estimate:
    """Return the ratio of two totals, 0 where there is nothing to count."""
    ratios = sums / np.maximum(counts, 1e-12)
    return Estimate(float(ratios[0]), ratios[1:])
