"""What every program says about every frame of a video, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.session import Session
from edge_dnq.video.preprocess import network_frame

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Segment:
    """Frames of a video that show one action.

    Attributes:
        start: The first one.
        length: How many.
        truth: Index of their class.
        name: Of the clip that they are from.
    """

    start: int
    length: int
    truth: int
    name: str


@dataclass(frozen=True)
class Layout:
    """What a video shows where.

    Attributes:
        group: Videos of one name are near twins and are resampled together.
        segments: What is to be recognised, in order.
        stretches: Where every stretch begins: segments and what lies between them.
    """

    group: str
    segments: tuple[Segment, ...]
    stretches: tuple[int, ...]

    @staticmethod
    def of_clip(name: str, group: str, frames: int, truth: int) -> Layout:
        """Return the layout of a trimmed clip: one segment."""
        return Layout(group, (Segment(0, frames, truth, name),), (0,))


@dataclass(frozen=True)
class RecordedVideo:
    """One video of T frames.

    Attributes:
        layout: What it shows.
        logits: Of every program, float32 [T, programs, K].
        policy_logits: Of the policy, float32 [T, A], where they depend on the frames alone.
        policy_frames: The policy's frames, uint8 [T, P, P, 3], where there is one.
    """

    layout: Layout
    logits: Float32
    policy_logits: Float32 | None
    policy_frames: UInt8 | None

    def __len__(self) -> int:
        """Return T."""
        return len(self.logits)


def record_video(
    session: Session, images: Sequence[UInt8] | UInt8, layout: Layout
) -> RecordedVideo:
    """Run every program on every frame of a video, and the policy where that is of use.

    Args:
        session: Of a picker that needs the policy, where the bundle has one. Its recognisers are in
            the order of the logits.
        images: The frames, each uint8 [H, W, 3].
        layout: What they show.
    """
    manifest = session.bundle.manifest
    frames = [network_frame(image, manifest.input.height) for image in images]
    recognisers = list(session.recognisers.values())
    logits = np.stack([np.stack([run(frame) for run in recognisers]) for frame in frames])
    policy, spec = session.policy, manifest.policy
    if policy is None or spec is None:
        return RecordedVideo(layout, logits, None, None)
    # A frame that a longer skip holds is not shown to the policy, whose memory then differs.
    holds = any(action.skip > 1 for action in manifest.actions)
    side = spec.inputs[0].shape[1]
    shrunk = np.stack([network_frame(frame, side) for frame in frames])
    if holds or policy.context is not None:
        return RecordedVideo(layout, logits, None, shrunk)
    policy.reset()
    return RecordedVideo(layout, logits, np.stack([policy(frame) for frame in shrunk]), shrunk)
