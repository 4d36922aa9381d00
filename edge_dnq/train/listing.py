"""Which clips a data set consists of: a CSV file, class folders, or the procedural generator.

Nothing is decoded here. Free of torch.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.synthetic import LABELS, render_clip
from edge_dnq.video.preprocess import network_frame
from edge_dnq.video.sampling import sample_clip

COLUMNS = ("path", "label", "split")
RECORDING = "recording"
"""Optional column: which recording a clip is cut from; clips of one are near twins."""

SYNTHETIC_CLIPS = 2000
SYNTHETIC_SECONDS = 2.0
VAL_FRACTION = 0.2
VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})

_SYNTHETIC_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class VideoClip:
    """A clip in a video file.

    Attributes:
        path: The file.
        label: Index of its class.
        recording: What it is cut from; None where that is not known.
    """

    path: Path
    label: int
    recording: str | None = None

    def __str__(self) -> str:
        return str(self.path)

    def fingerprint(self) -> str:
        """Return a string that changes when the file does."""
        status = self.path.stat()
        return f"{self.path} {self.label} {status.st_size} {status.st_mtime_ns}"

    def load(self, frames: int, size: int) -> NDArray[np.uint8]:
        """Decode ``frames`` evenly spaced network frames: uint8 ``[frames, size, size, 3]``.

        Raises:
            SourceError: the file is not a readable video.
        """
        return np.stack([network_frame(frame, size) for frame in sample_clip(self.path, frames)])


@dataclass(frozen=True)
class RenderedClip:
    """A clip of the procedural generator.

    Attributes:
        seed: Fixes every byte of it.
        label: Index of its class.
        recording: None: every clip is a recording of its own.
    """

    seed: int
    label: int
    recording: ClassVar[str | None] = None

    def __str__(self) -> str:
        return f"synthetic clip {self.seed}"

    def fingerprint(self) -> str:
        """Return a string that identifies the clip among those of one generator."""
        return f"{self.seed} {self.label}"

    def load(self, frames: int, size: int) -> NDArray[np.uint8]:
        """Render ``frames`` frames spread over two seconds: uint8 ``[frames, size, size, 3]``."""
        rate = frames / SYNTHETIC_SECONDS
        return render_clip(self.seed, LABELS[self.label], frames=frames, size=size, fps=rate).frames


Clip: TypeAlias = VideoClip | RenderedClip


@dataclass(frozen=True)
class Listing:
    """The clips of one split.

    Attributes:
        name: A short name for folders and messages.
        labels: Class names of the whole data set, sorted; the same for every split.
        clips: The split's clips; their ``label`` is an index into ``labels``.
    """

    name: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]


def list_clips(spec: str | Path, split: str, *, seed: int = 0) -> Listing:
    """Return the clips that ``spec`` names.

    Args:
        spec: ``synthetic``, ``synthetic:N`` (N training clips), a CSV file with the columns path,
            label and split, and perhaps recording (paths are relative to it), or a folder:
            ``<split>/<label>/*.mp4``, or ``<label>/*.mp4``, of which a fixed fifth of each class
            becomes ``val``.
        split: ``train``, ``val``, or another split that the data set has.
        seed: Chooses the synthetic clips; no effect on files.

    Raises:
        DataError: there is no such data set or split, or it cannot be trained on.
    """
    text = str(spec)
    if text == "synthetic" or text.startswith("synthetic:"):
        return _synthetic(text, split, seed)
    path = Path(spec)
    if path.is_dir():
        return _folders(path, split)
    if path.is_file():
        return _csv(path, split)
    raise DataError(
        f"no data set at {text}: expected 'synthetic[:N]', a CSV file with the columns "
        f"{', '.join(COLUMNS)}, or a folder of class folders"
    )


def _synthetic(text: str, split: str, seed: int) -> Listing:
    _, _, number = text.partition(":")
    if text != "synthetic" and not (number.isdecimal() and int(number) >= len(LABELS)):
        raise DataError(
            f"cannot use the data set '{text}': expected synthetic:N with N at least "
            f"{len(LABELS)}, one clip per action"
        )
    count = int(number) if number else SYNTHETIC_CLIPS
    if split not in _SYNTHETIC_SPLITS:
        raise _unknown_split(split, text, _SYNTHETIC_SPLITS)
    if split != "train":
        count = max(len(LABELS), count // 4)
    # Every split draws from a range of seeds of its own, and none from the small numbers that
    # people type, so that a demonstration never shows a training clip.
    first = ((seed + 1) << 40) + (_SYNTHETIC_SPLITS.index(split) << 32)
    clips = tuple(RenderedClip(first + i, i % len(LABELS)) for i in range(count))
    return Listing(f"synthetic-{split}", LABELS, clips)


def _read_rows(path: Path) -> list[tuple[str, str, str, str | None]]:
    """Return (path, label, split, recording) per row of a CSV file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}: "
                    f"expected a header line with {', '.join(COLUMNS)}"
                )
            rows = []
            for row in reader:
                values = [(row[name] or "").strip() for name in COLUMNS]
                if not all(values):
                    raise DataError(
                        f"{path} line {reader.line_num} is incomplete: "
                        f"expected a value for each of {', '.join(COLUMNS)}"
                    )
                recording = (row.get(RECORDING) or "").strip() or None
                rows.append((values[0], values[1], values[2], recording))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV text file: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if not rows:
        raise DataError(f"{path} lists no clips: expected one row per clip under the header")
    return rows


def _csv(path: Path, split: str) -> Listing:
    rows = _read_rows(path)
    labels = _labels((label for _, label, _, _ in rows), str(path))
    splits = sorted({name for _, _, name, _ in rows})
    if split not in splits:
        raise _unknown_split(split, str(path), splits)
    base = path.resolve().parent
    index = {label: i for i, label in enumerate(labels)}
    clips = tuple(
        VideoClip(base / name, index[label], recording)
        for name, label, own, recording in rows
        if own == split
    )
    lost = [clip for clip in clips if not clip.path.is_file()]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise DataError(
            f"{path} lists clips that do not exist: {lost[0]}{more}; "
            "paths are relative to the CSV file"
        )
    return Listing(f"{base.name}-{split}", labels, clips)


def _videos(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _folders(root: Path, split: str) -> Listing:
    root = root.resolve()
    if (root / "train").is_dir():
        parts = {part.name: part for part in _subfolders(root)}
        if split not in parts:
            raise _unknown_split(split, str(root), sorted(parts))
        classes = [kind for part in parts.values() for kind in _subfolders(part)]
        names = _labels((kind.name for kind in classes if _videos(kind)), str(root))
        found = {name: _videos(parts[split] / name) for name in names}
    else:
        if split not in ("train", "val"):
            raise _unknown_split(split, str(root), ("train", "val"))
        everything = {kind.name: _videos(kind) for kind in _subfolders(root)}
        names = _labels((name for name, videos in everything.items() if videos), str(root))
        found = {name: _share(root, everything[name], split) for name in names}
    clips = tuple(VideoClip(path, i) for i, name in enumerate(names) for path in found[name])
    if not clips:
        raise DataError(f"{root} has no clips in the split '{split}'")
    return Listing(f"{root.name}-{split}", names, clips)


def _share(root: Path, videos: list[Path], split: str) -> list[Path]:
    """Return one class's part of a split; it depends on the files' names alone."""

    def rank(path: Path) -> bytes:
        return hashlib.sha256(path.relative_to(root).as_posix().encode()).digest()

    held_out = set(sorted(videos, key=rank)[: max(1, round(VAL_FRACTION * len(videos)))])
    if len(videos) == 1:
        held_out = set()  # a class of a single clip can only be learned from
    return [path for path in videos if (path in held_out) == (split == "val")]


def _labels(names: Iterable[str], origin: str) -> tuple[str, ...]:
    labels = tuple(sorted(set(names)))
    if len(labels) < 2:
        found = f"only '{labels[0]}'" if labels else "none"
        raise DataError(f"{origin} needs clips of at least two classes, found {found}")
    return labels


def _unknown_split(split: str, origin: str, known: Iterable[str]) -> DataError:
    return DataError(f"{origin} has no split '{split}': expected one of {', '.join(known)}")
