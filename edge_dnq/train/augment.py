"""Random views of a clip: geometry, colour and erased patches, the same for all its frames.

It works on uint8 through OpenCV's vector code and stays uint8, which is several times faster than
float tensors on a CPU and a quarter of the bytes to upload to a GPU. Free of torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_dnq.video.preprocess import network_frame

# Luma weights of ITU-R BT.601, for the grey that colours are faded towards.
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Augmentation:
    """How far random views differ from the centre crop.

    Attributes:
        scale: Smallest and largest side of the crop as a fraction of the frame's.
        aspect: Largest factor of stretching in one direction.
        rotation: Largest rotation in degrees.
        flip: Probability of a mirror image.
        brightness: Largest relative change of the brightness.
        contrast: Largest relative change of the contrast around the clip's mean.
        saturation: Largest relative change of the saturation.
        tint: Largest relative gain of one channel.
        erase: Probability that a patch is replaced by an even colour.
    """

    scale: tuple[float, float] = (0.75, 1.0)
    aspect: float = 1.15
    rotation: float = 8.0
    flip: float = 0.5
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    tint: float = 0.06
    erase: float = 0.2


def augment_clip(
    clip: NDArray[np.uint8], size: int, rng: np.random.Generator, how: Augmentation
) -> NDArray[np.uint8]:
    """Return a random view of ``clip``.

    Args:
        clip: uint8 ``[T, C, C, 3]``.
        size: Side S of the result in pixels.
        rng: Source of randomness; equal states give equal bytes.
        how: The ranges to draw from.

    Returns:
        uint8 ``[T, S, S, 3]``.
    """
    matrix, oversample = _view(clip.shape[1], size, rng, how)
    colour = _colour(float(clip[:, ::8, ::8].mean()), rng, how)
    out = np.empty((len(clip), size, size, 3), np.uint8)
    for frame, view in zip(clip, out, strict=True):
        warped = cv2.warpAffine(
            frame,
            matrix,
            (size * oversample, size * oversample),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        if oversample > 1:
            warped = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
        cv2.transform(warped, colour, dst=view)
    if rng.random() < how.erase:
        _erase(out, rng)
    return out


def _view(
    side: int, size: int, rng: np.random.Generator, how: Augmentation
) -> tuple[NDArray[np.float64], int]:
    """Draw the map from pixels of the view to pixels of the frame, and the view's oversampling."""
    crop = side * rng.uniform(*how.scale)
    stretch = math.sqrt(math.exp(rng.uniform(-1, 1) * math.log(how.aspect)))
    angle = math.radians(rng.uniform(-how.rotation, how.rotation))
    mirror = -1.0 if rng.random() < how.flip else 1.0
    # Bilinear sampling skips pixels when it shrinks by more than about 1.5: then sample more
    # finely and average.
    oversample = max(1, round(crop / size))
    width, height = min(crop * stretch, side), min(crop / stretch, side)
    centre = [
        (side - 1) / 2 + rng.uniform(-0.5, 0.5) * (side - extent) for extent in (width, height)
    ]
    pixels = size * oversample
    scale = np.diag([mirror * width / pixels, height / pixels])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ scale
    offset = np.array(centre) - linear @ np.full(2, (pixels - 1) / 2)
    return np.concatenate([linear, offset[:, None]], axis=1), oversample


def _colour(level: float, rng: np.random.Generator, how: Augmentation) -> NDArray[np.float64]:
    """Draw an affine map ``[3, 4]`` of RGB values in 0..255 for a clip of mean ``level``."""
    contrast = 1 + rng.uniform(-how.contrast, how.contrast)
    saturation = 1 + rng.uniform(-how.saturation, how.saturation)
    gain = 1 + rng.uniform(-how.brightness, how.brightness)
    tint = 1 + rng.uniform(-how.tint, how.tint, 3)
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(_LUMA, (3, 1))
    linear = gain * contrast * tint[:, None] * mix
    return np.concatenate([linear, np.full((3, 1), gain * level * (1 - contrast))], axis=1)


def _erase(clip: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Paint one even patch of 2 to 12 % of the frame over every frame (in place)."""
    size = clip.shape[1]
    area = rng.uniform(0.02, 0.12) * size * size
    ratio = math.exp(rng.uniform(-0.9, 0.9))
    height = min(size, max(1, round(math.sqrt(area * ratio))))
    width = min(size, max(1, round(math.sqrt(area / ratio))))
    y = int(rng.integers(size - height + 1))
    x = int(rng.integers(size - width + 1))
    clip[:, y : y + height, x : x + width] = rng.integers(0, 256, 3)


def centre_clip(clip: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return ``clip`` [T, C, C, 3] as the device would see it: uint8 ``[T, size, size, 3]``."""
    return np.stack([network_frame(frame, size) for frame in clip])
