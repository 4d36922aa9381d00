"""From a video frame to what the networks take; training and every device use these functions."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_dnq.errors import SourceError

UInt8 = npt.NDArray[np.uint8]
Int8 = npt.NDArray[np.int8]
Float32 = npt.NDArray[np.float32]
Triple = tuple[float, float, float]


def require_frame(frame: UInt8) -> None:
    """Refuse anything but a non-empty RGB frame, uint8 [H, W, 3].

    Raises:
        SourceError: another dtype or shape.
    """
    if (
        not isinstance(frame, np.ndarray)
        or frame.dtype != np.uint8
        or frame.ndim != 3
        or frame.shape[2] != 3
        or 0 in frame.shape
    ):
        given = f"{getattr(frame, 'dtype', type(frame).__name__)} {getattr(frame, 'shape', '')}"
        raise SourceError(f"a frame must be uint8 [height, width, 3] in RGB, got {given}")


def resize(frame: UInt8, height: int, width: int) -> UInt8:
    """Resize by area where the frame shrinks, bilinearly where it grows."""
    if frame.shape[:2] == (height, width):
        return frame
    shrinks = height * width < frame.shape[0] * frame.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(frame, (width, height), interpolation=method)  # type: ignore[return-value]


def network_frame(frame: UInt8, size: int) -> UInt8:
    """Resize the shorter side of ``frame`` to ``size`` and crop the centre square.

    Args:
        frame: RGB, uint8 [H, W, 3].
        size: Side of the result in pixels.

    Returns:
        uint8 [size, size, 3], contiguous.

    Raises:
        SourceError: ``frame`` is not such a frame.
    """
    require_frame(frame)
    height, width = frame.shape[:2]
    side = min(height, width)
    # Cropping first touches fewer pixels and differs only in the fraction of a pixel cut off.
    top, left = (height - side) // 2, (width - side) // 2
    square = frame[top : top + side, left : left + side]
    return np.ascontiguousarray(resize(square, size, size))


def policy_frame(frame: UInt8, size: int, mean: Triple, std: Triple) -> Float32:
    """Shrink a network frame and normalise it.

    Returns:
        float32 [1, size, size, 3]: (pixel - mean) / std.
    """
    small = resize(frame, size, size).astype(np.float32)
    return ((small - np.float32(mean)) / np.float32(std))[None]


class InputEncoder:
    """Turns network frames into the int8 input codes of a program, by one look-up per pixel.

    code = clip(rint((pixel - mean) / std / scale) + zero_point, -128, 127), in float64.

    Args:
        mean: Per-channel mean in pixel units.
        std: Per-channel deviation in pixel units.
        scale: Real size of one input code.
        zero_point: Code of real zero.
    """

    def __init__(self, mean: Triple, std: Triple, scale: float, zero_point: int) -> None:
        pixels = np.arange(256, dtype=np.float64)[:, None]
        real = (pixels - np.asarray(mean)) / np.asarray(std)
        codes = np.clip(np.rint(real / scale) + zero_point, -128, 127).astype(np.int8)
        self.table = codes
        # OpenCV's look-up works on bytes: the codes are passed through as such.
        self._bytes = np.ascontiguousarray(codes.view(np.uint8).reshape(1, 256, 3))

    def __call__(self, frame: UInt8) -> Int8:
        """Return int8 codes [1, S, S, 3] of a network frame [S, S, 3]."""
        codes: Int8 = cv2.LUT(frame, self._bytes).view(np.int8)[None]
        return codes
