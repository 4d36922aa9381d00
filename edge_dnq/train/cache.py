"""Clips decoded once into a memory-mapped array on disk.

A cache lies in ``<folder>/<name>-<key>``; the key is a hash of everything that the pixels depend
on, so a changed file or setting leads to another cache and never to stale frames. Free of torch.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import edge_dnq.synthetic
import edge_dnq.video.decoding
import edge_dnq.video.preprocess
import edge_dnq.video.sampling
from edge_dnq.errors import DataError, EdgeDnqError
from edge_dnq.staging import staged_folder
from edge_dnq.train.listing import Clip, Listing, RenderedClip

LOG = logging.getLogger(__name__)

VERSION = 1
MAX_UNREADABLE = 0.1
_INLINE = 24  # below this many clips a pool of processes takes longer to start than it saves
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
    modules = (edge_dnq.video.decoding, edge_dnq.video.preprocess, edge_dnq.video.sampling)
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
    failures: list[tuple[Clip, str]] = []
    kept: list[int] = []
    for row, reason in enumerate(_progress(_decode_all(path, listing.clips), listing, shape[0])):
        if reason is None:
            kept.append(row)
        else:
            failures.append((listing.clips[row], reason))
    for _, reason in failures:
        LOG.warning("left out an unreadable clip: %s", reason)
    if not kept or len(failures) > MAX_UNREADABLE * shape[0]:
        raise DataError(
            f"{len(failures)} of {shape[0]} clips of {listing.name} cannot be read, "
            f"for example {failures[0][0]}: {failures[0][1]}"
        )
    (folder / _INDEX).write_text(json.dumps({"kept": kept}))


def _progress(results: Iterator[str | None], listing: Listing, total: int) -> Iterator[str | None]:
    """Pass ``results`` through, with a progress bar where a person watches."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        yield from bar.track(results, total=total, description=f"caching {listing.name}")


def _decode_all(path: Path, clips: Sequence[Clip]) -> Iterator[str | None]:
    """Write clip i to row i of the array in ``path``; yield None or why it cannot be read."""
    workers = min(os.cpu_count() or 1, len(clips))
    if len(clips) < _INLINE or workers == 1:
        pixels = np.load(path, mmap_mode="r+")
        for row, clip in enumerate(clips):
            yield _decode(pixels, row, clip)
        return
    # Not fork: the parent may hold the locks of torch's and OpenCV's threads.
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _start_worker, (path,)
    )
    try:
        yield from pool.map(_decode_in_worker, range(len(clips)), clips, chunksize=4)
    except BrokenProcessPool as error:
        raise DataError(
            "a decoding process died: a video file crashes the decoder, or the memory is full"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _decode(pixels: NDArray[np.uint8], row: int, clip: Clip) -> str | None:
    try:
        pixels[row] = clip.load(pixels.shape[1], pixels.shape[2])
    except EdgeDnqError as error:
        return str(error)
    return None


_worker_pixels: NDArray[np.uint8] | None = None


def _start_worker(path: Path) -> None:
    global _worker_pixels
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops the pool
    cv2.setNumThreads(1)
    _worker_pixels = np.load(path, mmap_mode="r+")


def _decode_in_worker(row: int, clip: Clip) -> str | None:
    assert _worker_pixels is not None
    return _decode(_worker_pixels, row, clip)
