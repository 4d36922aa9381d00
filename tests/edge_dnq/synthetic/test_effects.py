from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge_dnq.synthetic.effects import Conditions, Sensor, sample_conditions


def _perfect(frames: int = 1) -> Conditions:
    zeros = np.zeros(frames)
    return Conditions(
        light=np.ones(frames),
        noise=zeros,
        defocus=zeros,
        smear=zeros,
        angle=zeros,
        shake=np.zeros((frames, 2)),
        cast=np.ones(3),
        hidden=0.0,
    )


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(1)
    return cv2.resize(rng.integers(0, 256, (16, 16, 3), np.uint8), (64, 64), interpolation=0)


def _capture(conditions: Conditions, image: np.ndarray) -> np.ndarray:
    return Sensor(conditions, 64, np.random.default_rng(0)).capture(image, 0)


def _edges(image: np.ndarray) -> float:
    return float(np.abs(cv2.Laplacian(image, cv2.CV_32F)).mean())


def test_a_perfect_camera_changes_nothing(image: np.ndarray) -> None:
    np.testing.assert_array_equal(_capture(_perfect(), image), image)
    assert _perfect().difficulty.tolist() == [0.0]


def test_each_effect_does_its_own_damage_and_counts_as_difficult(image: np.ndarray) -> None:
    dim = replace(_perfect(), light=np.array([0.2]))
    noisy = replace(_perfect(), noise=np.array([20.0]))
    soft = replace(_perfect(), defocus=np.array([0.03]))
    smeared = replace(_perfect(), smear=np.array([0.15]))
    assert _capture(dim, image).mean() == pytest.approx(0.2 * image.mean(), rel=0.05)
    assert 10 < np.std(_capture(noisy, image).astype(float) - image) < 20
    assert _edges(_capture(soft, image)) < 0.6 * _edges(image)
    assert _edges(_capture(smeared, image)) < 0.8 * _edges(image)
    for conditions in (dim, noisy, soft, smeared):
        assert 0.1 < conditions.difficulty[0] <= 1


def test_motion_blur_runs_along_its_angle(image: np.ndarray) -> None:
    across = _capture(replace(_perfect(), smear=np.array([0.15])), image).astype(float)
    columns, rows = np.abs(np.diff(across, axis=1)).mean(), np.abs(np.diff(across, axis=0)).mean()
    assert columns < 0.7 * rows


def test_wanted_hardness_is_where_it_was_wanted() -> None:
    hard = np.repeat([0.0, 1.0, 0.0], 8)
    conditions = sample_conditions(np.random.default_rng(3), 24, hard)
    assert conditions.difficulty[8:16].min() > 0.5
    assert conditions.difficulty[:8].max() < 0.3
