"""Accuracy, cost and flicker of policies over the same resampled groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_dnq.bootstrap import Bootstrap, Estimate, ratio
from edge_dnq.sweep.outcomes import Outcomes, Tried


@dataclass(frozen=True)
class Estimates:
    """What a policy came to.

    Attributes:
        accuracy: Fraction of segments whose prediction is right.
        ms: Mean cost of a frame in milliseconds.
        flicker: Fraction of the frames after the first of a segment on which the running
            prediction changed.
    """

    accuracy: Estimate
    ms: Estimate
    flicker: Estimate


def estimate(outcomes: Outcomes) -> list[tuple[Tried, Estimates]]:
    """Return every policy with what it came to; all in one bootstrap."""
    bootstrap = Bootstrap(len(outcomes.groups))
    by_segment, by_video = outcomes.segment_groups, outcomes.video_groups
    segments = bootstrap.totals(by_segment, np.ones(len(outcomes.clips)))
    steps = bootstrap.totals(by_segment, outcomes.steps)
    frames = bootstrap.totals(by_video, outcomes.frames)

    def of(tried: Tried) -> Estimates:
        return Estimates(
            accuracy=ratio(bootstrap.totals(by_segment, tried.hits), segments),
            ms=ratio(bootstrap.totals(by_video, tried.cost_ms), frames),
            flicker=ratio(bootstrap.totals(by_segment, tried.changes), steps),
        )

    return [(tried, of(tried)) for tried in outcomes.tried]
