from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_dnq.errors import DataError
from edge_dnq.synthetic import (
    LABELS,
    Segment,
    SyntheticClip,
    render_clip,
    render_idle,
    render_stream,
)


@pytest.fixture(scope="module")
def many() -> list[SyntheticClip]:
    return [render_clip(seed, frames=12, size=64) for seed in range(160)]


def test_the_seed_fixes_every_byte() -> None:
    first, again, other = (render_clip(seed, frames=6, size=64) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.difficulty, again.difficulty)
    assert (first.frames != other.frames).mean() > 0.5


@pytest.mark.parametrize("label", LABELS)
def test_every_label_is_rendered(label: str) -> None:
    clip = render_clip(11, label, frames=5, size=96)
    assert clip.frames.shape == (5, 96, 96, 3)
    assert clip.frames.dtype == np.uint8
    assert clip.label == LABELS.index(label)
    assert clip.idle.shape == clip.difficulty.shape == (5,)
    assert clip.idle.dtype == np.bool_


def test_without_a_label_all_actions_turn_up(many: list[SyntheticClip]) -> None:
    assert len(LABELS) >= 10
    counts = np.bincount([clip.label for clip in many], minlength=len(LABELS))
    assert counts.min() > 0


def test_some_clips_idle_and_none_idles_all_the_time(many: list[SyntheticClip]) -> None:
    fractions = np.array([clip.idle.mean() for clip in many])
    assert 0.12 < fractions.mean() < 0.4
    assert fractions.max() <= 0.67
    assert (fractions == 0).mean() > 0.15


def test_frames_differ_in_measured_light_sharpness_and_in_difficulty(
    many: list[SyntheticClip],
) -> None:
    frames = np.concatenate([clip.frames for clip in many])
    grey = frames.mean(axis=-1)
    light = grey.mean(axis=(1, 2))
    assert np.percentile(light, 95) > 3 * np.percentile(light, 5)
    contrast = [cv2.Laplacian(image, cv2.CV_64F).std() / (image.std() + 1) for image in grey]
    assert np.percentile(contrast, 95) > 3 * np.percentile(contrast, 5)
    acting = np.concatenate([clip.difficulty[~clip.idle] for clip in many])
    assert acting.min() >= 0
    assert acting.max() <= 1
    assert np.std(acting) > 0.15
    within = [np.ptp(clip.difficulty[~clip.idle]) for clip in many]
    assert np.mean(np.array(within) > 0.2) > 0.2  # and not only from clip to clip


def test_difficult_frames_are_those_that_lost_information(many: list[SyntheticClip]) -> None:
    frames = np.concatenate([clip.frames for clip in many]).mean(axis=-1)
    difficulty = np.concatenate([clip.difficulty for clip in many])
    acting = ~np.concatenate([clip.idle for clip in many])
    light = frames.mean(axis=(1, 2))
    easy = light[acting & (difficulty < 0.2)].mean()
    hard = light[acting & (difficulty > 0.6)].mean()
    assert hard < 0.75 * easy


def test_a_stream_idles_acts_suffers_and_ends() -> None:
    clip = render_stream(2, "squat", frames=60, size=64)
    assert clip.frames.shape == (60, 64, 64, 3)
    assert clip.idle[:8].all()
    assert clip.idle[-2:].all()
    assert 0.5 < (~clip.idle).mean() < 0.9
    acting = np.flatnonzero(~clip.idle)
    middle = acting[len(acting) // 2]
    assert clip.difficulty[middle] > clip.difficulty[acting[2]] + 0.3
    np.testing.assert_array_equal(clip.frames, render_stream(2, "squat", frames=60, size=64).frames)


def test_a_script_may_hold_several_actions() -> None:
    script = [Segment("walk", 6), Segment(None, 4), Segment("bow", 9, hard=0.5)]
    clip = render_stream(1, segments=script, size=64)
    assert len(clip.frames) == 19
    assert clip.label == LABELS.index("bow")
    assert clip.idle.tolist() == [False] * 6 + [True] * 4 + [False] * 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": "sleep"}, "unknown action 'sleep'"),
        ({"frames": 0}, "at least 1 frame"),
        ({"size": 4}, "16 pixels"),
        ({"fps": 0.0}, "positive frame rate"),
    ],
)
def test_impossible_clips_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        render_clip(0, **arguments)  # type: ignore[arg-type]


def test_negative_seeds_are_refused() -> None:
    for render in (render_clip, render_stream):
        with pytest.raises(DataError, match="must not be negative, got -1"):
            render(-1)


def test_a_script_without_an_action_is_refused() -> None:
    with pytest.raises(DataError, match="at least one segment"):
        render_stream(0, segments=[Segment(None, 5)])


def test_idle_scenes_show_no_action() -> None:
    scenes = [render_idle(seed, frames=6, size=48, fps=8.0) for seed in range(12)]
    for scene in scenes:
        assert scene.shape == (6, 48, 48, 3)
        assert scene.dtype == np.uint8
    np.testing.assert_array_equal(scenes[3], render_idle(3, frames=6, size=48, fps=8.0))
    assert (scenes[0] != scenes[1]).mean() > 0.5
    moved = [np.abs(np.diff(scene.astype(int), axis=0)).mean() for scene in scenes]
    assert max(moved) > 3 * min(moved), "somebody comes or leaves, or the camera shakes"
    with pytest.raises(DataError, match="16 pixels"):
        render_idle(0, frames=0, size=48, fps=8.0)
