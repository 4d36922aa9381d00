"""Whatever the camera does, the runner ends in the state that the README promises."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.rpi.capture import MOST_HUNG, CameraHungError
from edge_dnq.rpi.opencv_cameras import FileCamera
from edge_dnq.session import Session, StepResult
from tests.edge_dnq.rpi.bench import Bench, steps
from tests.edge_dnq.rpi.virtual import VirtualClock

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")


def test_a_healthy_camera_loses_nothing(session: Session) -> None:
    bench = Bench(session, steps())
    last = bench.run(60)
    assert not bench.sink.named("stale"), bench.summary()
    assert 598 <= last["frames"] <= 602, bench.summary()
    assert (last["dropped"], last["damaged"], last["reopened"], last["hung"]) == (0, 0, 0, 0)
    assert sum(last["actions"].values()) == last["frames"]
    assert len(bench.sink.named("prediction")) >= 55
    assert len(bench.sink.named("status")) in (6, 7)
    assert bench.faults.closed == 1


def test_a_looped_file_goes_on_without_a_fault(session: Session, clip: Path) -> None:
    bench = Bench(session, steps(), open_camera=lambda clock: FileCamera(clip, clock, loop=True))
    last = bench.run(20)
    assert 16 * 20 - 2 <= last["frames"] + last["dropped"] <= 16 * 20 + 2, bench.summary()
    assert not bench.sink.named("stale")
    assert not bench.sink.named("reset")
    assert last["reopened"] == 0


def test_an_absent_camera_is_tried_again_ever_more_rarely_and_then_used(session: Session) -> None:
    bench = Bench(session, steps(), retry_first_s=1, retry_most_s=8)
    bench.faults.absent = True
    bench.at(30, lambda: setattr(bench.faults, "absent", False))
    last = bench.run(60)
    stale = bench.sink.named("stale")
    assert [event["retry_s"] for event in stale] == [1, 2, 4, 8, 8, 8], bench.summary()
    assert all("No such device" in event["reason"] for event in stale)
    assert len(bench.sink.named("camera")) == 1
    assert last["frames"] > 250, bench.summary()


def test_an_unplugged_camera_is_opened_again_and_the_video_begins_anew(session: Session) -> None:
    bench = Bench(session, steps(("ok", 100), ("end", 1)), retry_first_s=3)
    last = bench.run(30)
    (stale,) = bench.sink.named("stale")
    assert stale["reason"].endswith("No such device")
    assert stale["failures"] == 1
    (reset,) = bench.sink.named("reset")
    assert 3 <= reset["gap_s"] <= 3.5
    assert len(bench.sink.named("camera")) == 2
    assert last["reopened"] == 1
    assert last["frames"] > 250
    assert bench.faults.closed == bench.faults.opened == 2


def test_reads_that_give_nothing_mean_unplugged_after_some(session: Session) -> None:
    bench = Bench(session, steps(("ok", 20), ("none", 25)), damaged=25)
    last = bench.run(30)
    (stale,) = bench.sink.named("stale")
    assert "25 reads in a row" in stale["reason"]
    assert last["damaged"] == 25
    assert last["reopened"] == 1
    assert last["frames"] > 200


def test_a_hanging_read_is_left_behind(session: Session) -> None:
    bench = Bench(session, steps(("ok", 20), ("hang", 1)), stall_s=5)
    last = bench.run(30)
    (stale,) = bench.sink.named("stale")
    assert stale["reason"] == "no frame for 5 s"
    assert 5 <= stale["age_s"] < 5.5
    assert (last["hung"], last["reopened"]) == (1, 1), bench.summary()
    assert last["frames"] > 200
    assert len(bench.sink.named("reset")) == 1


def test_a_late_frame_of_a_hanging_read_is_nobodys(session: Session) -> None:
    bench = Bench(session, steps(("ok", 20), ("hang", 1)), stall_s=5)

    def release() -> None:
        bench.faults.released = True

    bench.at(15, release)
    last = bench.run(30)
    assert last["hung"] == 0, bench.summary()
    assert len(bench.sink.named("camera")) == 2
    assert bench.faults.closed == 2, "both cameras are closed: the late one by its own thread"


def test_a_driver_that_keeps_hanging_ends_the_process(session: Session) -> None:
    bench = Bench(session, steps(("hang", 100)), open_s=5, hung_s=1e6)
    with pytest.raises(CameraHungError, match="only a new process"):
        bench.run(3600)
    assert len(bench.sink.named("stale")) == MOST_HUNG + 1
    assert bench.sink.events[-1]["event"] == "stopped"


def test_a_driver_that_hangs_for_long_ends_the_process(session: Session) -> None:
    bench = Bench(session, steps(("ok", 10), ("hang", 1)), stall_s=5, hung_s=60)
    bench.at(2, lambda: setattr(bench.faults, "absent", True))
    with pytest.raises(CameraHungError, match=r"one for [6-9]\d s|one for \d{3} s"):
        bench.run(3600)


def test_the_same_picture_again_and_again_is_no_camera(session: Session) -> None:
    bench = Bench(session, steps(("ok", 20), ("same", 200)), frozen_s=10, stall_s=5)
    last = bench.run(60)
    stale = bench.sink.named("stale")
    assert "the very same picture for 10 s" in stale[0]["reason"], bench.summary()
    assert last["reopened"] >= 1
    assert bench.runner.capture.running


def test_a_still_picture_may_be_wanted(session: Session) -> None:
    bench = Bench(session, steps(("same", 500)), frozen_s=0)
    assert bench.run(40)["reopened"] == 0


def test_corrupt_pictures_are_counted_and_passed_over(session: Session) -> None:
    script = itertools.chain.from_iterable([["ok"] * 3 + ["jpeg"] * 2] * 100)
    bench = Bench(session, script)
    last = bench.run(60)
    assert last["damaged"] == 200, bench.summary()
    assert last["reopened"] == 0
    assert not bench.sink.named("stale")
    assert last["frames"] > 300


def test_a_change_of_resolution_is_told_and_survived(session: Session) -> None:
    bench = Bench(session, steps(("ok", 20), ("large", 20)))
    last = bench.run(10)
    sizes = [(event["width"], event["height"]) for event in bench.sink.named("resolution")]
    assert sizes == [(128, 96), (64, 48)]
    assert last["reopened"] == 0
    assert last["frames"] >= 98


class SlowSession(Session):
    """Takes ten frames' time over each."""

    clock: VirtualClock

    def step(self, frame: np.ndarray[Any, np.dtype[np.uint8]]) -> StepResult:
        self.clock.sleep(1.0)
        return super().step(frame)


