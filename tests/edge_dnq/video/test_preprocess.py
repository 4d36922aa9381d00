from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import SourceError
from edge_dnq.video.preprocess import InputEncoder, network_frame

HALF = (128.0, 128.0, 128.0)
triples = st.tuples(*[st.floats(0, 255)] * 3)
deviations = st.tuples(*[st.floats(1, 255)] * 3)
EVERY_PIXEL = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_default_codes_are_pixel_minus_128() -> None:
    codes = InputEncoder(HALF, HALF, 1 / 128, 0)(EVERY_PIXEL)
    assert codes.dtype == np.int8
    np.testing.assert_array_equal(codes[0].astype(int), EVERY_PIXEL.astype(int) - 128)


@given(triples, deviations, st.floats(1e-3, 1.0), st.integers(-128, 127))
def test_codes_follow_the_formula(
    mean: tuple[float, ...], std: tuple[float, ...], scale: float, zero_point: int
) -> None:
    codes = InputEncoder(mean, std, scale, zero_point)(EVERY_PIXEL)
    real = (EVERY_PIXEL.astype(np.float64) - mean) / std
    expected = np.clip(np.rint(real / scale) + zero_point, -128, 127)
    assert codes.shape == (1, 16, 16, 3)
    np.testing.assert_array_equal(codes[0], expected)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
def test_network_frame_shape(height: int, width: int, size: int) -> None:
    frame = network_frame(picture(height, width), size)
    assert (frame.shape, frame.dtype) == ((size, size, 3), np.uint8)
    assert frame.flags.c_contiguous


@given(st.integers(0, 3), st.integers(2, 12), st.integers(0, 8))
def test_shrinking_by_powers_of_two_averages_areas(halvings: int, size: int, extra: int) -> None:
    factor = 2**halvings
    side = factor * size
    image = picture(side, side + 2 * extra)
    centre = image[:, extra : extra + side].astype(np.float64)
    means = centre.reshape(size, factor, size, factor, 3).mean((1, 3))
    # Rounded to whole levels after every halving.
    assert np.abs(network_frame(image, size) - means).max() <= 0.5 * halvings + 1e-6


@given(st.integers(40, 400), st.integers(32, 96))
def test_shrinking_does_not_alias(side: int, size: int) -> None:
    """The finest stripes a frame can hold come out grey, as averaging makes them."""
    image = np.zeros((side, side, 3), np.uint8)
    image[:, ::2] = 255
    if side >= 2 * size:
        assert np.abs(network_frame(image, size).astype(int) - 128).max() <= 1


@given(st.integers(8, 50), st.integers(32, 96))
def test_shrinking_is_close_to_exact_areas(eighth: int, size: int) -> None:
    side = 8 * eighth
    rough = picture(8, 8)
    image = cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC)
    exact = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(int)
    if side >= size:
        assert np.abs(network_frame(image, size) - exact).mean() < 2


def test_growing_is_bilinear() -> None:
    image = picture(8, 8)
    expected = cv2.resize(image, (20, 20), interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(network_frame(image, 20) - expected).max() <= 1


def test_the_centre_is_kept_and_channels_stay() -> None:
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 10:20] = (200, 100, 50)
    np.testing.assert_array_equal(network_frame(image, 5)[0, 0], (200, 100, 50))
    assert network_frame(image, 5).min() == 50
    np.testing.assert_array_equal(
        network_frame(image.transpose(1, 0, 2), 5), network_frame(image, 5).transpose(1, 0, 2)
    )


def test_a_frame_of_the_right_size_is_untouched() -> None:
    image = picture(24, 24)
    frame = network_frame(image, 24)
    assert np.shares_memory(frame, image)
    np.testing.assert_array_equal(frame, image)


@pytest.mark.parametrize(
    "frame",
    [None, [1, 2], picture(4, 4).astype(np.float32), picture(4, 4)[..., 0], np.zeros((4, 0, 3))],
)
def test_what_is_no_frame(frame: Any) -> None:
    for function in (
        lambda: network_frame(frame, 8),
        lambda: InputEncoder(HALF, HALF, 1 / 128, 0)(frame),
    ):
        with pytest.raises(SourceError, match="a frame must be") as caught:
            function()
        assert "\n" not in str(caught.value)
