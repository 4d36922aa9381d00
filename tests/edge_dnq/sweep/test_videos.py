from __future__ import annotations

import numpy as np

from edge_dnq.streams import FILLER, Stream
from edge_dnq.sweep.videos import stream_layout


def test_the_layout_of_a_stream_by_hand() -> None:
    owner = np.array([FILLER, 0, 0, 0, FILLER, FILLER, 1, 1, 2])
    stream = Stream(
        frames=np.zeros((9, 4, 4, 3), np.uint8),
        owner=owner,
        starts=np.array([0, 1, 4, 6, 8]),
        labels=np.array([5, 0, 3]),
    )
    layout = stream_layout(stream, ["a", "b", "c"], "stream 7")
    assert layout.group == "stream 7"
    assert layout.stretches == (0, 1, 4, 6, 8)
    assert [(s.start, s.length, s.truth, s.name) for s in layout.segments] == [
        (1, 3, 5, "a"),
        (6, 2, 0, "b"),
        (8, 1, 3, "c"),
    ]
