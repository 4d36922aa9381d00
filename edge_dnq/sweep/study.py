"""Every policy tried on recorded videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_dnq.context import change
from edge_dnq.evaluation import relative_bit_operations
from edge_dnq.profiling.measure import source_frames
from edge_dnq.profiling.table import ThreadCosts, action_costs, reference_program
from edge_dnq.session import Session
from edge_dnq.sweep.families import (
    Candidate,
    blind_candidates,
    budget_candidate,
    learned_candidate,
    random_candidate,
    sweep_prices,
)
from edge_dnq.sweep.outcomes import Outcomes, Tried
from edge_dnq.sweep.recording import RecordedVideo
from edge_dnq.sweep.rivals import Rival, cascades, exits, on_change
from edge_dnq.sweep.scoring import Scorer
from edge_dnq.sweep.walking import SKIPPED, FrameCosts, frame_costs, program_run, walk_video
from edge_dnq.video.preprocess import network_frame
from edge_dnq.walk import Walk

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
LOOKS = 400
"""Frames that looking for change is measured on."""

Told = Callable[[str], None]

REHEARSAL = 5000
"""Frames after which a controller has settled, and by far."""


class Study:
    """Tries policies on videos.

    Args:
        session: Made with the policy, where the bundle has one.
        videos: Recorded with it; at least one.
        costs: Of this device or another.
        told: Told the description of every policy before it is tried.
        pace: How much longer than this device the one that the costs are of takes for what is no
            program, such as looking for change, which is measured here.

    Attributes:
        reference: The program that costs are relative to.
        reference_ms: What a frame of it costs without a policy.
    """

    def __init__(
        self,
        session: Session,
        videos: Sequence[RecordedVideo],
        costs: ThreadCosts,
        told: Told = lambda policy: None,
        pace: float = 1.0,
    ) -> None:
        self._session, self._videos, self._costs, self._told = session, videos, costs, told
        self._manifest = session.bundle.manifest
        self._programs, self._pace = tuple(session.recognisers), pace
        self._scorer = Scorer(videos)
        self.reference = reference_program(self._manifest)
        self.reference_ms = costs.frame.median_ms + costs.programs[self.reference].median_ms

    def outcomes(self) -> Outcomes:
        """Try every policy that the bundle allows."""
        groups: dict[str, int] = {}
        for video in self._videos:
            groups.setdefault(video.layout.group, len(groups))
        by_video = [groups[video.layout.group] for video in self._videos]
        counts = [len(video.layout.segments) for video in self._videos]
        names = {action.program: action.name for action in self._manifest.actions}
        return Outcomes(
            reference=f"uniform:{names[self.reference]}",
            reference_ms=self.reference_ms,
            clips=tuple(s.name for video in self._videos for s in video.layout.segments),
            steps=self._scorer.segments.lengths - 1,
            segment_groups=np.repeat(np.array(by_video, np.int64), counts),
            frames=self._scorer.frames,
            video_groups=np.array(by_video, np.int64),
            groups=tuple(groups),
            tried=tuple(self._tried()),
        )

    def _tried(self) -> Iterator[Tried]:
        shortest = int(self._scorer.frames.min())
        for candidate in blind_candidates(self._manifest, shortest):
            yield self._walk(candidate)[0]
        for rival in cascades(self._scorer, self._by_operations()):
            yield self._rival(rival)
        if any(action.program is None for action in self._manifest.actions):
            for rival in exits(self._scorer, self._programs):
                yield self._rival(rival)
            look_ms = self._look_ms() * self._pace
            for rival in on_change(self._videos, self._scorer, self._programs):
                yield self._rival(rival, look_ms)
        if self._session.policy is not None:
            yield from self._learned()

    def _learned(self) -> Iterator[Tried]:
        """Yield the policy at every price, and for each a random mix and a budget of its cost."""
        manifest, frames = self._manifest, self._scorer.frames
        names = [action.name for action in manifest.actions]
        own = action_costs(manifest, self._costs, policy=True)
        relative = np.array([own[name] for name in names]) / self.reference_ms
        plain = action_costs(manifest, self._costs, policy=False)
        free, said = self._walk(learned_candidate("0", 0.0, relative))
        for key, price in sweep_prices(np.stack(said), relative).items():
            learned = self._walk(learned_candidate(key, price, relative))[0] if price else free
            yield learned
            ms = float(learned.cost_ms.sum() / frames.sum())
            shares = [learned.shares[name] for name in names]
            costs = [plain[name] for name in names]
            mix = random_candidate(key, manifest, shares, costs, ms, frames.tolist())
            yield self._walk(mix)[0]
            if price > 0:
                target = ms / self.reference_ms
                yield self._walk(budget_candidate(key, manifest, self._costs, target))[0]

    def _walk(self, candidate: Candidate) -> tuple[Tried, list[Float32]]:
        """Return a picker's outcome, and what the policy said about the frames it decided."""
        self._told(candidate.policy)
        manifest, scorer = self._manifest, self._scorer
        programs = program_run(manifest, self._programs)
        hits, changes = np.zeros(len(scorer.truths)), np.zeros(len(scorer.truths))
        spent, counts = np.zeros(len(self._videos)), np.zeros(len(manifest.actions))
        said: list[Float32] = []
        for seed in range(candidate.seeds):
            picker = candidate.make(seed)
            walk = Walk(manifest.actions, len(manifest.labels), picker)
            costs = frame_costs(manifest, self._costs, policy=picker.needs_policy)
            if candidate.rehearse:
                self._rehearse(walk, costs)
            walked = [
                walk_video(walk, video, self._programs, costs, self._session.policy)
                for video in self._videos
            ]
            actions = np.concatenate([one.actions for one in walked])
            said = [logits for one in walked for logits in one.policy_logits]
            score = scorer.score(programs[actions])
            hits += score.hits / candidate.seeds
            changes += score.changes / candidate.seeds
            spent += np.array([one.cost_ms for one in walked]) / candidate.seeds
            counts += np.bincount(actions, minlength=len(counts)) / candidate.seeds
        names = [action.name for action in manifest.actions]
        shares = dict(zip(names, (counts / scorer.frames.sum()).tolist(), strict=True))
        tried = Tried(
            candidate.family,
            candidate.key,
            candidate.policy,
            candidate.setting,
            shares,
            relative_bit_operations(manifest, shares),
            hits,
            changes,
            spent,
        )
        return tried, said

    def _rehearse(self, walk: Walk, costs: FrameCosts) -> None:
        frames = 0
        for video in self._videos:
            walk_video(walk, video, self._programs, costs, self._session.policy)
            frames += len(video)
            if frames >= REHEARSAL:
                return

    def _rival(self, rival: Rival, look_ms: float | None = None) -> Tried:
        """Return the outcome of a rival that pays for every program it ran.

        Args:
            rival: What it did.
            look_ms: What it pays besides on every frame; None where it looks only at frames that
                a program runs on.
        """
        self._told(rival.policy)
        scorer = self._scorer
        score = scorer.score(rival.ran)
        medians = [self._costs.programs[name].median_ms for name in self._programs]
        looked = np.any(rival.runs, axis=0) | (look_ms is not None)
        spent = (self._costs.frame.median_ms + (look_ms or 0.0)) * scorer.video_sums(looked)
        for runs, ms in zip(rival.runs, medians, strict=True):
            spent = spent + ms * scorer.video_sums(runs)
        actions = {action.program: action.name for action in self._manifest.actions}
        answered = {
            actions[name]: float(np.mean(rival.ran == place))
            for place, name in enumerate(self._programs)
        }
        if None in actions:
            answered[actions[None]] = float(np.mean(rival.ran == SKIPPED))
        runs_by_action = {
            actions[name]: float(rival.runs[place].mean())
            for place, name in enumerate(self._programs)
        }
        return Tried(
            rival.family,
            rival.key,
            rival.policy,
            rival.threshold,
            answered,
            relative_bit_operations(self._manifest, runs_by_action),
            score.hits.astype(np.float64),
            score.changes.astype(np.float64),
            spent,
        )

    def _look_ms(self) -> float:
        """Measure what it takes to shrink a frame to the policy's size and to compare it."""
        spec = self._manifest.policy
        if spec is None:
            return 0.0
        size, side = self._manifest.input.height, spec.inputs[0].shape[1]
        frames = source_frames(size, size)
        last, taken = network_frame(frames[-1], side), []
        for place in range(LOOKS):
            started = perf_counter()
            small = network_frame(frames[place % len(frames)], side)
            change(small, last)
            taken.append((perf_counter() - started) * 1e3)
            last = small
        return float(np.median(taken))

    def _by_operations(self) -> list[int]:
        """Return the programs by bit operations: kernels may leave no order of their times."""
        work = {
            spec.name: spec.weight_bits * spec.activation_bits * spec.macs
            for spec in self._manifest.programs
        }
        return sorted(range(len(self._programs)), key=lambda place: work[self._programs[place]])
