"""Training and evaluation sets: clips by index, decoded once.

    clips = open_dataset("clips.csv", "train", clip_frames=8, cache_size=128)
    clips.clip(0)  # uint8 [8, 128, 128, 3]

:mod:`edge_dnq.train.batches` turns them into tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.train.cache import cache_clips, default_cache_dir
from edge_dnq.train.listing import list_clips


@dataclass(frozen=True)
class ClipSet:
    """Labelled clips of equal shape.

    Attributes:
        labels: Class names, in the order of the targets.
        targets: Class of every clip, int64 ``[N]``.
        names: Where every clip comes from, for messages and reports.
        pixels: uint8 ``[rows, T, C, C, 3]``, RGB, usually memory-mapped.
        rows: Row of every clip in ``pixels``, int64 ``[N]``.
    """

    labels: tuple[str, ...]
    targets: NDArray[np.int64]
    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def clip_frames(self) -> int:
        """Frames per clip, T."""
        return int(self.pixels.shape[1])

    def clip(self, index: int) -> NDArray[np.uint8]:
        """Return clip ``index``: uint8 ``[T, C, C, 3]``, RGB; read-only, read from disk on use."""
        return np.asarray(self.pixels[self.rows[index]])


def open_dataset(
    spec: str | Path,
    split: str,
    *,
    clip_frames: int,
    cache_size: int,
    cache_dir: str | Path | None = None,
    seed: int = 0,
) -> ClipSet:
    """Open a split of a data set, decoding it into the cache on first use.

    Args:
        spec: ``synthetic[:N]``, a CSV file, or a folder of class folders; see
            :func:`edge_dnq.train.listing.list_clips`.
        split: ``train``, ``val`` or another split that the data set has.
        clip_frames: Frames per clip, evenly spaced over it.
        cache_size: Side of the cached square frames; a little more than the network's input leaves
            room for random crops.
        cache_dir: Folder of the caches; None means ``$EDGE_DNQ_CACHE`` or ``~/.cache/edge-dnq``.
        seed: Chooses the synthetic clips; no effect on files.

    Raises:
        DataError: there is no such data set or split, or it cannot be trained on.
        EdgeDnqError: the cache cannot be written.
    """
    if clip_frames < 1 or cache_size < 16:
        raise DataError(
            f"expected at least 1 frame per clip and 16 pixels, got {clip_frames} and {cache_size}"
        )
    listing = list_clips(spec, split, seed=seed)
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    cached = cache_clips(listing, clip_frames, cache_size, folder)
    clips = [listing.clips[row] for row in cached.kept]
    return ClipSet(
        labels=listing.labels,
        targets=np.array([clip.label for clip in clips], dtype=np.int64),
        names=tuple(str(clip) for clip in clips),
        pixels=cached.pixels,
        rows=cached.kept,
    )
