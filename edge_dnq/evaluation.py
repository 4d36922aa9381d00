"""Accuracy and cost of a policy on labelled clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bootstrap import Bootstrap, Estimate, Interval, ratio
from edge_dnq.bundle import Bundle
from edge_dnq.errors import DataError, SourceError
from edge_dnq.kernels import KernelUse
from edge_dnq.manifest import Manifest
from edge_dnq.policy import parse_policy
from edge_dnq.profiling.lookup import find_costs
from edge_dnq.profiling.table import relative_cost
from edge_dnq.session import Session, StepResult
from edge_dnq.synthetic import LABELS
from edge_dnq.train.cache import cache_clips, default_cache_dir
from edge_dnq.train.listing import Clip, Listing, RenderedClip, VideoClip, list_clips
from edge_dnq.video.sampling import sample_clip

UInt8 = NDArray[np.uint8]
Progress = Callable[[int, int], None]

TOP = 5
REFERENCE = "w8a8"
CACHED_FROM = 200
"""Rendered clips from which they are worth a cache."""


@dataclass(frozen=True)
class ClassScore:
    """Result on the clips of one class."""

    clips: int
    accuracy_top1: float


@dataclass(frozen=True)
class UnreadableClip:
    """A clip that was left out, and why."""

    clip: str
    problem: str


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        policy: The policy's description.
        accuracy_top1: Fraction of clips whose likeliest class is right.
        accuracy_top5: Fraction whose class is among the five likeliest.
        clips: Clips counted.
        frames: Frames seen in them.
        actions: Fraction of frames per action.
        mean_ms_per_frame: Mean duration of a step, policy included.
        reference: The policy that cost is compared with.
        reference_ms_per_frame: Mean duration of its step, on the same frames in the same run.
        relative_cost: ``mean_ms_per_frame / reference_ms_per_frame``.
        table_cost: The same by the cost table of this device, which repeats; None without one.
        cost_table: Which table that is, or why there is none.
        flicker: Fraction of the frames after the first on which the running prediction changed.
        flicker_difference: Flicker above the reference's, on the same clips.
        per_class: Results by class.
        runtime: The inference runtime.
        kernels: Which kernels each program ran on.
        unreadable: Clips that were left out.
    """

    policy: str
    accuracy_top1: float
    accuracy_top5: float
    clips: int
    frames: int
    actions: dict[str, float]
    mean_ms_per_frame: float
    reference: str
    reference_ms_per_frame: float
    relative_cost: float
    table_cost: float | None
    cost_table: str
    flicker: Interval
    flicker_difference: Interval
    per_class: dict[str, ClassScore]
    runtime: str
    kernels: dict[str, KernelUse]
    unreadable: list[UnreadableClip] = field(default_factory=list)


def reference_policy(manifest: Manifest) -> str:
    """Return the policy that costs are compared with: always 8 bit, or the first program."""
    names = [action.name for action in manifest.actions if action.program is not None]
    return f"uniform:{REFERENCE if REFERENCE in names else names[0]}"


def relative_bit_operations(manifest: Manifest, shares: Mapping[str, float]) -> float:
    """Return the mean bit operations of a frame, relative to the costliest program's.

    MACs weighed by weight bits x activation bits / 64, which for square widths is the min(b, 8)^2 /
    64 of VideoIQ; 32 bits count as 8. It is what low-bit kernels could at best save; the policy's
    own are not in it.

    Args:
        manifest: Names the programs.
        shares: Fraction of the frames per action.
    """
    costs = {
        program.name: min(program.weight_bits, 8)
        * min(program.activation_bits, 8)
        / 64
        * program.macs
        for program in manifest.programs
    }
    spent = sum(
        shares.get(action.name, 0.0) * costs[action.program]
        for action in manifest.actions
        if action.program is not None
    )
    return spent / max(costs.values())


