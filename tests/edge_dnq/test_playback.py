from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from edge_dnq import playback
from edge_dnq.bundle import Bundle
from edge_dnq.playback import Moment, Tally, play, record
from edge_dnq.session import Prediction, Session, StepResult
from edge_dnq.video.frame import Frame
from edge_dnq.video.sources import open_source


def moment(index: int, latency_ms: float, action: str = "w8a8") -> Moment:
    step = StepResult(index, action, True, None, None, latency_ms, 0.0, 0.0)
    prediction = Prediction("a", 0.5, [("a", 0.5), ("b", 0.25)], index + 1, index + 1)
    return Moment(Frame(index, index / 8, np.zeros((8, 8, 3), np.uint8)), step, prediction)


def test_a_tally_counts_and_times() -> None:
    tally = Tally(["w8a8", "w4a4", "skip"])
    assert tally.latency_ms() == {"mean": 0.0, "p50": 0.0, "p95": 0.0}
    for index in range(10):
        tally.add(moment(index, float(index), "skip" if index % 5 == 4 else "w8a8"))
    assert tally.actions == {"w8a8": 8, "w4a4": 0, "skip": 2}
    assert tally.shares() == {"w8a8": 0.8, "w4a4": 0.0, "skip": 0.2}
    assert tally.action_ms == {"w8a8": 32.0, "w4a4": 0.0, "skip": 13.0}
    assert tally.latency_ms() == pytest.approx(
        {"mean": 4.5, "p50": 4.5, "p95": np.percentile(range(10), 95)}
    )


def test_a_long_run_keeps_the_newest_durations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "LATENCIES_KEPT", 4)
    tally = Tally(["w8a8"])
    for index in range(10):
        tally.add(moment(index, float(index)))
    assert tally.frames == 10
    assert tally.latency_ms()["mean"] == 4.5
    assert tally.latency_ms()["p50"] == 7.5  # of 6, 7, 8, 9


def test_a_record_keeps_everything_but_pixels() -> None:
    kept = record(moment(3, 1.5))
    assert (kept.index, kept.time_s, kept.action, kept.latency_ms) == (3, 0.375, "w8a8", 1.5)
    assert (kept.top1, kept.top) == ("a", (("a", 0.5), ("b", 0.25)))


def test_playing_is_stepping(bundle: Bundle, tmp_path: Path, frames: np.ndarray) -> None:
    import cv2

    for index in range(6):
        cv2.imwrite(str(tmp_path / f"{index}.png"), frames[index][..., ::-1])
    session = Session(bundle, policy="uniform:w4a4")
    with open_source(tmp_path) as source:
        moments = list(play(session, source))
    alone = Session(bundle, policy="uniform:w4a4")
    for own, frame in zip(moments, frames, strict=False):
        np.testing.assert_array_equal(own.step.logits, alone.step(frame).logits)
        assert own.prediction == alone.result()


class Listener:
    """Runs the first program and keeps what it is told."""

    needs_policy = False

    def __init__(self) -> None:
        self.inside: list[float] = []
        self.outside: list[float] = []

    def pick(self, logits: object, allowed: np.ndarray) -> int:
        return 0

    def observe(self, action: int | None, latency_ms: float) -> None:
        self.inside.append(latency_ms)

    def spent_outside(self, milliseconds: float) -> None:
        self.outside.append(milliseconds)

    def reset(self) -> None:
        pass


@pytest.mark.parametrize("paced", [False, True])
def test_an_observer_is_told_what_passes_between_steps(
    bundle: Bundle, frames: np.ndarray, paced: bool
) -> None:
    """Giving a frame takes 20 ms here, and using what came of it 5 ms."""

    def slow() -> Iterator[Frame]:
        for index, image in enumerate(frames[:4]):
            sleep(0.02)
            yield Frame(index, index / 10, image)

    listener = Listener()
    for _ in play(Session(bundle, policy=listener), slow(), paced=paced):
        sleep(0.005)
    assert len(listener.inside) == 4
    assert len(listener.outside) == 3
    assert min(listener.outside) >= (5 if paced else 25)
    if paced:
        assert min(listener.outside) < 20
