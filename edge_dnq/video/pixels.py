"""What is done to the pixels of every frame: by OpenCV where it is installed, else by numpy.

Both give the same bits, on every processor: a device whose camera needs no OpenCV does without its
90 MB. Where there is the kernel library, it shrinks frames: on AVX2 it halves 2.5 times and resizes
3 times faster than OpenCV.
"""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dnq.kernels import rgb_halver, rgb_resizer

cv2: ModuleType | None
try:
    import cv2
except ModuleNotFoundError:
    cv2 = None

UInt8 = NDArray[np.uint8]

WEIGHT_BITS = 8
"""Fraction bits of an interpolation weight, as OpenCV's exact bilinear resize has them."""


def halved(square: UInt8, times: int = 1) -> UInt8:
    """Return the mean of every 2x2 pixels, half rounded up; an odd last row and column are dropped.

    Args:
        square: uint8 [S, S, 3].
        times: How often to do it, at least once; S is at least 2 to its power.

    Returns:
        uint8 [S >> times, S >> times, 3].
    """
    side = len(square) >> times
    if (halve := rgb_halver()) is not None and _has_rows_of_rgb(square):
        result: UInt8 = np.empty((side, side, 3), np.uint8)
        halve(square.ctypes.data, square.strides[0], side, side, times, result.ctypes.data)
        return result
    for _ in range(times):
        square = _halved_once(square)
    return square


def _halved_once(square: UInt8) -> UInt8:
    side = len(square) // 2
    even = square[: 2 * side, : 2 * side]
    if cv2 is None:
        return _numpy_halved(even)
    half: UInt8 = cv2.resize(even, (side, side), interpolation=cv2.INTER_AREA)
    return half


def resized(square: UInt8, size: int) -> UInt8:
    """Return ``square`` at another size, bilinear in fixed point.

    Args:
        square: uint8 [S, S, C].
        size: Side of the result.

    Returns:
        uint8 [size, size, C].
    """
    if (resize := rgb_resizer()) is not None and _has_rows_of_rgb(square):
        result: UInt8 = np.empty((size, size, 3), np.uint8)
        resize(square.ctypes.data, square.strides[0], len(square), size, result.ctypes.data)
        return result
    if cv2 is None:
        return _numpy_resized(square, size)
    # Not INTER_LINEAR: OpenCV rounds that one differently on ARM, and there the programs would see
    # other pixels than at export. This one, like a halving, is the same everywhere.
    return np.asarray(cv2.resize(square, (size, size), interpolation=cv2.INTER_LINEAR_EXACT))


def looked_up(frame: UInt8, table: NDArray[Any]) -> NDArray[Any]:
    """Return every channel's values through that channel's column.

    Args:
        frame: uint8 [H, W, C].
        table: Contiguous [256, C].

    Returns:
        [H, W, C] of the table's type.
    """
    if cv2 is not None:
        values: NDArray[Any] = cv2.LUT(frame, table[np.newaxis])
        return values
    values = np.empty(frame.shape, table.dtype)
    for channel in range(frame.shape[2]):
        values[..., channel] = table[:, channel][frame[..., channel]]
    return values


def difference(pixels: UInt8, others: UInt8) -> int:
    """Return the sum of all absolute differences of two pictures of one shape."""
    if cv2 is not None:
        return int(cv2.norm(pixels, others, cv2.NORM_L1))
    return int((np.maximum(pixels, others) - np.minimum(pixels, others)).sum(dtype=np.int64))


def _has_rows_of_rgb(square: UInt8) -> bool:
    """Return whether bytes follow each other in rows of RGB pixels, one row below the other."""
    rows, pixels, channels = square.strides
    return square.shape[2] == 3 and rows > 0 and (pixels, channels) == (3, 1)


def _numpy_halved(even: UInt8) -> UInt8:
    rows = even[0::2].astype(np.uint16)
    rows += even[1::2]
    sums = rows[:, 0::2] + rows[:, 1::2]
    sums += 2
    sums >>= 2
    return sums.astype(np.uint8)


def _numpy_resized(square: UInt8, size: int) -> UInt8:
    """Mix rows, then columns, without rounding in between; then round half up.

    A pixel times two weights of 8 bits needs 24 bits, and half of the work is on 16 of them.
    """
    before, after, weights = _taps(len(square), size)
    of_row = weights.astype(np.uint16)[:, np.newaxis, np.newaxis]
    rows = square[before].astype(np.uint16)
    rows *= (1 << WEIGHT_BITS) - of_row
    rows += square[after] * of_row
    of_column = weights[:, np.newaxis]
    mixed = np.take(rows, before, axis=1).astype(np.uint32)
    mixed *= (1 << WEIGHT_BITS) - of_column
    mixed += np.take(rows, after, axis=1) * of_column
    mixed += 1 << (2 * WEIGHT_BITS - 1)
    mixed >>= 2 * WEIGHT_BITS
    return mixed.astype(np.uint8)


@lru_cache(maxsize=16)
def _taps(side: int, size: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint32]]:
    """Return, for every place of the result, the pixels around it and the later one's weight.

    Pixel centres lie half a pixel inside; beyond the outer centres the border pixel goes on.
    """
    at = ((2 * np.arange(size) + 1) * side - size) / (2 * size)
    before = np.clip(np.floor(at), 0, side - 1)
    inside = (at >= 0) & (at < side - 1)
    weights = np.where(inside, np.rint((at - before) * (1 << WEIGHT_BITS)), 0)
    first = before.astype(np.intp)
    return first, np.minimum(first + 1, side - 1), weights.astype(np.uint32)