class PairedSessions:
    """A session and the reference policy's, given the same videos in turns.

    Each plays a whole video by itself, as it would on a device, with its own programs in the
    caches; who goes first alternates from video to video, so that a busy or throttled machine
    favours neither.

    Args:
        session: The session to measure.
        reference: The one to compare with.

    Attributes:
        frames: Frames measured.
        session_ms: Time of the session's steps.
        reference_ms: Time of the reference's steps.
        reference_steps: What the reference did with the last video.
    """

    def __init__(self, session: Session, reference: Session) -> None:
        self.session = session
        self.reference = reference
        self.frames = 0
        self.session_ms = 0.0
        self.reference_ms = 0.0
        self.reference_steps: list[StepResult] = []
        self._videos = 0

    def play(self, images: Sequence[UInt8] | UInt8) -> list[StepResult]:
        """Give a video to both, from the start; return what the measured session did."""
        turns = (self.session, self.reference)
        steps = {}
        for session in turns if self._videos % 2 else turns[::-1]:
            session.reset()
            steps[session] = [session.step(image) for image in images]
        self._videos += 1
        self.reference_steps = steps[self.reference]
        self.frames += len(images)
        self.session_ms += sum(step.latency_ms for step in steps[self.session])
        self.reference_ms += sum(step.latency_ms for step in self.reference_steps)
        return steps[self.session]

    def warm_up(self, frames: Iterable[UInt8]) -> None:
        """Run both on ``frames`` without measuring: first runs allocate and are slow."""
        for frame in frames:
            self.session.step(frame)
            self.reference.step(frame)

    @property
    def relative_cost(self) -> float:
        """Time of the session over time of the reference."""
        return self.session_ms / self.reference_ms


class _Score:
    """Right and wrong predictions by class."""

    def __init__(self) -> None:
        self.top1: dict[str, list[bool]] = {}
        self.top5: list[bool] = []

    def add(self, truth: str, ranked: Sequence[tuple[str, float]]) -> None:
        labels = [label for label, _ in ranked]
        self.top1.setdefault(truth, []).append(labels[0] == truth)
        self.top5.append(truth in labels[:TOP])

    def accuracy(self) -> tuple[float, float]:
        hits = [hit for own in self.top1.values() for hit in own]
        return sum(hits) / len(hits), sum(self.top5) / len(self.top5)

    def per_class(self) -> dict[str, ClassScore]:
        return {
            label: ClassScore(len(hits), sum(hits) / len(hits))
            for label, hits in sorted(self.top1.items())
        }


