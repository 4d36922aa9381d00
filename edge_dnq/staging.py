"""Outputs are made aside and moved into place: an interruption leaves nothing half-written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_dnq.errors import EdgeDnqError


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.parent


def _publish_mode(path: Path, base: int) -> None:
    """Give a private temporary ``path`` the permissions that an ordinary create would have."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(base & ~mask)


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path of the same suffix; move it over ``path`` when the block succeeds.

    Raises:
        EdgeDnqError: the file system refuses (disk full, read-only, no permission).
    """
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=path.suffix, dir=_parent(path)
        )
    except OSError as error:
        raise EdgeDnqError(f"cannot write {path}: {error.strerror or error}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _publish_mode(temporary, 0o666)
        temporary.replace(path)
    except OSError as error:
        raise EdgeDnqError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def staged_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it to ``path`` when the block succeeds.

    Raises:
        EdgeDnqError: ``path`` exists and ``overwrite`` is false, or the file system refuses.
    """
    if path.exists() and not overwrite:
        raise EdgeDnqError(f"{path} already exists: choose another output or pass --overwrite")
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=_parent(path)))
    except OSError as error:
        raise EdgeDnqError(f"cannot write {path}: {error.strerror or error}") from error
    old = temporary.with_name(temporary.name + ".old")
    try:
        yield temporary
        _publish_mode(temporary, 0o777)
        if path.exists():
            path.replace(old)
        temporary.replace(path)
    except OSError as error:
        if old.exists() and not path.exists():
            old.replace(path)
        raise EdgeDnqError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
