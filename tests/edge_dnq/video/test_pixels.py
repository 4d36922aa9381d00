"""Without OpenCV a device sees the very same pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_dnq.video import pixels

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 330)


def picture(height: int, width: int, seed: int) -> np.ndarray:
    """Noise, and places where it saturates."""
    image = np.random.default_rng(seed).integers(-64, 320, (height, width, 3))
    return image.clip(0, 255).astype(np.uint8)


def everywhere(function: str, shrink: Callable[[], np.ndarray]) -> np.ndarray:
    """Return what the kernel library, OpenCV and numpy alike make of a picture.

    Args:
        function: Of the kernel library, as ``pixels`` calls it.
        shrink: What uses it.
    """
    found = [shrink()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, function, lambda: None)
        found.append(shrink())
        patch.setattr(pixels, "cv2", None)
        found.append(shrink())
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)
    return found[0]


@given(sides, sides, seeds)
@example(240, 224, 0)
@example(1, 9, 0)
@example(9, 1, 0)
@example(512, 511, 0)
def test_all_resize_alike(side: int, size: int, seed: int) -> None:
    image = picture(side, side + 7, seed)[:, 3:-4]
    found = everywhere("rgb_resizer", lambda: pixels.resized(image, size))
    assert found.shape == (size, size, 3)


@given(st.integers(2, 330), st.integers(1, 3), seeds)
def test_all_halve_alike(side: int, times: int, seed: int) -> None:
    # Every pixel apart, as in the crop of a wider frame.
    image = picture(side, side + 7, seed)[:, 3:-4]
    times = min(times, side.bit_length() - 1)
    found = everywhere("rgb_halver", lambda: pixels.halved(image, times))
    assert found.shape == (side >> times, side >> times, 3)


def test_pixels_that_do_not_follow_each_other_are_shrunk_too() -> None:
    """Views that the kernel library does not take: mirrored, upside down, every second pixel."""
    image = picture(40, 80, 0)
    for view in (image[:, 39::-1], image[::-1, :40], image[:, ::2], image[:, :40, ::-1]):
        np.testing.assert_array_equal(pixels.halved(view), pixels.halved(view.copy()))
        np.testing.assert_array_equal(pixels.resized(view, 25), pixels.resized(view.copy(), 25))


@given(st.integers(1, 40), st.integers(1, 40), seeds, st.sampled_from(["int8", "float32"]))
def test_numpy_looks_up_like_opencv(height: int, width: int, seed: int, dtype: str) -> None:
    image = picture(height, width, seed)
    table = np.random.default_rng(seed).normal(0, 60, (256, 3)).clip(-128, 127).astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        expected = pixels.looked_up(image, table)
        patch.setattr(pixels, "cv2", None)
        found = pixels.looked_up(image, table)
    assert found.dtype == expected.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, expected)
    assert (found[0, 0, 1] == table[image[0, 0, 1], 1]).all()


@given(st.integers(1, 200), seeds)
@example(330, 1)
def test_numpy_differs_like_opencv(side: int, seed: int) -> None:
    image, other = picture(side, side, seed), picture(side, side, seed + 1)
    expected = int(np.abs(image.astype(int) - other).sum())
    assert pixels.difference(image, other) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "cv2", None)
        assert pixels.difference(image, other) == expected
