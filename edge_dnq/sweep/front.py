"""The front: every policy's accuracy and cost on the same clips, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import Bundle
from edge_dnq.errors import DataError
from edge_dnq.evaluation import (
    Progress,
    UnreadableClip,
    decoded_clips,
    drawn_clips,
    labelled_clips,
    relative_bit_operations,
)
from edge_dnq.kernels import KernelUse
from edge_dnq.manifest import Manifest
from edge_dnq.profiling.measure import Rota, quick_costs
from edge_dnq.profiling.table import ThreadCosts, action_costs, find_costs, reference_program
from edge_dnq.session import Session
from edge_dnq.sweep.families import (
    CONFIDENCE_QUANTILES,
    Candidate,
    blind_candidates,
    budget_candidate,
    learned_candidate,
    random_candidate,
    sweep_prices,
)
from edge_dnq.sweep.recording import (
    RecordedClip,
    cascade_clip,
    confidence,
    frame_costs,
    record_clip,
    walk_clip,
)
from edge_dnq.walk import Walk

Float64 = NDArray[np.float64]

FAMILIES = ("uniform", "cycle", "cascade", "random", "learned", "budget")
RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0


@dataclass(frozen=True)
class Interval:
    """A mean over clips and its bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class SweepPoint:
    """One policy.

    Attributes:
        family: ``uniform``, ``cycle``, ``random``, ``cascade``, ``learned`` or ``budget``.
        policy: Its description.
        setting: Lambda, confidence or budget; None for others.
        accuracy_top1: Fraction of clips whose likeliest class is right.
        relative_cost: Mean cost of a frame, relative to the reference.
        ms_per_frame: The same in milliseconds.
        difference: Accuracy above the reference's, on the same clips.
        over_random: Of the learned policy, its accuracy above a random mix's of equal cost.
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
    over_random: Interval | None
    bit_operations: float
    actions: dict[str, float]


@dataclass(frozen=True)
class Sweep:
    """All policies on the same clips.

    Attributes:
        reference: The policy that cost and accuracy are compared with.
        reference_ms_per_frame: What a frame of it costs.
        clips: Clips counted.
        frames: Frames in them.
        confidence: Of the intervals.
        resamples: Bootstrap samples of clips; the same ones for every policy.
        costs: Where costs are from.
        measured: The costs.
        runtime: The inference runtime.
        kernels: Which kernels each program ran on.
        points: The policies.
        unreadable: Clips that were left out.
    """

    reference: str
    reference_ms_per_frame: float
    clips: int
    frames: int
    confidence: float
    resamples: int
    costs: str
    measured: ThreadCosts
    runtime: str
    kernels: dict[str, KernelUse]
    points: list[SweepPoint]
    unreadable: list[UnreadableClip] = field(default_factory=list)


def sweep(
    bundle: Bundle,
    data: str | Path,
    split: str,
    *,
    frames: int | None = None,
    limit: int | None = None,
    runtime: str = "auto",
    threads: int = 1,
    seed: int = 0,
    kernels: str = "auto",
    progress: Progress | None = None,
) -> Sweep:
    """Compare many policies on the clips of a data set.

    Programs and policy run once per frame; the policies then decide by what was recorded.

    Args:
        bundle: The bundle.
        data: As :func:`edge_dnq.evaluation.evaluate` takes it.
        split: The split to use.
        frames: Frames per clip; None means as in training.
        limit: Use that many clips, drawn at random; None means all.
        runtime: Inference runtime.
        threads: Threads per program.
        seed: Seed of the draw of clips.
        kernels: Which kernels to run on.
        progress: Told (clips done, clips altogether) while clips are recorded.

    Raises:
        DataError: no such data, a label that the bundle does not know, or no readable clip.
        EdgeDnqError: the runtime cannot be used.
    """
    manifest = bundle.manifest
    listing = labelled_clips(bundle, data, split)
    chosen = drawn_clips(listing.clips, limit, seed)
    rota = Rota(manifest.actions, needs_policy=manifest.policy is not None)
    session = Session(bundle, runtime=runtime, threads=threads, policy=rota, kernels=kernels)
    lookup = find_costs(session)
    costs = lookup.costs or quick_costs(session)
    indices = {label: index for index, label in enumerate(manifest.labels)}
    unreadable: list[UnreadableClip] = []
    clips: list[RecordedClip] = []
    count = frames or manifest.clip_frames
    for done, clip, images in decoded_clips(chosen, count, manifest.input.height, unreadable):
        clips.append(record_clip(session, images, indices[listing.labels[clip.label]]))
        if progress is not None:
            progress(done, len(chosen))
    if not clips:
        raise DataError(f"none of the {len(chosen)} clips is readable: {unreadable[0].problem}")
    study = _Study(session, clips, costs)
    points = study.points()
    found = lookup.costs is not None
    return Sweep(
        reference=f"uniform:{study.reference}",
        reference_ms_per_frame=study.reference_ms,
        clips=len(clips),
        frames=study.frames,
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
        costs=lookup.note if found else f"measured for a moment: {lookup.note}",
        measured=costs,
        runtime=session.runtime_name,
        kernels=session.kernels,
        points=points,
        unreadable=unreadable,
    )


@dataclass(frozen=True)
class _Tried:
    """A policy's hits (means over seeds) and milliseconds by clip, and its shares of actions."""

    family: str
    policy: str
    setting: float | None
    hits: Float64
    costs: Float64
    shares: dict[str, float]


