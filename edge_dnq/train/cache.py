"""Clips decoded once into a memory-mapped array on disk.

A cache lies in ``<folder>/<name>-<key>``; the key is a hash of everything that the pixels depend
on, so a changed file or setting leads to another cache and never to stale frames. Free of torch.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import edge_dnq.synthetic
import edge_dnq.video.decoding
import edge_dnq.video.pixels
import edge_dnq.video.preprocess
import edge_dnq.video.sampling
from edge_dnq.errors import DataError, EdgeDnqError
from edge_dnq.staging import staged_folder
from edge_dnq.train.decoding import Outcome, decode_all
from edge_dnq.train.listing import Listing, RenderedClip

LOG = logging.getLogger(__name__)

VERSION = 1
MAX_UNREADABLE = 0.1
_PIXELS, _INDEX = "clips.npy", "index.json"


@dataclass(frozen=True)
class CachedClips:
    """An open cache.

    Attributes:
        pixels: uint8 ``[rows, T, C, C, 3]``, read-only and memory-mapped.
        kept: For every readable clip of the listing, in order, its row; ``[N]``.
    """

    pixels: NDArray[np.uint8]
    kept: NDArray[np.int64]


def default_cache_dir() -> Path:
    """Return ``$EDGE_DNQ_CACHE``, or ``~/.cache/edge-dnq``."""
    chosen = os.environ.get("EDGE_DNQ_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "edge-dnq"


def cache_clips(listing: Listing, frames: int, size: int, folder: Path) -> CachedClips:
    """Open the cache of ``listing``, filling it first if need be.

    Several processes may ask at once: one decodes, the others wait.

    Args:
        listing: The clips.
        frames: Frames per clip, T.
        size: Side of the square frames, C.
        folder: Where caches are kept.

    Raises:
        DataError: no clip, or less than nine in ten, can be read.
        EdgeDnqError: the cache cannot be written.
    """
    target = folder / f"{listing.name}-{_key(listing, frames, size)}"
    shape = (len(listing.clips), frames, size, size, 3)
    with _locked(target.with_suffix(".lock")):
        cached = _open(target, shape)
        if cached is None:
            with staged_folder(target, overwrite=True) as temporary:
                _fill(temporary, listing, shape)
            cached = _open(target, shape)
    if cached is None:
        raise DataError(f"the cache {target} was changed while it was written: run again")
    return cached


def _key(listing: Listing, frames: int, size: int) -> str:
    """Hash the clips, the shape and the code that makes the pixels."""
    digest = hashlib.sha256(f"{VERSION} {frames} {size} {listing.labels}".encode())
    for clip in listing.clips:
        digest.update(clip.fingerprint().encode() + b"\n")
    for path in _makers(isinstance(listing.clips[0], RenderedClip)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _makers(rendered: bool) -> list[Path]:
    """Return the source files that decide what the pixels are."""
    if rendered:
        return sorted(Path(edge_dnq.synthetic.__file__).parent.glob("*.py"))
    video = edge_dnq.video
    modules = (video.decoding, video.pixels, video.preprocess, video.sampling)
    return [Path(str(module.__file__)) for module in modules]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it goes with the process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise EdgeDnqError(
            f"cannot write the cache {path.parent}: {error.strerror or error}; "
            "choose another folder with EDGE_DNQ_CACHE"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open(folder: Path, shape: tuple[int, ...]) -> CachedClips | None:
    """Return the cache in ``folder``, or None if there is none that is whole."""
    try:
        index = json.loads((folder / _INDEX).read_text())
        pixels = np.load(folder / _PIXELS, mmap_mode="r", allow_pickle=False)
        kept = np.array(index["kept"], dtype=np.int64)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if pixels.shape != shape or pixels.dtype != np.uint8 or kept.size == 0:
        return None
    if kept.ndim != 1 or kept.min() < 0 or kept.max() >= shape[0]:
        return None
    return CachedClips(pixels, kept)


def _allocate(path: Path, shape: tuple[int, ...]) -> None:
    """Create the array with its blocks reserved.

    Writing a sparse mapping on a full disk ends the process by a signal; reserving raises an error.
    """
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape).flush()
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _fill(folder: Path, listing: Listing, shape: tuple[int, ...]) -> None:
    """Decode every clip of ``listing`` into ``folder``."""
    path = folder / _PIXELS
    _allocate(path, shape)
    reasons = dict(_progress(decode_all(path, listing.clips), listing))
    failures = {row: reason for row, reason in sorted(reasons.items()) if reason is not None}
    for reason in failures.values():
        LOG.warning("left out an unreadable clip: %s", reason)
    if len(failures) == shape[0] or len(failures) > MAX_UNREADABLE * shape[0]:
        row, reason = next(iter(failures.items()))
        raise DataError(
            f"{len(failures)} of {shape[0]} clips of {listing.name} cannot be read, "
            f"for example {listing.clips[row]}: {reason}"
        )
    kept = sorted(reasons.keys() - failures.keys())
    (folder / _INDEX).write_text(json.dumps({"kept": kept}))


def _progress(outcomes: Iterator[Outcome], listing: Listing) -> Iterator[Outcome]:
    """Pass ``outcomes`` through, with a progress bar where a person watches."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        label = f"caching {listing.name}"
        yield from bar.track(outcomes, total=len(listing.clips), description=label)
