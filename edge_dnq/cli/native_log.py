"""Keeping native libraries' chatter off the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

KEEP = "EDGE_DNQ_NATIVE_LOG"
STDERR = 2


@contextmanager
def quiet_native() -> Iterator[None]:
    """Send what native code writes to stderr nowhere, while Python's own stderr goes on.

    Converters and interpreters print notes there that no setting turns off. Set
    ``EDGE_DNQ_NATIVE_LOG=1`` to see them.
    """
    try:
        terminal = None if os.environ.get(KEEP) else os.dup(STDERR)
    except OSError:  # Closed, as under some service managers: nothing to keep quiet.
        terminal = None
    if terminal is None:
        yield
        return
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    python_stderr = sys.stderr
    own = None
    try:
        if _is_native(python_stderr):
            own = os.fdopen(os.dup(terminal), "w", buffering=1, encoding=python_stderr.encoding)
            sys.stderr = own
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(terminal, STDERR)
        sys.stderr = python_stderr
        if own is not None:
            own.close()
        os.close(nowhere)
        os.close(terminal)


def _is_native(stream: object) -> bool:
    """Tell whether ``stream`` writes to the process's own stderr (tests replace it)."""
    try:
        return stream.fileno() == STDERR  # type: ignore[attr-defined,no-any-return]
    except (AttributeError, OSError, ValueError):
        return False
