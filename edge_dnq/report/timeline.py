"""A picture of one run: frames, precision chosen, time spent, prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.playback import FrameRecord, Moment, record
from edge_dnq.report.colors import SERIES, ActionStyle
from edge_dnq.staging import staged_file
from edge_dnq.video.opencv import cv2

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UInt8 = NDArray[np.uint8]

THUMBNAIL_HEIGHT = 120
THUMBNAILS = 12
CURVES = 3
SUFFIXES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Thumbnail:
    """A small frame and its position in the run."""

    position: int
    image: UInt8


class TimelineRecorder:
    """Collects what the picture needs; keeps few small frames however long the run is."""

    def __init__(self) -> None:
        self.records: list[FrameRecord] = []
        self._thumbnails: list[Thumbnail] = []
        self._stride = 1

    def add(self, moment: Moment) -> None:
        """Take one moment."""
        position = len(self.records)
        self.records.append(record(moment))
        if position % self._stride:
            return
        if len(self._thumbnails) == 4 * THUMBNAILS:
            self._thumbnails = self._thumbnails[::2]
            self._stride *= 2
            if position % self._stride:
                return
        self._thumbnails.append(Thumbnail(position, _small(moment.frame.image)))

    def thumbnails(self, count: int) -> list[Thumbnail]:
        """Return ``count`` thumbnails nearest to the centres of equal parts of the run."""
        if not self._thumbnails:
            return []
        positions = np.array([thumbnail.position for thumbnail in self._thumbnails])
        centres = (np.arange(count) + 0.5) * len(self.records) / count
        return [self._thumbnails[int(np.abs(positions - c).argmin())] for c in centres]


def _small(image: UInt8) -> UInt8:
    height, width = image.shape[:2]
    size = (max(1, round(width * THUMBNAIL_HEIGHT / height)), THUMBNAIL_HEIGHT)
    small: UInt8 = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small


def check_timeline_path(path: Path) -> None:
    """Refuse a picture that could not be written, before the work is done.

    Raises:
        EdgeDnqError: an unknown suffix.
        RuntimeMissingError: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise EdgeDnqError(f"cannot write {path}: a timeline ends in {', '.join(SUFFIXES)}")
    _figure_class()


def _figure_class() -> type[Figure]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RuntimeMissingError(
            f"a timeline needs matplotlib: pip install 'edge-dnq[report]' ({error})"
        ) from error
    made: type[Figure] = Figure
    return made


def write_timeline(
    path: Path, recorder: TimelineRecorder, styles: Mapping[str, ActionStyle], name: str
) -> None:
    """Draw a run.

    Args:
        path: Ends in ``.png``, ``.svg`` or ``.pdf``.
        recorder: The run; at least one moment.
        styles: Look of every action.
        name: Name of the source, for the heading.

    Raises:
        EdgeDnqError: an unknown suffix, or the file cannot be written.
        RuntimeMissingError: matplotlib is not installed.
    """
    check_timeline_path(path)
    figure = _figure_class()(figsize=(12, 6.6), layout="constrained", facecolor="white")
    rows: Any = figure.subplots(
        4, 1, sharex=True, gridspec_kw={"height_ratios": [1.0, 0.5, 1.1, 1.5]}
    )
    frames, band, cost, scores = rows
    records = recorder.records
    _draw_thumbnails(frames, recorder, figure)
    _draw_actions(band, records, styles)
    _draw_latency(cost, records, styles)
    _draw_scores(scores, records)
    rows[-1].set_xlim(-0.5, len(records) - 0.5)
    figure.suptitle(_heading(records, styles, name), fontsize=13, x=0.01, ha="left")
    with staged_file(path) as temporary:
        figure.savefig(temporary, dpi=110, format=path.suffix[1:].lower())


