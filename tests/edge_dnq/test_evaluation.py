from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.evaluation import (
    CACHED_FROM,
    PairedSessions,
    decoded_clips,
    prediction_changes,
    reference_policy,
    relative_bit_operations,
)
from edge_dnq.session import Session, StepResult
from edge_dnq.train.listing import RenderedClip


def test_pairs_measure_only_what_is_played(bundle: Bundle, frames: np.ndarray) -> None:
    reference = reference_policy(bundle.manifest)
    assert reference == "uniform:w8a8"
    pair = PairedSessions(Session(bundle, policy="w8a8,skip"), Session(bundle, policy=reference))
    pair.warm_up(frames[:3])
    assert (pair.frames, pair.session_ms, pair.reference_ms) == (0, 0.0, 0.0)
    steps = [*pair.play(frames), *pair.play(frames)]
    assert pair.frames == 2 * len(frames)
    assert pair.session_ms == pytest.approx(sum(step.latency_ms for step in steps))
    assert pair.relative_cost == pytest.approx(pair.session_ms / pair.reference_ms)
    # Each video starts afresh, and the reference saw every frame too.
    assert [step.index for step in steps] == list(range(len(frames))) * 2
    assert pair.reference.result().executed == len(frames)
    assert pair.session.result().executed == len(frames) // 2


def test_a_pair_changes_no_result(bundle: Bundle, frames: np.ndarray) -> None:
    alone = Session(bundle)
    expected = [alone.step(frame).action for frame in frames]
    pair = PairedSessions(Session(bundle), Session(bundle, policy="uniform:w8a8"))
    assert [step.action for step in pair.play(frames)] == expected
    assert pair.session.result() == alone.result()


def test_bit_operations_by_hand(bundle: Bundle) -> None:
    manifest = bundle.manifest
    macs = {program.name: program.macs for program in manifest.programs}
    shares = {"w8a8": 0.25, "w4a4": 0.25, "w2a2r32": 0.25, "skip": 0.25}
    spent = macs["w8a8"] + macs["w4a4"] / 4 + macs["w2a2r32"] / 16
    assert relative_bit_operations(manifest, shares) == pytest.approx(spent / 4 / macs["w8a8"])
    assert relative_bit_operations(manifest, {"w8a8": 1.0}) == 1.0


def step_of(logits: list[float] | None) -> StepResult:
    row = None if logits is None else np.array(logits, np.float32)
    return StepResult(0, "w8a8", row is not None, row, None, 0.0, 0.0, 0.0)


def test_changes_of_the_prediction_by_hand() -> None:
    rows = [None, [2, 0], [0, 3], None, [9, 0], [0, 1]]
    assert prediction_changes([step_of(row) for row in rows]) == 2
    assert prediction_changes([step_of([0, 1])] * 3) == 0


def test_many_rendered_clips_come_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_DNQ_CACHE", str(tmp_path))
    few = [RenderedClip(seed, seed % 12) for seed in range(2)]
    assert len(list(decoded_clips(few, 1, 16, []))) == 2
    assert not list(tmp_path.iterdir())
    many = [RenderedClip(seed, seed % 12) for seed in range(CACHED_FROM)]
    seen = list(decoded_clips(many, 1, 16, []))
    assert [done for done, _, _ in seen] == list(range(1, CACHED_FROM + 1))
    assert [clip for _, clip, _ in seen] == many
    for place in (0, 7, CACHED_FROM - 1):
        np.testing.assert_array_equal(seen[place][2], many[place].load(1, 16))
    assert list(tmp_path.glob("synthetic-*"))
