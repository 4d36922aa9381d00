"""What every program says about every frame, computed once, and walks through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import Manifest
from edge_dnq.policy import Observer, Picker
from edge_dnq.profiling.table import ThreadCosts
from edge_dnq.session import PolicyProgram, Session
from edge_dnq.video.preprocess import network_frame
from edge_dnq.walk import Walk

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class RecordedClip:
    """One clip of T frames.

    Attributes:
        truth: Index of its class.
        logits: Of every program, float32 [T, K].
        policy_logits: Of the policy when it sees every frame, float32 [T, A]; None without one.
        frames: Network frames, where the policy may not see every frame and has to be run.
    """

    truth: int
    logits: dict[str, Float32]
    policy_logits: Float32 | None
    frames: tuple[UInt8, ...] | None


def record_clip(session: Session, images: Sequence[UInt8] | UInt8, truth: int) -> RecordedClip:
    """Run every program, and the policy, on every frame of a clip.

    Args:
        session: Of a picker that needs the policy, where the bundle has one.
        images: The clip, each frame uint8 [H, W, 3].
        truth: Index of its class.
    """
    manifest = session.bundle.manifest
    frames = [network_frame(image, manifest.input.height) for image in images]
    logits = {
        name: np.stack([recogniser(frame) for frame in frames])
        for name, recogniser in session.recognisers.items()
    }
    policy_logits = None
    if session.policy is not None:
        session.policy.reset()
        policy_logits = np.stack([session.policy(frame) for frame in frames])
    # A frame held by a longer skip is not shown to the policy, whose memory then differs.
    holds = any(action.skip > 1 for action in manifest.actions)
    kept = tuple(frames) if holds and policy_logits is not None else None
    return RecordedClip(truth, logits, policy_logits, kept)


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
    base = costs.frame.median_ms
    if policy and costs.policy is not None:
        base += costs.policy.median_ms
    return FrameCosts(
        np.array(
            [
                base + (costs.programs[action.program].median_ms if action.program else 0.0)
                for action in manifest.actions
            ]
        ),
        costs.held.median_ms if costs.held is not None else 0.0,
    )


@dataclass(frozen=True)
class Outcome:
    """One policy on one clip.

    Attributes:
        hit: Whether the likeliest class is right.
        cost_ms: Mean of its frames.
        actions: Index of the action of every frame, [T].
    """

    hit: bool
    cost_ms: float
    actions: tuple[int, ...]


def walk_clip(
    walk: Walk, clip: RecordedClip, costs: FrameCosts, policy: PolicyProgram | None
) -> Outcome:
    """Let a picker decide about a clip, as :meth:`edge_dnq.session.Session.step` does.

    Args:
        walk: With the picker.
        clip: The clip.
        costs: Of its frames; an observing picker is told them.
        policy: Run where the clip keeps its frames.
    """
    walk.reset()
    picker = walk.picker
    live = policy if picker.needs_policy and clip.frames is not None else None
    if live is not None:
        live.reset()
    observer = picker if isinstance(picker, Observer) else None
    actions: list[int] = []
    total = 0.0
    for index in range(len(next(iter(clip.logits.values())))):
        if walk.held:
            walk.hold()
            decided, cost = None, costs.held
        else:
            action = walk.choose(_policy_logits(clip, index, live, picker))
            if action.program is not None:
                walk.execute(clip.logits[action.program][index])
            decided, cost = walk.chosen, float(costs.decided[walk.chosen])
        if observer is not None:
            observer.observe(decided, cost)
        actions.append(walk.chosen)
        total += cost
    hit = int(np.argmax(walk.mean_logits())) == clip.truth
    return Outcome(hit, total / len(actions), tuple(actions))


def _policy_logits(
    clip: RecordedClip, index: int, live: PolicyProgram | None, picker: Picker
) -> Float32 | None:
    if not picker.needs_policy:
        return None
    if live is not None and clip.frames is not None:
        return live(clip.frames[index])
    assert clip.policy_logits is not None
    row: Float32 = clip.policy_logits[index]
    return row


def cascade_clip(
    clip: RecordedClip,
    programs: Sequence[tuple[str, float]],
    base_ms: float,
    threshold: float,
) -> tuple[bool, float, list[int]]:
    """Run ever dearer programs on a frame until one is confident of its answer.

    Args:
        clip: The clip.
        programs: Name and milliseconds, the cheapest first.
        base_ms: Of a frame outside the programs.
        threshold: Softmax probability of the likeliest class that is confident.

    Returns:
        Whether the likeliest class is right, the mean milliseconds of a frame, and how many frames
        each program answered.
    """
    frames = len(clip.logits[programs[0][0]])
    open_frames = np.ones(frames, np.bool_)
    total, answered = base_ms * frames, []
    chosen = np.zeros_like(clip.logits[programs[0][0]], np.float64)
    for position, (name, milliseconds) in enumerate(programs):
        total += milliseconds * int(open_frames.sum())
        sure = confidence(clip.logits[name]) >= threshold
        done = open_frames & (sure if position + 1 < len(programs) else True)
        chosen[done] = clip.logits[name][done]
        answered.append(int(done.sum()))
        open_frames &= ~done
    return int(np.argmax(chosen.mean(0))) == clip.truth, total / frames, answered


def confidence(logits: Float32) -> Float64:
    """Return the softmax probability of the likeliest class of every row."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    likeliest: Float64 = 1.0 / np.exp(shifted).sum(-1)
    return likeliest