def evaluate(
    bundle: Bundle,
    data: str | Path,
    split: str,
    *,
    policy: str = "learned",
    frames: int | None = None,
    limit: int | None = None,
    runtime: str = "auto",
    threads: int = 1,
    seed: int = 0,
    kernels: str = "auto",
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a policy on the clips of a data set.

    Args:
        bundle: The bundle.
        data: A CSV file (path,label,split), a folder of class folders, or ``synthetic[:N]``; see
            :func:`edge_dnq.train.listing.list_clips`.
        split: The split to use.
        policy: As :func:`edge_dnq.policy.parse_policy` takes it.
        frames: Frames per clip, evenly spaced; None means as in training.
        limit: Use that many clips, drawn at random; None means all.
        runtime: Inference runtime.
        threads: Threads per program.
        seed: Seed of ``random`` policies and of the draw of clips.
        kernels: Which kernels to run on, one of :data:`edge_dnq.kernels.CHOICES`.
        progress: Told (clips done, clips altogether) after each clip.

    Raises:
        DataError: no such data, a label that the bundle does not know, or no readable clip.
        EdgeDnqError: the policy or the runtime cannot be used.
    """
    manifest = bundle.manifest
    listing = labelled_clips(bundle, data, split)
    reference = reference_policy(manifest)
    picker = parse_policy(policy, manifest.actions, seed)
    pair = PairedSessions(
        Session(bundle, runtime=runtime, threads=threads, policy=picker, kernels=kernels),
        Session(bundle, runtime=runtime, threads=threads, policy=reference, kernels=kernels),
    )
    unreadable: list[UnreadableClip] = []
    chosen = drawn_clips(listing.clips, limit, seed)
    score, counts = _Score(), dict.fromkeys((action.name for action in manifest.actions), 0)
    changes: list[tuple[int, int]] = []
    decoded = decoded_clips(
        chosen, frames or manifest.clip_frames, manifest.input.height, unreadable
    )
    for done, clip, images in decoded:
        if pair.frames == 0:
            pair.warm_up(images)
        steps = pair.play(images)
        for step in steps:
            counts[step.action] += 1
        changes.append((prediction_changes(steps), prediction_changes(pair.reference_steps)))
        score.add(listing.labels[clip.label], pair.session.result(TOP).top)
        if progress is not None:
            progress(done, len(chosen))
    if pair.frames == 0:
        raise DataError(f"none of the {len(chosen)} clips is readable: {unreadable[0].problem}")
    top1, top5 = score.accuracy()
    shares = {name: count / pair.frames for name, count in counts.items()}
    flicker = _flicker(np.array(changes), pair.frames)
    lookup = find_costs(pair.session)
    table_cost = None
    if lookup.costs is not None:
        table_cost = relative_cost(manifest, lookup.costs, shares, policy=picker.needs_policy)
    return Evaluation(
        policy=policy,
        accuracy_top1=top1,
        accuracy_top5=top5,
        clips=len(score.top5),
        frames=pair.frames,
        actions=shares,
        mean_ms_per_frame=pair.session_ms / pair.frames,
        reference=reference,
        reference_ms_per_frame=pair.reference_ms / pair.frames,
        relative_cost=pair.relative_cost,
        table_cost=table_cost,
        cost_table=lookup.note,
        flicker=flicker[0].interval(),
        flicker_difference=(flicker[0] - flicker[1]).interval(),
        per_class=score.per_class(),
        runtime=pair.session.runtime_name,
        kernels=pair.session.kernels,
        unreadable=unreadable,
    )


def prediction_changes(steps: Iterable[StepResult]) -> int:
    """Count the frames of a video on which the likeliest class of the mean logits changed."""
    total: NDArray[np.float64] | None = None
    changes, guess = 0, -1
    for step in steps:
        if step.logits is not None:
            exact = step.logits.astype(np.float64)
            total = exact if total is None else total + exact
            before, guess = guess, int(np.argmax(total))
            changes += before not in (guess, -1)
    return changes


def _flicker(changes: NDArray[np.int64], frames: int) -> list[Estimate]:
    """Return the flicker of the policies of the columns of ``changes`` [clips, policies]."""
    clips = len(changes)
    bootstrap, each = Bootstrap(clips), np.arange(clips)
    after = bootstrap.totals(each, np.full(clips, frames / clips - 1))
    return [ratio(bootstrap.totals(each, column), after) for column in changes.T]


def labelled_clips(bundle: Bundle, data: str | Path, split: str) -> Listing:
    """List the clips of a data set.

    Raises:
        DataError: no such data, or a label that the bundle does not know.
    """
    known = set(bundle.manifest.labels)
    listing = list_clips(data, split)
    strangers = [label for label in listing.labels if label not in known]
    if strangers:
        raise DataError(
            f"{data} has the label '{strangers[0]}'"
            + (f" and {len(strangers) - 1} more" if len(strangers) > 1 else "")
            + f" that {bundle.path} does not know: it knows {', '.join(bundle.manifest.labels[:8])}"
            + (", ..." if len(bundle.manifest.labels) > 8 else "")
        )
    return listing


def drawn_clips(clips: Sequence[Clip], limit: int | None, seed: int) -> list[Clip]:
    """Return at most ``limit`` clips in their order; listings are sorted by class, so draw."""
    if limit is None or limit >= len(clips):
        return list(clips)
    places = np.random.default_rng(seed).choice(len(clips), limit, replace=False)
    return [clips[place] for place in sorted(places)]


def decoded_clips(
    clips: Sequence[Clip], frames: int, size: int, unreadable: list[UnreadableClip]
) -> Iterator[tuple[int, Clip, UInt8]]:
    """Yield (clips so far, clip, frames [T, H, W, 3]); files keep their own frame size.

    Many rendered clips are taken from the cache of training (:mod:`edge_dnq.train.cache`), which
    renders them on all cores.
    """
    rendered: UInt8 | None = None
    if len(clips) >= CACHED_FROM and isinstance(clips[0], RenderedClip):
        listing = Listing("synthetic", LABELS, tuple(clips))
        rendered = cache_clips(listing, frames, size, default_cache_dir()).pixels
    for done, clip in enumerate(clips, 1):
        try:
            if rendered is not None:
                images = np.array(rendered[done - 1])
            elif isinstance(clip, VideoClip):
                images = sample_clip(clip.path, frames)
            else:
                images = clip.load(frames, size)
        except SourceError as error:
            unreadable.append(UnreadableClip(str(clip), str(error)))
            continue
        yield done, clip, images
