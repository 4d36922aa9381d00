"""What the camera does to a frame: blur, low light, sensor noise, colour cast; and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.synthetic.skeleton import Array
from edge_dnq.video.opencv import cv2

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Conditions:
    """How each frame of a clip is filmed.

    Attributes:
        light: Exposure ``[T]``; 1 is daylight, 0.1 near darkness.
        noise: Deviation of the sensor noise in pixel levels ``[T]``.
        defocus: Deviation of the Gaussian blur as a fraction of the frame's side ``[T]``.
        smear: Length of the motion blur as a fraction of the side ``[T]``.
        angle: Direction of the motion blur in radians ``[T]``.
        shake: Camera offset as a fraction of the side ``[T, 2]``.
        cast: Gain per colour channel ``[3]``.
        hidden: Severity of occlusion in 0..1.
    """

    light: Array
    noise: Array
    defocus: Array
    smear: Array
    angle: Array
    shake: Array
    cast: Array
    hidden: float

    @property
    def difficulty(self) -> Array:
        """Difficulty ``[T]`` in 0..1 that comes from light, noise and blur together."""
        dark = np.clip((0.75 - self.light) / 0.7, 0, 1)
        grain = np.clip(self.noise / (90 * np.sqrt(np.clip(self.light, 0.05, 1))), 0, 1)
        soft = np.clip(self.defocus / 0.035, 0, 1)
        long = np.clip(self.smear / 0.14, 0, 1)
        return np.asarray(1 - (1 - 0.6 * dark) * (1 - grain) * (1 - 0.85 * soft) * (1 - 0.7 * long))


def _random_walk(rng: np.random.Generator, frames: int, amplitude: float) -> Array:
    """Return a smooth two-dimensional wander ``[frames, 2]`` around zero."""
    phases = rng.uniform(0, 2 * np.pi, (3, 2))
    speeds = rng.uniform(0.25, 1.6, (3, 2))
    time = np.arange(frames)[:, None, None]
    jitter = rng.normal(0, 0.25, (frames, 2))
    return np.asarray(amplitude * (np.sin(time * speeds + phases).mean(axis=1) + jitter))


def _swell(rng: np.random.Generator, frames: int) -> Array:
    """Return an envelope ``[frames]`` in 0..1 with one or no smooth rise somewhere in the clip."""
    if rng.random() < 0.4:
        return np.ones(frames)
    centre, width = rng.uniform(0, frames), rng.uniform(0.12, 0.4) * frames
    return np.asarray(np.exp(-(((np.arange(frames) - centre) / width) ** 2)))


def sample_conditions(
    rng: np.random.Generator, frames: int, hard: Array | None = None
) -> Conditions:
    """Draw the conditions of a clip.

    Args:
        rng: Source of randomness.
        frames: Length of the clip.
        hard: Wanted hardness per frame ``[frames]`` in 0..1; None draws which of the effects occur
            and where.
    """
    severity = rng.beta(1.0, 1.6, 4)  # darkness, defocus, smear, shake
    present = rng.random(4) < [0.4, 0.3, 0.3, 0.7]
    if hard is None:
        strength = np.stack([level * _swell(rng, frames) for level in severity * present])
        hidden = float(rng.random() < 0.25) * rng.uniform(0.2, 0.8)
    else:
        levels = rng.uniform([0.75, 0.4, 0.2, 0.3], [0.92, 0.75, 0.4, 0.6])
        strength = levels[:, None] * hard
        hidden = 0.0
    dark, soft, long, shaky = strength
    light = rng.uniform(0.85, 1.1) * (1 - 0.88 * dark)
    shake = _random_walk(rng, frames, 0.035) * shaky[:, None]
    speed = np.gradient(shake, axis=0) if frames > 1 else np.zeros((frames, 2))
    return Conditions(
        light=light,
        noise=rng.uniform(1.5, 6) + rng.uniform(4, 16) * dark,
        defocus=0.03 * soft,
        smear=0.12 * long + 0.5 * np.hypot(*speed.T),
        angle=np.where(long > 0.05, rng.uniform(0, np.pi), np.arctan2(speed[:, 1], speed[:, 0])),
        shake=shake,
        cast=np.clip(rng.normal(1.0, 0.06, 3), 0.8, 1.2),
        hidden=hidden,
    )


def _smear(image: Image, length: float, angle: float) -> Image:
    """Blur along a line of ``length`` pixels."""
    reach = int(np.ceil(length)) | 1
    kernel = np.zeros((reach, reach), np.float32)
    middle = (reach - 1) / 2
    step = 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
    start, end = (middle - step) * 16, (middle + step) * 16
    cv2.line(
        kernel,
        np.rint(start).astype(int).tolist(),
        np.rint(end).astype(int).tolist(),
        1.0,
        1,
        cv2.LINE_8,
        4,
    )
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


class Sensor:
    """Applies :class:`Conditions` to the frames of one clip."""

    def __init__(self, conditions: Conditions, size: int, rng: np.random.Generator) -> None:
        self._conditions = conditions
        self._size = size
        # One patch of noise, read at random offsets: drawing fresh noise per frame costs more than
        # drawing the scene, and a recogniser cannot tell.
        self._grain = rng.standard_normal((size + 64, size + 64, 3), dtype=np.float32)
        self._offsets = rng.integers(0, 65, (len(conditions.light), 2))

    def capture(self, image: Image, frame: int) -> Image:
        """Return what the camera records of ``image`` in ``frame``."""
        conditions, size = self._conditions, self._size
        sigma = float(conditions.defocus[frame]) * size
        if sigma > 0.3:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
        length = float(conditions.smear[frame]) * size
        if length > 1.5:
            image = _smear(image, length, float(conditions.angle[frame]))
        y, x = self._offsets[frame]
        gain = (conditions.cast * conditions.light[frame]).astype(np.float32)
        grain = self._grain[y : y + size, x : x + size] * np.float32(conditions.noise[frame])
        exposed = image * gain + grain
        return np.asarray(np.clip(exposed, 0, 255), np.uint8)
