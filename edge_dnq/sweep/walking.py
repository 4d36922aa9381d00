"""Pickers decide about recorded videos, frame by frame, as a session would let them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_dnq.manifest import Manifest
from edge_dnq.policy import Observer
from edge_dnq.profiling.table import ThreadCosts, decided_ms, held_ms
from edge_dnq.session import PolicyProgram
from edge_dnq.sweep.recording import RecordedVideo
from edge_dnq.walk import Walk

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

SKIPPED = -1
"""In place of a program, on a frame that none ran on."""


@dataclass(frozen=True)
class FrameCosts:
    """Milliseconds of one frame.

    Attributes:
        decided: By action, [A].
        held: Of a frame that a longer skip holds.
    """

    decided: Float64
    held: float


def frame_costs(manifest: Manifest, costs: ThreadCosts, *, policy: bool) -> FrameCosts:
    """Return what frames cost, with or without a policy that looks at them."""
    return FrameCosts(
        np.array(decided_ms(manifest, costs, policy=policy)),
        held_ms(costs),
    )


class PolicyTrack(Protocol):
    """The policy beside one video."""

    def logits(self, frame: int) -> Float32:
        """Return the action logits, float32 [A], of a frame; frames come in order."""
        ...

    def executed(self, logits: Float32) -> None:
        """Take the logits, float32 [K], of the program that ran on the last frame."""
        ...


class RecordedTrack:
    """A policy whose logits depend on the frames alone: they were recorded.

    Args:
        recorded: Its logits, float32 [T, A].
    """

    def __init__(self, recorded: Float32) -> None:
        self._recorded = recorded

    def logits(self, frame: int) -> Float32:
        """Return what was recorded."""
        row: Float32 = self._recorded[frame]
        return row

    def executed(self, logits: Float32) -> None:
        """Nothing depends on it."""


class LiveTrack:
    """A policy whose logits depend on the decisions: its program is run.

    Args:
        policy: The program; it begins another video.
        frames: The policy's frames, uint8 [T, P, P, 3].
    """

    def __init__(self, policy: PolicyProgram, frames: UInt8) -> None:
        policy.reset()
        self._policy, self._frames = policy, frames

    def logits(self, frame: int) -> Float32:
        """Run the program."""
        return self._policy(self._frames[frame])

    def executed(self, logits: Float32) -> None:
        """Tell the policy's context."""
        self._policy.executed(logits)


def policy_track(video: RecordedVideo, policy: PolicyProgram | None) -> PolicyTrack:
    """Return the policy beside a video: recorded where that is the same."""
    if video.policy_logits is not None:
        return RecordedTrack(video.policy_logits)
    assert policy is not None
    assert video.policy_frames is not None
    return LiveTrack(policy, video.policy_frames)


@dataclass(frozen=True)
class Walked:
    """What was decided about a video of T frames.

    Attributes:
        actions: Index of the action of every frame, int64 [T].
        cost_ms: Of all frames together.
        policy_logits: What the policy said about the frames that were decided, [decided, A].
    """

    actions: Int64
    cost_ms: float
    policy_logits: list[Float32]


def walk_video(
    walk: Walk,
    video: RecordedVideo,
    programs: Sequence[str],
    costs: FrameCosts,
    policy: PolicyProgram | None,
) -> Walked:
    """Let a picker decide about a video, as :meth:`edge_dnq.session.Session.step` does.

    Args:
        walk: With the picker.
        video: The video.
        programs: Names of its logits.
        costs: Of its frames; an observing picker is told them.
        policy: The program, where the video was recorded without it.
    """
    walk.reset()
    picker = walk.picker
    track = policy_track(video, policy) if picker.needs_policy else None
    observer = picker if isinstance(picker, Observer) else None
    columns = {name: place for place, name in enumerate(programs)}
    actions: list[int] = []
    said: list[Float32] = []
    total = 0.0
    for index in range(len(video)):
        if walk.held:
            walk.hold()
            decided, cost = None, costs.held
        else:
            if track is not None:
                said.append(track.logits(index))
            action = walk.choose(said[-1] if track is not None else None)
            if action.program is not None:
                logits = video.logits[index, columns[action.program]]
                walk.execute(logits)
                if track is not None:
                    track.executed(logits)
            decided, cost = walk.chosen, float(costs.decided[walk.chosen])
        if observer is not None:
            observer.observe(decided, cost)
        actions.append(walk.chosen)
        total += cost
    return Walked(np.array(actions, np.int64), total, said)


def program_run(manifest: Manifest, programs: Sequence[str]) -> Int64:
    """Return, by action, the place of its program in ``programs``, or :data:`SKIPPED`."""
    return np.array(
        [
            SKIPPED if action.program is None else programs.index(action.program)
            for action in manifest.actions
        ],
        np.int64,
    )
