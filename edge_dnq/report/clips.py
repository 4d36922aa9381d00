"""What the policy does on labelled clips: the mix of actions by class, and clips as strips."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import Bundle
from edge_dnq.errors import DataError
from edge_dnq.evaluation import (
    UnreadableClip,
    decoded_clips,
    drawn_clips,
    labelled_clips,
    reference_policy,
)
from edge_dnq.session import Session, StepResult
from edge_dnq.video.opencv import cv2

UInt8 = NDArray[np.uint8]
Progress = Callable[[int, int], None]

STRIPS = 8
STRIP_HEIGHT = 96
JPEG_QUALITY = 72


@dataclass(frozen=True)
class StripFrame:
    """One frame of a strip: a JPEG as a data URL, and the action taken on it."""

    picture: str
    action: str


@dataclass(frozen=True)
class Strip:
    """One clip.

    Attributes:
        name: The clip.
        label: Its class.
        predicted: What it was taken for.
        score: Probability of that.
        frames: Its frames.
    """

    name: str
    label: str
    predicted: str
    score: float
    frames: tuple[StripFrame, ...]


@dataclass(frozen=True)
class ClipStudy:
    """What was seen on the clips.

    Attributes:
        data: The data set.
        policy: The policy that ran.
        clips: How many clips.
        correct: How many were right.
        mix: Class -> action -> fraction of its frames.
        strips: Examples, of different classes.
        pictures: Some frames, for running the programs on.
        unreadable: Clips that were left out.
    """

    data: str
    policy: str
    clips: int
    correct: int
    mix: dict[str, dict[str, float]]
    strips: tuple[Strip, ...]
    pictures: tuple[UInt8, ...]
    unreadable: tuple[UnreadableClip, ...]


def study_clips(
    bundle: Bundle,
    data: str,
    split: str,
    *,
    limit: int | None = None,
    runtime: str = "auto",
    kernels: str = "auto",
    pictures: int = 8,
    progress: Progress | None = None,
) -> ClipStudy:
    """Play clips with the bundle's policy.

    Args:
        bundle: The bundle; one without a policy is played with its reference program.
        data: As for :func:`edge_dnq.evaluation.evaluate`.
        split: The split to use.
        limit: Use that many clips, drawn at random; None means all.
        runtime: Inference runtime.
        kernels: Which kernels to run on.
        pictures: How many frames to keep.
        progress: Told (clips done, clips altogether).

    Raises:
        DataError: no such data, a label that the bundle does not know, or no readable clip.
        EdgeDnqError: the runtime cannot be used.
    """
    manifest = bundle.manifest
    listing = labelled_clips(bundle, data, split)
    chosen = drawn_clips(listing.clips, limit, seed=0)
    policy = "learned" if manifest.policy is not None else reference_policy(manifest)
    session = Session(bundle, runtime=runtime, policy=policy, kernels=kernels)
    counts: dict[str, dict[str, int]] = {}
    strips: dict[str, Strip] = {}
    kept: list[UInt8] = []
    clips = correct = 0
    unreadable: list[UnreadableClip] = []
    stride = max(1, len(chosen) // pictures)
    for done, clip, images in decoded_clips(
        chosen, manifest.clip_frames, manifest.input.height, unreadable
    ):
        session.reset()
        steps = [session.step(image) for image in images]
        label, prediction = listing.labels[clip.label], session.result(1)
        own = counts.setdefault(label, {action.name: 0 for action in manifest.actions})
        for step in steps:
            own[step.action] += 1
        if label not in strips:
            strips[label] = Strip(
                Path(str(clip)).name,
                label,
                prediction.label,
                prediction.score,
                _strip_frames(images, steps),
            )
        if (done - 1) % stride == 0 and len(kept) < pictures:
            kept.append(images[len(images) // 2])
        clips += 1
        correct += prediction.label == label
        if progress is not None:
            progress(done, len(chosen))
    if not clips:
        raise DataError(f"none of the {len(chosen)} clips is readable: {unreadable[0].problem}")
    return ClipStudy(
        data,
        policy,
        clips,
        correct,
        {label: _shares(own) for label, own in sorted(counts.items())},
        tuple(spread([strips[label] for label in sorted(strips)], STRIPS)),
        tuple(kept),
        tuple(unreadable),
    )


def spread(items: Sequence[Strip], count: int) -> list[Strip]:
    """Return at most ``count`` of ``items``, evenly spaced."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]


def _shares(counts: dict[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}


def _strip_frames(
    images: Sequence[UInt8] | UInt8, steps: Sequence[StepResult]
) -> tuple[StripFrame, ...]:
    return tuple(
        StripFrame(data_url(image), step.action) for image, step in zip(images, steps, strict=True)
    )


def data_url(image: UInt8) -> str:
    """Return an RGB frame, made small, as the URL of a JPEG that holds all its bytes."""
    height, width = image.shape[:2]
    size = (max(1, round(width * STRIP_HEIGHT / height)), STRIP_HEIGHT)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    ok, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    assert ok
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