class _Study:
    def __init__(self, session: Session, clips: Sequence[RecordedClip], costs: ThreadCosts) -> None:
        self._session, self._clips, self._costs = session, clips, costs
        self._manifest: Manifest = session.bundle.manifest
        self.reference = reference_program(self._manifest)
        self.reference_ms = costs.frame.median_ms + costs.programs[self.reference].median_ms
        self.frames = sum(len(next(iter(clip.logits.values()))) for clip in clips)
        self._length = round(self.frames / len(clips))
        random = np.random.default_rng(SEED)
        even = np.full(len(clips), 1 / len(clips))
        self._weights = random.multinomial(len(clips), even, RESAMPLES) / len(clips)

    def points(self) -> list[SweepPoint]:
        tried = [self._walk(entry) for entry in blind_candidates(self._manifest, self._length)]
        tried += self._cascades()
        pairs: list[tuple[_Tried, _Tried | None]] = [(entry, None) for entry in tried]
        if self._session.policy is not None:
            pairs += self._learned()
        baseline = next(entry for entry, _ in pairs if self._is_reference(entry))
        pairs.sort(key=lambda pair: FAMILIES.index(pair[0].family))
        return [self._point(entry, baseline, rival) for entry, rival in pairs]

    def _is_reference(self, entry: _Tried) -> bool:
        programs = {action.name: action.program for action in self._manifest.actions}
        name = entry.policy.removeprefix("uniform:")
        return entry.family == "uniform" and programs[name] == self.reference

    def _learned(self) -> list[tuple[_Tried, _Tried | None]]:
        manifest = self._manifest
        names = [action.name for action in manifest.actions]
        own = action_costs(manifest, self._costs, policy=True)
        relative = np.array([own[name] for name in names]) / self.reference_ms
        plain = action_costs(manifest, self._costs, policy=False)
        logits = np.concatenate(
            [clip.policy_logits for clip in self._clips if clip.policy_logits is not None]
        )
        found: list[tuple[_Tried, _Tried | None]] = []
        for price in sweep_prices(logits, relative):
            learned = self._walk(learned_candidate(price, relative))
            shares = [learned.shares[name] for name in names]
            costs = [plain[name] for name in names]
            budget_ms = float(learned.costs.mean())
            rival = self._walk(random_candidate(manifest, shares, costs, budget_ms, self._length))
            held = self._walk(
                budget_candidate(manifest, self._costs, budget_ms / self.reference_ms)
            )
            found += [(learned, rival), (rival, None)]
            found += [(held, None)] if price else []
        return found

    def _walk(self, candidate: Candidate) -> _Tried:
        manifest = self._manifest
        hits = np.zeros(len(self._clips))
        spent = np.zeros(len(self._clips))
        counts = np.zeros(len(manifest.actions))
        for seed in range(candidate.seeds):
            picker = candidate.make(seed)
            walk = Walk(manifest.actions, len(manifest.labels), picker)
            costs = frame_costs(manifest, self._costs, policy=picker.needs_policy)
            for keep in (False, True) if candidate.rehearse else (True,):
                for index, clip in enumerate(self._clips):
                    outcome = walk_clip(walk, clip, costs, self._session.policy)
                    if keep:
                        hits[index] += outcome.hit / candidate.seeds
                        spent[index] += outcome.cost_ms / candidate.seeds
                        np.add.at(counts, list(outcome.actions), 1 / candidate.seeds)
        names = [action.name for action in manifest.actions]
        shares = dict(zip(names, (counts / self.frames).tolist(), strict=True))
        family, policy, setting = candidate.family, candidate.policy, candidate.setting
        return _Tried(family, policy, setting, hits, spent, shares)

    def _cascades(self) -> list[_Tried]:
        """Return confidence cascades over all programs; none where there is one program."""
        medians = {name: cost.median_ms for name, cost in self._costs.programs.items()}
        bits = {p.name: p.weight_bits * p.activation_bits * p.macs for p in self._manifest.programs}
        # By operations: where kernels make no difference, so does the order of their times.
        order = sorted(medians, key=lambda name: bits[name])
        if len(order) < 2:
            return []
        programs = [(name, medians[name]) for name in order]
        first = np.concatenate([confidence(clip.logits[order[0]]) for clip in self._clips])
        found = []
        for threshold in np.quantile(first, CONFIDENCE_QUANTILES).tolist():
            rows = [
                cascade_clip(clip, programs, self._costs.frame.median_ms, threshold)
                for clip in self._clips
            ]
            answered = np.sum([row[2] for row in rows], axis=0) / self.frames
            found.append(
                _Tried(
                    "cascade",
                    f"cascade at {threshold:.3g}",
                    threshold,
                    np.array([row[0] for row in rows], np.float64),
                    np.array([row[1] for row in rows]),
                    dict(zip(order, answered.tolist(), strict=True)),
                )
            )
        return found

    def _point(self, entry: _Tried, baseline: _Tried, rival: _Tried | None) -> SweepPoint:
        return SweepPoint(
            family=entry.family,
            policy=entry.policy,
            setting=entry.setting,
            accuracy_top1=self._interval(entry.hits),
            relative_cost=self._interval(entry.costs / self.reference_ms),
            ms_per_frame=float(entry.costs.mean()),
            difference=self._interval(entry.hits - baseline.hits),
            over_random=None if rival is None else self._interval(entry.hits - rival.hits),
            bit_operations=self._bit_operations(entry),
            actions=entry.shares,
        )

    def _bit_operations(self, entry: _Tried) -> float:
        if entry.family != "cascade":
            return relative_bit_operations(self._manifest, entry.shares)
        # A frame that a later program answered went through all before it.
        remaining, spent = 1.0, {}
        for name, answered in entry.shares.items():
            spent[name] = remaining
            remaining -= answered
        names = {a.program: a.name for a in self._manifest.actions if a.program is not None}
        shares = {names[program]: share for program, share in spent.items() if program in names}
        return relative_bit_operations(self._manifest, shares)

    def _interval(self, values: Float64) -> Interval:
        low, high = np.quantile(
            self._weights @ values, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
        )
        return Interval(float(values.mean()), float(low), float(high))
