"""Recording the videos of a data set: its clips, or streams composed of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.evaluation import Progress, UnreadableClip, decoded_clips
from edge_dnq.session import Session
from edge_dnq.streams import SEGMENTS, Stream, compose_streams
from edge_dnq.sweep.recording import Layout, RecordedVideo, Segment, record_video
from edge_dnq.train.listing import Clip, Listing
from edge_dnq.video.preprocess import network_frame

UInt8 = NDArray[np.uint8]


def record_clips(
    session: Session,
    listing: Listing,
    clips: Sequence[Clip],
    frames: int,
    unreadable: list[UnreadableClip],
    progress: Progress | None = None,
) -> list[RecordedVideo]:
    """Record trimmed clips.

    Args:
        session: With the policy, where the bundle has one.
        listing: That the clips are from.
        clips: At least one.
        frames: Of a clip.
        unreadable: Clips that had to be left out are added.
        progress: Told (clips done, clips altogether).

    Raises:
        DataError: no clip is readable.
    """
    indices = class_indices(session, listing)
    size = session.bundle.manifest.input.height
    videos = []
    for done, clip, images in decoded_clips(clips, frames, size, unreadable):
        name = str(clip)
        layout = Layout.of_clip(name, clip.recording or name, len(images), indices[clip.label])
        videos.append(record_video(session, images, layout))
        if progress is not None:
            progress(done, len(clips))
    _require(videos, clips, unreadable)
    return videos


def record_streams(
    session: Session,
    listing: Listing,
    clips: Sequence[Clip],
    frames: int,
    seed: int,
    unreadable: list[UnreadableClip],
    progress: Progress | None = None,
) -> list[RecordedVideo]:
    """Compose untrimmed streams of clips (:mod:`edge_dnq.streams`) and record them.

    Args:
        session: With the policy, where the bundle has one.
        listing: That the clips are from.
        clips: At least one.
        frames: Of a clip.
        seed: Of the composition.
        unreadable: Clips that had to be left out are added.
        progress: Told (streams done, streams altogether).

    Raises:
        DataError: no clip is readable.
    """
    indices = class_indices(session, listing)
    size = session.bundle.manifest.input.height
    shown: list[tuple[Clip, UInt8]] = []
    for _, clip, images in decoded_clips(clips, frames, size, unreadable):
        shown.append((clip, np.stack([network_frame(image, size) for image in images])))
    _require(shown, clips, unreadable)
    labels = [indices[clip.label] for clip, _ in shown]
    total = -(-len(shown) // SEGMENTS)
    videos = []
    for place, (chosen, stream) in enumerate(
        compose_streams(lambda index: shown[index][1], labels, seed)
    ):
        names = [str(shown[index][0]) for index in chosen]
        layout = stream_layout(stream, names, f"stream {place}")
        videos.append(record_video(session, stream.frames, layout))
        if progress is not None:
            progress(place + 1, total)
    return videos


def class_indices(session: Session, listing: Listing) -> list[int]:
    """Return the bundle's class of every class of ``listing``."""
    known = {label: index for index, label in enumerate(session.bundle.manifest.labels)}
    return [known[label] for label in listing.labels]


def stream_layout(stream: Stream, names: Sequence[str], group: str) -> Layout:
    """Return the layout of a composed stream."""
    return Layout(group, tuple(_segments(stream, names)), tuple(stream.starts.tolist()))


def _segments(stream: Stream, names: Sequence[str]) -> Iterator[Segment]:
    for segment, (name, label) in enumerate(zip(names, stream.labels.tolist(), strict=True)):
        places = np.flatnonzero(stream.owner == segment)
        yield Segment(int(places[0]), len(places), label, name)


def _require(
    found: Sequence[object], clips: Sequence[Clip], unreadable: Sequence[UnreadableClip]
) -> None:
    if not found:
        raise DataError(f"none of the {len(clips)} clips is readable: {unreadable[0].problem}")
