"""Procedurally rendered action clips: unlimited, seeded, free of any data set."""

from edge_dnq.synthetic.actions import LABELS
from edge_dnq.synthetic.clips import (
    SyntheticClip,
    render_clip,
    render_idle,
    render_stream,
)
from edge_dnq.synthetic.timeline import Segment
from edge_dnq.synthetic.video_file import write_clip

__all__ = [
    "LABELS",
    "Segment",
    "SyntheticClip",
    "render_clip",
    "render_idle",
    "render_stream",
    "write_clip",
]
