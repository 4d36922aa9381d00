"""The front: every policy's accuracy, cost and flicker on the same clips, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edge_dnq.bootstrap import CONFIDENCE, RESAMPLES, Interval
from edge_dnq.bundle import Bundle
from edge_dnq.evaluation import Progress, UnreadableClip, drawn_clips, labelled_clips
from edge_dnq.kernels import KernelUse
from edge_dnq.profiling.lookup import find_costs, given_costs
from edge_dnq.profiling.measure import Rota, quick_costs
from edge_dnq.profiling.table import ThreadCosts
from edge_dnq.session import Session
from edge_dnq.streams import Composition
from edge_dnq.sweep.comparison import Comparison, compare, upper_hull
from edge_dnq.sweep.estimates import Estimates, estimate
from edge_dnq.sweep.outcomes import Outcomes, Tried
from edge_dnq.sweep.study import Study
from edge_dnq.sweep.videos import Selection, record_clips, record_streams

RIVALS = ("uniform", "cycle", "cascade", "exit", "exit_told", "change", "random")
"""Families that need no policy; a policy is compared with each of them at equal cost."""

FAMILIES = (*RIVALS, "learned", "budget")


@dataclass(frozen=True)
class SweepPoint:
    """One policy.

    Attributes:
        family: One of :data:`FAMILIES`.
        policy: Its description.
        setting: Lambda, confidence or budget; None for others.
        accuracy_top1: Fraction of clips, or of segments of streams, whose likeliest class is right.
        relative_cost: Mean cost of a frame, relative to the reference.
        ms_per_frame: The same in milliseconds.
        difference: Accuracy above the reference's, on the same clips.
        flicker: Fraction of frames on which the running prediction changed.
        flicker_difference: Flicker above the reference's.
        against: Of a learned policy, its comparison with every family at equal cost.
        bit_operations: Relative to the costliest program's.
        actions: Fraction of the frames by action; of a cascade by the program that answered.
    """

    family: str
    policy: str
    setting: float | None
    accuracy_top1: Interval
    relative_cost: Interval
    ms_per_frame: float
    difference: Interval
    flicker: Interval
    flicker_difference: Interval
    against: dict[str, Comparison]
    bit_operations: float
    actions: dict[str, float]


@dataclass(frozen=True)
class Front:
    """All policies on the same clips.

    Attributes:
        reference: The policy that cost and accuracy are compared with.
        reference_ms_per_frame: What a frame of it costs.
        clips: Clips counted, or segments of streams.
        frames: Frames seen.
        groups: What was resampled as one: clips, recordings or streams.
        confidence: Of the intervals.
        resamples: Bootstrap samples of the groups; the same ones for every policy.
        points: The policies.
    """

    reference: str
    reference_ms_per_frame: float
    clips: int
    frames: int
    groups: int
    confidence: float
    resamples: int
    points: list[SweepPoint]

    def of(self, family: str) -> list[SweepPoint]:
        """Return the points of a family; of rivals those on its upper hull, by cost."""
        points = [point for point in self.points if point.family == family]
        if family not in RIVALS or family == "uniform":
            return points
        at = [(point.ms_per_frame, point.accuracy_top1.mean) for point in points]
        return [points[place] for place in upper_hull(at)]


@dataclass(frozen=True)
class Sweep(Front):
    """A front measured here.

    Attributes:
        streams: How the clips were composed into untrimmed streams, or None.
        costs: Where costs are from.
        measured: The costs.
        runtime: The inference runtime.
        kernels: Which kernels each program ran on.
        unreadable: Clips that were left out.
    """

    streams: Composition | None
    costs: str
    measured: ThreadCosts
    runtime: str
    kernels: dict[str, KernelUse]
    unreadable: list[UnreadableClip] = field(default_factory=list)

    @property
    def videos(self) -> str:
        """What was seen, in words."""
        if self.streams is None:
            return f"{self.clips} clips"
        shown = f"{self.clips} segments in {self.groups * self.streams.rounds} streams"
        return f"{shown}, {self.streams.filler:.0%} filler"


def front_of(outcomes: Outcomes) -> Front:
    """Summarise outcomes, with intervals and comparisons at equal cost."""
    rows = sorted(estimate(outcomes), key=lambda row: FAMILIES.index(row[0].family))
    baseline = next(own for tried, own in rows if tried.policy == outcomes.reference)
    rivals = {
        family: {tried.policy: own for tried, own in rows if tried.family in {family, "uniform"}}
        for family in RIVALS
        if any(tried.family == family for tried, _ in rows)
    }
    return Front(
        reference=outcomes.reference,
        reference_ms_per_frame=outcomes.reference_ms,
        clips=len(outcomes.clips),
        frames=int(outcomes.frames.sum()),
        groups=len(outcomes.groups),
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
        points=[_point(tried, own, baseline, outcomes, rivals) for tried, own in rows],
    )


def _point(
    tried: Tried,
    own: Estimates,
    baseline: Estimates,
    outcomes: Outcomes,
    rivals: dict[str, dict[str, Estimates]],
) -> SweepPoint:
    compared = rivals if tried.family not in RIVALS else {}
    return SweepPoint(
        family=tried.family,
        policy=tried.policy,
        setting=tried.setting,
        accuracy_top1=own.accuracy.interval(),
        relative_cost=own.ms.over(outcomes.reference_ms).interval(),
        ms_per_frame=own.ms.value,
        difference=(own.accuracy - baseline.accuracy).interval(),
        flicker=own.flicker.interval(),
        flicker_difference=(own.flicker - baseline.flicker).interval(),
        against={family: compare(own, settings) for family, settings in compared.items()},
        bit_operations=tried.bit_operations,
        actions=tried.shares,
    )


def sweep(
    bundle: Bundle,
    data: str | Path,
    split: str,
    *,
    streams: Composition | None = None,
    frames: int | None = None,
    limit: int | None = None,
    runtime: str = "auto",
    threads: int = 1,
    seed: int = 0,
    kernels: str = "auto",
    costs: Path | None = None,
    progress: Progress | None = None,
    told: Callable[[str], None] = lambda policy: None,
) -> tuple[Sweep, Outcomes]:
    """Compare many policies on the clips of a data set.

    Programs run once per frame; the policies then decide by what was recorded. The policy program
    runs once where its logits depend on the frames alone, and else along with the decisions.

    Args:
        bundle: The bundle.
        data: As :func:`edge_dnq.evaluation.evaluate` takes it.
        split: The split to use.
        streams: How to compose the clips into untrimmed streams (:mod:`edge_dnq.streams`), or None.
            A segment is then what a clip is otherwise; the cost is that of all frames.
        frames: Frames per clip; None means as in training.
        limit: Use that many clips, drawn at random; None means all.
        runtime: Inference runtime.
        threads: Threads per program.
        seed: Seed of the draw of clips and of the streams.
        kernels: Which kernels to run on.
        costs: Cost table of another device, as ``edge-dnq profile`` wrote it there; None means
            this device's, or a short measurement where there is none.
        progress: Told (videos done, videos altogether) while they are recorded.
        told: Told the description of every policy before it is tried.

    Returns:
        The front, and what it is made of.

    Raises:
        DataError: no such data, a label that the bundle does not know, or no readable clip.
        EdgeDnqError: the runtime cannot be used, or the cost table is of something else.
    """
    manifest = bundle.manifest
    listing = labelled_clips(bundle, data, split)
    chosen = drawn_clips(listing.clips, limit, seed)
    rota = Rota(manifest.actions, needs_policy=manifest.policy is not None)
    session = Session(bundle, runtime=runtime, threads=threads, policy=rota, kernels=kernels)
    lookup = find_costs(session) if costs is None else given_costs(session, costs)
    measured = lookup.costs or quick_costs(session)
    selection = Selection(listing, chosen, frames or manifest.clip_frames)
    if streams is None:
        videos = record_clips(session, selection, progress)
    else:
        videos = record_streams(session, selection, seed, streams, progress)
    own = measured if costs is None else quick_costs(session)
    pace = measured.frame.median_ms / own.frame.median_ms
    outcomes = Study(session, videos, measured, told, pace).outcomes()
    found = lookup.costs is not None
    result = Sweep(
        **vars(front_of(outcomes)),
        streams=streams,
        costs=lookup.note if found else f"measured for a moment: {lookup.note}",
        measured=measured,
        runtime=session.runtime_name,
        kernels=session.kernels,
        unreadable=selection.unreadable,
    )
    return result, outcomes
