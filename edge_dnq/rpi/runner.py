"""The loop of an unattended device: frame, step, events, health, watchdog."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable
from typing import Any

from edge_dnq.playback import Moment, Tally
from edge_dnq.rpi.cameras import OpenCamera
from edge_dnq.rpi.capture import Arrival, Capture, Stall
from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.config import Config
from edge_dnq.rpi.events import Events
from edge_dnq.rpi.health import Board, Health
from edge_dnq.rpi.systemd import Notifier
from edge_dnq.rpi.window import RecentLogits
from edge_dnq.session import Session
from edge_dnq.video.frame import Frame

TICK_S = 0.25
"""Longest wait of the loop: so soon it sees a signal, and so often it can tell the watchdog."""

TOP = 3
HEALTH_S = 5.0

DONE = 0
READER_GONE = 74
"""EX_IOERR: nobody reads the events any more."""
HUNG = 75
"""EX_TEMPFAIL: the camera's driver hangs; a new process may do better."""


class Runner:
    """Recognises what a camera sees until it is told to stop.

    Args:
        session: All programs, loaded.
        open_camera: Opens the camera.
        config: The configuration.
        events: Where to tell what happens.
        clock: Time.
        board: The board's health.
        notifier: The service manager.
        watch: Called with every moment: the live page.
    """

    def __init__(
        self,
        session: Session,
        open_camera: OpenCamera,
        config: Config,
        events: Events,
        clock: Clock,
        *,
        board: Board | None = None,
        notifier: Notifier | None = None,
        watch: Callable[[Moment], None] | None = None,
    ) -> None:
        self.session, self.config, self.events = session, config, events
        self.tally = Tally([action.name for action in session.bundle.manifest.actions])
        self.capture = Capture(open_camera, config.camera, clock, self._stalled)
        self.watch = watch
        self._clock = clock
        self._board = board or Board()
        self._notifier = notifier or Notifier()
        self._recent = RecentLogits(session.bundle.manifest.labels, config.events.window_s)
        self._health = Health()
        self._stopping: str | None = None
        self._size: tuple[int, int] | None = None
        self._label = ""
        self._last_frame = self._started = clock.now()
        self._told = self._pinged = float("-inf")
        self._status_at = self._health_at = self._started
        self._waiting = True

    def stop(self, reason: str) -> None:
        """End the loop within a tick; may be called in a signal's handler."""
        self._stopping = reason

    def run(self) -> int:
        """Run until stopped, a file's end, or what a new process must mend.

        Returns:
            The process's exit code.

        Raises:
            CameraHungError: only a new process frees the camera.
        """
        self._notifier.send(READY=1, STATUS="waiting for the camera")
        self._emit_started()
        try:
            return self._loop()
        finally:
            self._notifier.send(STOPPING=1)
            self.capture.close()
            self.events.emit("stopped", reason=self._stopping or "error", **self._counts())

    def _loop(self) -> int:
        while self._stopping is None:
            arrival = self.capture.take(TICK_S)
            if arrival is not None:
                self._take(arrival)
            elif self.capture.ended:
                self._stopping = "end of the video"
            if self.events.broken:
                self._stopping = "nobody reads the events"
                return READER_GONE
            self._housekeeping()
        return DONE

    def _take(self, arrival: Arrival) -> None:
        image = arrival.image
        self._begin_again(arrival)
        size = (image.shape[1], image.shape[0])
        if self._waiting or size != self._size:
            event = "camera" if self._waiting else "resolution"
            self.events.emit(event, width=size[0], height=size[1])
            self._waiting, self._size = False, size
        step = self.session.step(image)
        self._recent.add(arrival.at, step.logits)
        frame = Frame(self.tally.frames, arrival.at - self._started, image)
        moment = Moment(frame, step, self._recent.prediction(TOP))
        self.tally.add(moment)
        if self.watch is not None:
            self.watch(moment)
        self._tell(moment)

    def _begin_again(self, arrival: Arrival) -> None:
        """After a long gap nothing seen before says anything about this frame."""
        gap = arrival.at - self._last_frame
        self._last_frame = arrival.at
        if self.tally.frames and gap > self.config.events.gap_s:
            self.session.reset()
            self._recent.reset()
            self._label = ""
            self.events.emit("reset", gap_s=round(gap, 3))

    def _tell(self, moment: Moment) -> None:
        """Emit the prediction when the class changes, else from time to time."""
        prediction, now = moment.prediction, self._clock.now()
        if prediction.label == self._label and now - self._told < self.config.events.prediction_s:
            return
        self._label, self._told = prediction.label, now
        self.events.emit(
            "prediction",
            label=prediction.label,
            score=round(prediction.score, 4),
            top=[[label, round(score, 4)] for label, score in prediction.top],
            executed=prediction.executed,
            frames=prediction.frames,
            action=moment.step.action,
            latency_ms=round(moment.step.latency_ms, 3),
        )

    def _stalled(self, stall: Stall) -> None:
        age = self._clock.now() - self._last_frame
        self._notifier.send(STATUS=f"no frames: {stall.reason}")
        self.events.emit(
            "stale",
            reason=stall.reason,
            age_s=round(age, 3),
            failures=stall.failures,
            retry_s=stall.retry_s,
        )
        self._waiting = True

    def _housekeeping(self) -> None:
        now = self._clock.now()
        watchdog = self._notifier.watchdog_s
        if watchdog is not None and now - self._pinged >= min(1.0, watchdog / 4):
            self._pinged = now
            self._notifier.send(WATCHDOG=1)
        if now >= self._health_at:
            self._health_at = now + HEALTH_S
            self._check_health()
        if now >= self._status_at:
            self._status_at = now + self.config.events.status_s
            self._emit_status()

    def _check_health(self) -> None:
        before, self._health = self._health.now, self._board.read()
        if (self._health.now or ()) != (before or ()):
            self.events.emit("throttled", now=self._health.now, celsius=self._health.celsius)

    def _emit_started(self) -> None:
        session = self.session
        self.events.emit(
            "started",
            bundle=session.bundle.manifest.name,
            runtime=session.runtime_name,
            threads=session.threads,
            kernels={name: use.describe() for name, use in session.kernels.items()},
        )

    def _emit_status(self) -> None:
        health = self._health
        state = "running" if self.capture.running else "stale"
        counts = self._counts()
        self._notifier.send(STATUS=f"{state}: {counts['frames']} frames")
        self.events.emit(
            "status",
            state=state,
            **counts,
            latency_ms={key: round(value, 3) for key, value in self.tally.latency_ms().items()},
            celsius=health.celsius,
            throttled=health.now,
            throttled_since_boot=health.since_boot,
            threads=threading.active_count(),
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )

    def _counts(self) -> dict[str, Any]:
        capture = self.capture
        return {
            "frames": self.tally.frames,
            "actions": dict(self.tally.actions),
            "dropped": capture.dropped,
            "damaged": capture.damaged,
            "reopened": capture.reopened,
            "hung": capture.hung,
            "lost_events": self.events.lost,
        }
