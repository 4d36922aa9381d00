"""What the loop shows to who watches: the newest only, left in a slot, waiting for nobody."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_dnq.errors import EdgeDnqError
from edge_dnq.playback import Moment, Tally
from edge_dnq.report.colors import ActionStyle
from edge_dnq.video.opencv import cv2
from edge_dnq.video.overlay import Painter, canvas_size

if TYPE_CHECKING:
    from edge_dnq.serve.control import BudgetControl

RECENT = 512
JPEG_QUALITY = 80
FPS_FRAMES = 60
TOP = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """A moment in the slot: its number, itself, and the actions up to it."""

    number: int
    moment: Moment


class Feed:
    """The slot between the loop and the server.

    The loop calls :meth:`publish` and :meth:`end`, which store a reference and never wait, take no
    lock and encode nothing. Everything else is for the server's thread, which looks into the slot
    at its own pace.

    Args:
        styles: Look of every action.
        tally: The run's counts, kept up by the loop.
        title: What runs on what.
        relative_cost: Mean cost so far, relative to the reference; None where it is not known.
        dropped: Frames lost so far.
        control: Moves the budget; None where none can be held.
    """

    def __init__(
        self,
        styles: Mapping[str, ActionStyle],
        tally: Tally,
        title: str,
        *,
        relative_cost: Callable[[], float | None] = lambda: None,
        dropped: Callable[[], int] = lambda: 0,
        control: BudgetControl | None = None,
    ) -> None:
        self.styles = dict(styles)
        self.title = title
        self.control = control
        self.ended = False
        self._tally = tally
        self._relative_cost = relative_cost
        self._dropped = dropped
        self._places = {name: place for place, name in enumerate(self.styles)}
        self._painter = Painter(styles)
        self._slot: Shown | None = None
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._times: deque[float] = deque(maxlen=FPS_FRAMES)
        self._latencies: deque[float] = deque(maxlen=FPS_FRAMES)
        self._number = 0

    def publish(self, moment: Moment) -> None:
        """Put a moment into the slot, in the place of the one before."""
        self._number += 1
        self._recent.append(moment.step.action)
        self._times.append(perf_counter())
        self._latencies.append(moment.step.latency_ms)
        self._slot = Shown(self._number, moment)

    def end(self) -> None:
        """Tell that nothing more comes."""
        self.ended = True

    @property
    def number(self) -> int:
        """Number of the newest moment; 0 before the first."""
        slot = self._slot
        return slot.number if slot is not None else 0

    def picture(self) -> bytes | None:
        """Return the newest moment's picture with the run drawn in, as JPEG; None before it."""
        slot = self._slot
        if slot is None:
            return None
        size = canvas_size(*slot.moment.frame.image.shape[:2])
        drawn = self._painter.draw(slot.moment, self._recent.copy(), size)
        ok, encoded = cv2.imencode(
            ".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
        if not ok:
            raise EdgeDnqError("OpenCV has no JPEG encoder")
        return encoded.tobytes()

    def status(self) -> dict[str, Any]:
        """Return what the page shows beside the picture, as plain JSON values."""
        slot, control = self._slot, self.control
        status: dict[str, Any] = {
            "ended": self.ended,
            "number": slot.number if slot is not None else 0,
            "fps": self._fps(),
            "cost": self._relative_cost(),
            "dropped": self._dropped(),
            "shares": self._tally.shares(),
            "recent": [self._places[name] for name in self._recent.copy()],
            "budget": None if control is None else control.state(),
        }
        if slot is not None:
            moment = slot.moment
            status |= {
                "frame": moment.frame.index,
                "time_s": moment.frame.time_s,
                "action": moment.step.action,
                "latency_ms": float(np.mean(self._latencies.copy())),
                "top": [[label, score] for label, score in moment.prediction.top[:TOP]],
            }
        return status

    def _fps(self) -> float | None:
        times = self._times.copy()
        if len(times) < 2 or times[-1] <= times[0]:
            return None
        return (len(times) - 1) / (times[-1] - times[0])
