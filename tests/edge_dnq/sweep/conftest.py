"""Recorded videos made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_dnq.sweep.recording import Layout, RecordedVideo, Segment


def video_of(
    logits: Sequence[object] | np.ndarray,
    segments: Sequence[tuple[int, int, int]] | None = None,
    stretches: Sequence[int] | None = None,
    group: str = "group",
) -> RecordedVideo:
    """Make a video of logits [T, programs, K] and (start, length, truth) of its segments.

    Without segments it is a trimmed clip of class 0.
    """
    values = np.asarray(logits, np.float32)
    if segments is None:
        layout = Layout.of_clip("clip", group, len(values), 0)
    else:
        shown = tuple(Segment(*segment, f"clip {place}") for place, segment in enumerate(segments))
        layout = Layout(group, shown, tuple(stretches or ()))
    return RecordedVideo(layout, values, None, None)
