from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.train.augment import Augmentation, augment_clip, centre_clip

STILL = Augmentation(
    scale=(1.0, 1.0),
    aspect=1.0,
    rotation=0.0,
    flip=0.0,
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    tint=0.0,
    erase=0.0,
)


def _clip(frames: int = 3, side: int = 48) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (frames, 6, 6, 3), np.uint8)
    return np.stack([cv2.resize(image, (side, side)) for image in coarse])


@given(seed=st.integers(0, 10_000), side=st.integers(16, 80), size=st.integers(16, 80))
def test_views_have_the_asked_shape_and_follow_the_seed(seed: int, side: int, size: int) -> None:
    clip = _clip(2, side)
    before = clip.copy()
    first, again = (
        augment_clip(clip, size, np.random.default_rng(seed), Augmentation()) for _ in range(2)
    )
    assert first.shape == (2, size, size, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(clip, before)


def test_without_any_range_the_view_is_the_clip() -> None:
    clip = _clip()
    np.testing.assert_array_equal(augment_clip(clip, 48, np.random.default_rng(0), STILL), clip)


def test_a_flip_mirrors_every_frame() -> None:
    clip = _clip()
    always = Augmentation(**{**vars(STILL), "flip": 1.0})
    flipped = augment_clip(clip, 48, np.random.default_rng(0), always)
    np.testing.assert_array_equal(flipped, clip[:, :, ::-1])


def test_all_frames_get_the_same_view() -> None:
    clip = np.repeat(_clip(1), 4, axis=0)
    for seed in range(20):
        view = augment_clip(clip, 32, np.random.default_rng(seed), Augmentation())
        assert (view == view[:1]).all()


def test_shrinking_averages_instead_of_skipping() -> None:
    board = (np.indices((96, 96)).sum(0) % 2 * 255).astype(np.uint8)
    clip = np.repeat(board[None, :, :, None], 3, axis=-1)
    view = augment_clip(clip, 24, np.random.default_rng(0), STILL)
    assert np.abs(view.astype(int) - 127).max() < 40


@given(seed=st.integers(0, 1000))
def test_dark_clips_stay_visible(seed: int) -> None:
    dark = (_clip() * 0.15).astype(np.uint8)
    how = Augmentation(erase=0.0)
    view = augment_clip(dark, 48, np.random.default_rng(seed), how)
    assert view.std() > 0.25 * dark.std()


def test_erasing_hides_one_patch_of_all_frames() -> None:
    clip = _clip()
    how = Augmentation(**{**vars(STILL), "erase": 1.0})
    view = augment_clip(clip, 48, np.random.default_rng(2), how)
    changed = (view != clip).any(axis=-1)
    assert 0.01 < changed.mean() < 0.25


def test_the_centre_view_is_what_the_device_computes() -> None:
    clip = _clip(2, 64)
    shrunk = np.stack([cv2.resize(f, (32, 32), interpolation=cv2.INTER_AREA) for f in clip])
    np.testing.assert_array_equal(centre_clip(clip, 32), shrunk)


@pytest.mark.parametrize("size", [96])
def test_a_batch_of_64_frames_is_augmented_in_40_ms(size: int) -> None:
    clip = _clip(8, 128)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for index in range(8):
            augment_clip(clip, size, np.random.default_rng(index), Augmentation())
        best = min(best, time.perf_counter() - start)
    assert best < 0.04
