from __future__ import annotations

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.evaluation import PairedSessions, reference_policy
from edge_dnq.session import Session


def test_pairs_measure_only_what_is_stepped(bundle: Bundle, frames: np.ndarray) -> None:
    reference = reference_policy(bundle.manifest)
    assert reference == "uniform:w8a8"
    pair = PairedSessions(Session(bundle, policy="w8a8,skip"), Session(bundle, policy=reference))
    pair.warm_up(frames[:3])
    assert (pair.frames, pair.session_ms, pair.reference_ms) == (0, 0.0, 0.0)
    steps = [pair.step(frame) for frame in frames]
    assert pair.frames == len(frames)
    assert pair.session_ms == pytest.approx(sum(step.latency_ms for step in steps))
    assert pair.relative_cost == pytest.approx(pair.session_ms / pair.reference_ms)
    # The warm-up is forgotten, and the reference saw every frame too.
    assert [step.index for step in steps] == list(range(len(frames)))
    assert pair.reference.result().executed == len(frames)
    assert pair.session.result().executed == len(frames) // 2


def test_a_pair_changes_no_result(bundle: Bundle, frames: np.ndarray) -> None:
    alone = Session(bundle)
    expected = [alone.step(frame).action for frame in frames]
    pair = PairedSessions(Session(bundle), Session(bundle, policy="uniform:w8a8"))
    assert [pair.step(frame).action for frame in frames] == expected
    assert pair.session.result() == alone.result()
