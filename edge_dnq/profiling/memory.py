"""Loading programs in processes of their own: memory, start-up, the cold first run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar

import msgspec

from edge_dnq.errors import EdgeDnqError
from edge_dnq.profiling.table import Start, WholeStart

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"
"""Written to clear_refs it sets VmHWM back to VmRSS (proc(5)): the growth that follows is ours."""

TIMEOUT_SECONDS = 120
Result = TypeVar("Result", Start, WholeStart)


@dataclass(frozen=True)
class Footprint:
    """The process now: resident bytes, and the most since the start or the last reset."""

    resident: int
    peak: int


def footprint() -> Footprint | None:
    """Return this process's footprint, or None where the system does not tell."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    try:
        resident, peak = (int(fields[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))
    except (KeyError, ValueError, IndexError):
        return None
    return Footprint(resident, peak)


def reset_peak() -> bool:
    """Let the peak begin anew; False where the system does not allow it."""
    try:
        CLEAR_REFS.write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def growth(
    before: Footprint | None, after: Footprint | None, *, reset: bool
) -> tuple[int | None, int | None]:
    """Return the growth of the resident bytes, and the largest on the way.

    Args:
        before: Before the work.
        after: After it.
        reset: Whether the peak began anew in between; else it may be older than the work.
    """
    if before is None or after is None:
        return None, None
    resident = max(0, after.resident - before.resident)
    return resident, max(resident, after.peak - before.resident) if reset else None


def in_process(kind: type[Result], *words: str) -> Result:
    """Run :mod:`edge_dnq.profiling.child` with the time and ``words``; return what it measured.

    Raises:
        EdgeDnqError: it failed.
    """
    started = repr(monotonic())
    command = [sys.executable, "-m", "edge_dnq.profiling.child", started, *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EdgeDnqError(f"loading a program took more than {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise EdgeDnqError(f"a process that loads a program failed: {last}")
    return msgspec.json.decode(done.stdout, type=kind)