def test_a_consumer_ten_times_too_slow_gets_the_newest_and_drops_the_rest(bundle: Bundle) -> None:
    slow = SlowSession(bundle, policy="uniform:w8a8")
    bench = Bench(slow, steps())
    slow.clock = bench.clock
    ages = []
    bench.runner.watch = lambda moment: ages.append(
        bench.clock.now() - 1 - 1000 - moment.frame.time_s
    )
    last = bench.run(60)
    assert 57 <= last["frames"] <= 61, bench.summary()
    assert 520 <= last["dropped"] <= 545, "nine of ten are lost, and counted"
    assert last["actions"]["skip"] == last["actions"]["skip4"] == 0, "lost is not skipped"
    assert max(ages) <= 0.1 + 1e-6, "no frame is older than one period when it is taken"
    assert not bench.sink.named("stale")
    assert not bench.sink.named("reset")


def test_half_an_hour_of_faults_leaves_memory_and_threads_as_they_were(session: Session) -> None:
    """Everything in turn, every minute anew; measured after 5 minutes and at the end."""
    psutil = pytest.importorskip("psutil")
    minute = [*["ok"] * 300, *["jpeg"] * 5, *["large"] * 50, *["ok"] * 100, "end", *["same"] * 120]
    bench = Bench(session, itertools.chain.from_iterable(itertools.repeat(minute)))
    process = psutil.Process()
    seen: list[tuple[int, int]] = []

    def measure() -> None:
        seen.append((process.memory_info().rss, process.num_threads()))

    def sample() -> None:
        while bench.clock.now() < 1000 + 1790:
            bench.clock.sleep(300)
            measure()

    bench.at(0, sample)
    last = bench.run(1800)
    assert last["uptime_s"] >= 1800
    assert last["frames"] > 12000, bench.summary()
    assert len(bench.sink.named("stale")) >= 25
    assert last["hung"] == 0
    (first_bytes, first_threads), (end_bytes, end_threads) = seen[0], seen[-1]
    assert len(seen) >= 6
    # Predictions are kept by the test itself: about 1 kB each.
    growth = end_bytes - first_bytes
    assert growth < 8 << 20, f"{growth / 2**20:.1f} MB more after {len(seen)} samples: {seen}"
    assert end_threads <= first_threads, seen
