"""Writing a run back into its video: label, precision of every frame, time spent."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import EdgeDnqError
from edge_dnq.playback import Moment
from edge_dnq.report.colors import ActionStyle
from edge_dnq.staging import staged_file
from edge_dnq.video.opencv import cv2

UInt8 = NDArray[np.uint8]

MINIMUM_HEIGHT = 360
MAXIMUM_SIDE = 1920
FONT = cv2.FONT_HERSHEY_SIMPLEX
WHITE, DIM, PANEL = (245, 245, 245), (190, 190, 190), (24, 24, 24)


def canvas_size(height: int, width: int) -> tuple[int, int]:
    """Return (height, width) of the drawn video: readable, not huge, even as encoders want it."""
    scale = max(1.0, MINIMUM_HEIGHT / height)
    scale = min(scale, MAXIMUM_SIDE / max(height, width))
    return max(2, round(height * scale / 2) * 2), max(2, round(width * scale / 2) * 2)


class Painter:
    """Draws moments, remembering the precisions of the frames before.

    Args:
        styles: Look of every action.
    """

    def __init__(self, styles: Mapping[str, ActionStyle]) -> None:
        self._styles = styles
        self._recent: deque[str] = deque(maxlen=512)

    def paint(self, moment: Moment, size: tuple[int, int]) -> UInt8:
        """Return the moment's frame with everything drawn in.

        Args:
            moment: What to draw.
            size: (height, width) of the result; another aspect is fitted with black bars.

        Returns:
            RGB, uint8 [height, width, 3].
        """
        self._recent.append(moment.step.action)
        return self.draw(moment, self._recent, size)

    def draw(self, moment: Moment, recent: Sequence[str], size: tuple[int, int]) -> UInt8:
        """Return the moment's frame with everything drawn in, remembering nothing.

        Args:
            moment: What to draw.
            recent: Actions of the frames up to this one, the oldest first.
            size: As for :meth:`paint`.

        Returns:
            RGB, uint8 [height, width, 3].
        """
        canvas = _fit(moment.frame.image, size)
        unit = size[0] / MINIMUM_HEIGHT
        self._headline(canvas, moment, unit)
        self._strip(canvas, moment, recent, unit)
        return canvas

    def _headline(self, canvas: UInt8, moment: Moment, unit: float) -> None:
        prediction = moment.prediction
        band = round(34 * unit)
        _shade(canvas, 0, band)
        score = f"{100 * prediction.score:.0f}%"
        base = round(band * 0.68)
        margin = round(8 * unit)
        right = _text_width(score, 0.6 * unit)
        _text(canvas, score, canvas.shape[1] - margin - right, base, 0.6 * unit, WHITE)
        room = canvas.shape[1] - 3 * margin - right
        _text(canvas, _fitting(prediction.label, room, 0.6 * unit), margin, base, 0.6 * unit, WHITE)

    def _strip(self, canvas: UInt8, moment: Moment, recent: Sequence[str], unit: float) -> None:
        height, width = canvas.shape[:2]
        band, margin = round(58 * unit), round(8 * unit)
        _shade(canvas, height - band, height)
        style = self._styles[moment.step.action]
        base = height - round(9 * unit)
        side = round(12 * unit)
        cv2.rectangle(canvas, (margin, base - side), (margin + side, base), style.rgb, -1)
        _text(canvas, style.name, margin + side + margin // 2, base, 0.5 * unit, WHITE)
        cost = f"{moment.step.latency_ms:.1f} ms"
        _text(canvas, cost, width - margin - _text_width(cost, 0.5 * unit), base, 0.5 * unit, DIM)
        floor, tallest = height - round(29 * unit), round(24 * unit)
        self._bars(canvas, recent, margin, floor, tallest, unit)

    def _bars(
        self,
        canvas: UInt8,
        recent: Sequence[str],
        margin: int,
        floor: int,
        tallest: int,
        unit: float,
    ) -> None:
        """Draw one bar per recent frame, the newest at the right."""
        step = max(2, round(6 * unit))
        gap = 1 if step > 2 else 0
        count = (canvas.shape[1] - 2 * margin) // step
        shown = list(recent)[-count:] if count > 0 else []
        for place, name in enumerate(shown):
            style = self._styles[name]
            left = canvas.shape[1] - margin - (len(shown) - place) * step
            top = floor - max(1, round(style.height * tallest))
            cv2.rectangle(canvas, (left, top), (left + step - 1 - gap, floor), style.rgb, -1)


def _fit(image: UInt8, size: tuple[int, int]) -> UInt8:
    height, width = size
    scale = min(height / image.shape[0], width / image.shape[1])
    inner = max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))
    if abs(inner[0] - height) <= 1 and abs(inner[1] - width) <= 1:
        inner = size
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    resized = cv2.resize(image, (inner[1], inner[0]), interpolation=method)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    canvas[top : top + inner[0], left : left + inner[1]] = resized
    return canvas


def _shade(canvas: UInt8, top: int, bottom: int) -> None:
    """Darken a band so that text stays readable on any picture."""
    band = canvas[max(0, top) : bottom]
    band[:] = (band * 0.3 + np.array(PANEL) * 0.7).astype(np.uint8)


def _thickness(scale: float) -> int:
    return max(1, round(1.6 * scale))


def _text_width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(text, FONT, scale, _thickness(scale))[0][0])


def _fitting(text: str, room: int, scale: float) -> str:
    if _text_width(text, scale) <= room:
        return text
    while text and _text_width(text + "...", scale) > room:
        text = text[:-1]
    return text + "..."


def _text(
    canvas: UInt8, text: str, x: int, y: int, scale: float, color: tuple[int, int, int]
) -> None:
    cv2.putText(canvas, text, (x, y), FONT, scale, color, _thickness(scale), cv2.LINE_AA)


class OverlayWriter:
    """A context manager that writes moments into an MPEG-4 file, whole or not at all.

    The first moment decides the size of the video. Leaving by an exception leaves no file.

    Args:
        path: Ends in ``.mp4``.
        fps: Frames per second of the result.
        styles: Look of every action.

    Raises:
        EdgeDnqError: another suffix, or the file cannot be written.
    """

    def __init__(self, path: Path, fps: float, styles: Mapping[str, ActionStyle]) -> None:
        if path.suffix.lower() != ".mp4":
            raise EdgeDnqError(f"cannot write {path}: the overlay video must end in .mp4")
        self.path = path
        self.written = 0
        self._fps = fps
        self._painter = Painter(styles)
        self._stack = ExitStack()
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def __enter__(self) -> OverlayWriter:
        self._temporary = self._stack.enter_context(staged_file(self.path))
        return self

    def add(self, moment: Moment) -> UInt8:
        """Draw and write one moment; return the drawn frame, RGB.

        Raises:
            EdgeDnqError: there is no encoder.
        """
        if self._writer is None:
            self._size = canvas_size(*moment.frame.image.shape[:2])
            self._writer = self._open(self._size)
        drawn = self._painter.paint(moment, self._size)
        self._writer.write(cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        self.written += 1
        return drawn

    def _open(self, size: tuple[int, int]) -> cv2.VideoWriter:
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(self._temporary), fourcc, self._fps, (size[1], size[0]))
        if not writer.isOpened():
            raise EdgeDnqError(f"cannot write {self.path}: no MPEG-4 encoder, or no room")
        return writer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.release()
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        try:
            self._require_whole()
        except BaseException as problem:
            self._stack.__exit__(type(problem), problem, problem.__traceback__)
            raise
        self._stack.__exit__(None, None, None)

    def _require_whole(self) -> None:
        """Open the video again: the encoder reports no failed write.

        The index comes last in the file, so what was cut short has none and does not open.

        Raises:
            EdgeDnqError: the index lists another number of frames than were written.
        """
        capture = cv2.VideoCapture(str(self._temporary), cv2.CAP_FFMPEG)
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if count != self.written or count == 0:
            raise EdgeDnqError(
                f"cannot write {self.path}: {count} of {self.written} frames were stored; "
                "is the disk full?"
            )
