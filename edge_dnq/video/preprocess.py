"""From a camera or video frame to what the networks take.

Training and every runtime use these functions, so a network never meets pixels made another way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import SourceError
from edge_dnq.manifest import InputSpec, TensorSpec
from edge_dnq.video.pixels import halved, looked_up, resized

UInt8 = NDArray[np.uint8]

SIGN_BIT = np.uint8(0x80)


def check_frame(frame: object) -> UInt8:
    """Return ``frame`` if it is an RGB frame: uint8, [H, W, 3], not empty.

    Raises:
        SourceError: it is anything else.
    """
    if not isinstance(frame, np.ndarray):
        raise SourceError(f"a frame must be a numpy array, got {type(frame).__name__}")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
        raise SourceError(
            f"a frame must be uint8 RGB of shape (height, width, 3), "
            f"got {frame.dtype} of shape {frame.shape}"
        )
    return frame


def network_frame(frame: UInt8, size: int) -> UInt8:
    """Resize the shorter side of an RGB frame to ``size`` and crop the centre.

    The crop is taken before the resize, where it lies on whole source pixels: the same field of
    view, and the cut-off sides cost nothing. The square is halved, by the mean of 2x2 pixels (an
    odd last row and column are dropped), while it is at least twice too large; the rest is
    bilinear. That costs a fifth of averaging exact areas and differs from it by a quarter of a
    grey level. The policy's frame is the network frame, shrunk once more by this function.

    Args:
        frame: uint8 [H, W, 3].
        size: Side of the result in pixels.

    Returns:
        uint8 [size, size, 3], contiguous; of a frame of that shape a view.

    Raises:
        SourceError: not an RGB frame.
    """
    height, width = check_frame(frame).shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(_resized(frame[top : top + side, left : left + side], size))


class InputEncoder:
    """Turns network frames into a program's int8 input codes through one table per channel.

    ``code = clip(rint((pixel - mean) / std / scale) + zero_point, -128, 127)``. With the default
    normalisation (mean and std 128, scale 1/128, zero point 0) this is ``pixel - 128``.

    Args:
        mean: Per-channel mean in pixel units.
        std: Per-channel deviation in pixel units.
        scale: Real size of one code.
        zero_point: Code of real zero.
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], scale: float, zero_point: int
    ) -> None:
        pixels = np.arange(256, dtype=np.float64)[:, np.newaxis]
        real = (pixels - np.asarray(mean, np.float64)) / np.asarray(std, np.float64)
        codes = np.clip(np.rint(real / scale) + zero_point, -128, 127)
        self.table: NDArray[np.int8] = codes.astype(np.int8)
        """int8 [256, 3]: the code of every pixel value of every channel."""
        # ``pixel - 128`` in int8 is the pixel with its highest bit turned: no table is faster.
        self._turns_sign = bool((self.table == np.arange(-128, 128)[:, np.newaxis]).all())

    def __call__(self, frame: UInt8) -> NDArray[np.int8]:
        """Encode an RGB frame uint8 [S, S, 3] as int8 [1, S, S, 3].

        Raises:
            SourceError: not an RGB frame.
        """
        if self._turns_sign:
            turned: NDArray[np.int8] = np.bitwise_xor(check_frame(frame), SIGN_BIT).view(np.int8)
            return turned[np.newaxis]
        codes: NDArray[np.int8] = looked_up(check_frame(frame), self.table)
        return codes[np.newaxis]


class FloatInputEncoder:
    """Turns network frames into the float32 input ``(pixel - mean) / std`` of a program.

    Args:
        mean: Per-channel mean in pixel units.
        std: Per-channel deviation in pixel units.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        pixels = np.arange(256, dtype=np.float64)[:, np.newaxis]
        real = (pixels - np.asarray(mean, np.float64)) / np.asarray(std, np.float64)
        self._table = real.astype(np.float32)

    def __call__(self, frame: UInt8) -> NDArray[np.float32]:
        """Encode an RGB frame uint8 [S, S, 3] as float32 [1, S, S, 3].

        Raises:
            SourceError: not an RGB frame.
        """
        values: NDArray[np.float32] = looked_up(check_frame(frame), self._table)
        return values[np.newaxis]


def input_encoder(settings: InputSpec, tensor: TensorSpec) -> InputEncoder | FloatInputEncoder:
    """Return what turns a network frame into ``tensor`` of a program."""
    if tensor.dtype == "float32":
        return FloatInputEncoder(settings.mean, settings.std)
    return InputEncoder(settings.mean, settings.std, *tensor.grid)


def _resized(square: UInt8, size: int) -> UInt8:
    times = (len(square) // size).bit_length() - 1
    if times > 0:
        square = halved(square, times)
    return square if len(square) == size else resized(square, size)
