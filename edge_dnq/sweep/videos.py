"""Recording the videos of a data set: its clips, or streams composed of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.evaluation import Progress, UnreadableClip, decoded_clips
from edge_dnq.session import Session
from edge_dnq.streams import Composition, Stream, compose_streams, stream_count
from edge_dnq.sweep.recording import Layout, RecordedVideo, Segment, record_video
from edge_dnq.train.listing import Clip, Listing
from edge_dnq.video.preprocess import network_frame

UInt8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Selection:
    """What to record.

    Attributes:
        listing: That the clips are from.
        clips: At least one.
        frames: Of a clip.
        unreadable: Clips that had to be left out, as they turn up.
    """

    listing: Listing
    clips: Sequence[Clip]
    frames: int
    unreadable: list[UnreadableClip] = field(default_factory=list)

    def require(self, found: Sequence[object]) -> None:
        """Raise a DataError where no clip was readable."""
        if not found:
            raise DataError(
                f"none of the {len(self.clips)} clips is readable: {self.unreadable[0].problem}"
            )


def record_clips(
    session: Session, selection: Selection, progress: Progress | None = None
) -> list[RecordedVideo]:
    """Record trimmed clips.

    Args:
        session: With the policy, where the bundle has one.
        selection: The clips.
        progress: Told (clips done, clips altogether).

    Raises:
        DataError: no clip is readable.
    """
    videos = []
    for done, clip, truth, frames in _shown(session, selection):
        name = str(clip)
        layout = Layout.of_clip(name, clip.recording or name, len(frames), truth)
        videos.append(record_video(session, frames, layout))
        if progress is not None:
            progress(done, len(selection.clips))
    selection.require(videos)
    return videos


def record_streams(
    session: Session,
    selection: Selection,
    seed: int,
    composition: Composition,
    progress: Progress | None = None,
) -> list[RecordedVideo]:
    """Compose untrimmed streams of clips (:mod:`edge_dnq.streams`) and record them.

    Streams of the same clips, from several rounds, are one group.

    Args:
        session: With the policy, where the bundle has one.
        selection: The clips.
        seed: Of the composition.
        composition: How much filler, and how often every clip is shown.
        progress: Told (streams done, streams altogether).

    Raises:
        DataError: no clip is readable.
    """
    shown = [entry[1:] for entry in _shown(session, selection)]
    selection.require(shown)
    truths = [truth for _, truth, _ in shown]
    streams = compose_streams(lambda index: shown[index][2], truths, seed, composition)
    count = stream_count(len(shown))
    videos = []
    for done, (chosen, stream) in enumerate(streams):
        names = [str(shown[index][0]) for index in chosen]
        layout = stream_layout(stream, names, f"stream {done % count + 1}")
        videos.append(record_video(session, stream.frames, layout))
        if progress is not None:
            progress(done + 1, count * composition.rounds)
    return videos


def _shown(session: Session, selection: Selection) -> Iterator[tuple[int, Clip, int, UInt8]]:
    """Yield (clips so far, clip, the bundle's class of it, network frames [T, S, S, 3])."""
    manifest = session.bundle.manifest
    known = {label: index for index, label in enumerate(manifest.labels)}
    size = manifest.input.height
    decoded = decoded_clips(selection.clips, selection.frames, size, selection.unreadable)
    for done, clip, images in decoded:
        truth = known[selection.listing.labels[clip.label]]
        yield done, clip, truth, np.stack([network_frame(image, size) for image in images])


def stream_layout(stream: Stream, names: Sequence[str], group: str) -> Layout:
    """Return the layout of a composed stream, given the name of every segment's clip."""
    segments = []
    for segment, (name, label) in enumerate(zip(names, stream.labels.tolist(), strict=True)):
        places = np.flatnonzero(stream.owner == segment)
        segments.append(Segment(int(places[0]), len(places), label, name))
    return Layout(group, tuple(segments), tuple(stream.starts.tolist()))