def _heading(records: Sequence[FrameRecord], styles: Mapping[str, ActionStyle], name: str) -> str:
    label, score = records[-1].top[0]
    mean = sum(r.latency_ms for r in records) / len(records)
    return f"{name}: {label} ({100 * score:.0f} %), {len(records)} frames, {mean:.2f} ms per frame"


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=9)


def _draw_thumbnails(axes: Axes, recorder: TimelineRecorder, figure: Figure) -> None:
    total = len(recorder.records)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(bottom=False)
    first = recorder.thumbnails(1)[0].image
    aspect = first.shape[1] / first.shape[0]
    # The row is about eight times as wide as high.
    count = max(1, min(THUMBNAILS, int(8.4 / aspect)))
    part = total / count
    for place, thumbnail in enumerate(recorder.thumbnails(count)):
        left, right = place * part - 0.5, (place + 1) * part - 0.5
        axes.imshow(
            thumbnail.image,
            extent=(left + 0.02 * part, right - 0.02 * part, 0, 1),
            aspect="auto",
            interpolation="antialiased",
        )
    axes.set_xlim(-0.5, total - 0.5)
    axes.set_ylabel("frames", fontsize=10)


def _draw_actions(
    axes: Axes, records: Sequence[FrameRecord], styles: Mapping[str, ActionStyle]
) -> None:
    """Draw one column per frame in the action's colour and height."""
    for name, style in styles.items():
        places = np.array([i for i, r in enumerate(records) if r.action == name], np.float64)
        label = f"{name} {100 * len(places) / len(records):.0f} %"
        heights = np.full(len(places), max(style.height, 0.1))
        _columns(axes, places, heights, style.color, len(records), label)
    axes.set_ylim(0, 1.05)
    axes.set_yticks([])
    axes.set_ylabel("action", fontsize=10)
    _plain(axes)
    axes.spines["left"].set_visible(False)
    axes.legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, handlelength=1
    )


def _draw_latency(
    axes: Axes, records: Sequence[FrameRecord], styles: Mapping[str, ActionStyle]
) -> None:
    values = np.array([r.latency_ms for r in records])
    colors = [styles[r.action].color for r in records]
    _columns(axes, np.arange(len(records), dtype=np.float64), values, colors, len(records))
    # One slow frame (a page fault, another process) must not flatten the rest.
    top = float(np.percentile(values, 98)) * 1.35 + 1e-3
    axes.set_ylim(0, top)
    for place in np.flatnonzero(values > top)[:8]:
        axes.annotate(
            f"{values[place]:.1f}",
            (place, top),
            ha="center",
            va="bottom",
            fontsize=8,
            color="#444444",
        )
    axes.set_ylabel("ms per frame", fontsize=10)
    _plain(axes)


def _columns(
    axes: Axes,
    places: NDArray[np.float64],
    heights: NDArray[np.float64],
    colors: str | Sequence[str],
    total: int,
    label: str | None = None,
) -> None:
    """Draw upright columns from 0; one collection, as a run may have thousands."""
    from matplotlib.collections import PolyCollection

    half = 0.43 if total <= 200 else 0.5
    left, right, zero = places - half, places + half, np.zeros_like(places)
    corners = ((left, zero), (left, heights), (right, heights), (right, zero))
    outlines = np.stack([np.stack(corner, -1) for corner in corners], 1)
    axes.add_collection(
        PolyCollection(list(outlines), facecolors=colors, linewidths=0, label=label)
    )


def _draw_scores(axes: Axes, records: Sequence[FrameRecord]) -> None:
    """Draw the scores, over time, of the classes that end best."""
    final = [label for label, _ in records[-1].top[:CURVES]]
    for color, label in zip(SERIES, final, strict=False):
        curve = [dict(r.top).get(label, np.nan) for r in records]
        axes.plot(range(len(records)), curve, color=color, linewidth=1.8, label=label)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("score", fontsize=10)
    axes.set_xlabel("frame", fontsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    _plain(axes)
    axes.legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, handlelength=1.2
    )
