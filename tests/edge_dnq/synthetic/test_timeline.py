from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.synthetic.actions import LABELS
from edge_dnq.synthetic.timeline import Segment, perform, random_script


@given(seed=st.integers(0, 10_000), frames=st.integers(1, 60))
def test_scripts_fill_the_clip_and_act_in_two_frames_of_five(seed: int, frames: int) -> None:
    script = random_script(np.random.default_rng(seed), "walk", frames)
    assert sum(segment.frames for segment in script) == frames
    assert all(segment.frames > 0 for segment in script)
    acting = sum(segment.frames for segment in script if segment.label is not None)
    assert acting >= max(1, int(0.39 * frames))


@given(seed=st.integers(0, 10_000), name=st.sampled_from(LABELS), fps=st.floats(1, 60))
def test_a_performance_follows_its_script(seed: int, name: str, fps: float) -> None:
    script = [Segment(None, 4, away=True), Segment(name, 6), Segment(None, 3)]
    shown = perform(np.random.default_rng(seed), script, fps)
    assert shown.idle.tolist() == [True] * 4 + [False] * 6 + [True] * 3
    assert len(shown.motion) == len(shown.yaw) == len(shown.away) == 13
    assert np.isfinite(shown.motion).all()
    assert ((shown.away >= 0) & (shown.away <= 1)).all()
    assert np.ptp(shown.yaw) == 0  # one action: the camera stays put


def test_walking_covers_ground_and_waving_does_not() -> None:
    rng = np.random.default_rng(0)
    assert np.ptp(perform(rng, [Segment("walk", 20)], 10).travel) > 0.8
    assert np.ptp(perform(rng, [Segment("wave", 20)], 10).travel) == 0
