"""This machine as a device whose speed changes: a session on one core, and processes beside it.

Everything is real: the bundle's programs, its policy's logits, the clock, and competitors that do
nothing but burn the very core that the session runs on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_dnq.budget import BudgetPicker
from edge_dnq.policy import Picker
from edge_dnq.session import Session

Floats = NDArray[np.float64]
UInt8 = NDArray[np.uint8]
BURN = "while True: pass"

TURN = 64
"""Frames of the session that holds a budget, then ..."""

FREE_TURN = 16
"""... so many of the one that holds none: both see the same load."""


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and processes that it starts meanwhile, on one core.

    Raises:
        OSError: the system has no such call, or does not allow it.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise OSError("this system binds no process to a core")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def competing_load(processes: int) -> Iterator[None]:
    """Keep so many processes busy beside this one."""
    running = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Run:
    """What steps took, one entry per frame.

    Attributes:
        held_ms: Of the session that holds the budget, [N].
        price: Its lambda after the step, [N].
        free_ms: Of the learned policy alone, [M]; in turns, FREE_TURN to TURN.
        changes: Frames at which the load changed, the first one 0.
    """

    held_ms: Floats
    price: Floats
    free_ms: Floats
    changes: tuple[int, ...]


class Player:
    """A session given the same frames over and over."""

    def __init__(self, session: Session, frames: Sequence[UInt8], picker: Picker) -> None:
        self._session, self._frames, self._next = session, frames, 0
        session.picker = picker

    def play(self, count: int) -> list[float]:
        """Return what the next ``count`` steps took, in milliseconds."""
        taken = []
        for _ in range(count):
            taken.append(self._session.step(self._frames[self._next]).latency_ms)
            self._next = (self._next + 1) % len(self._frames)
        return taken

    def play_for(self, seconds: float) -> list[float]:
        """Play the frames, each equally often, until the time is over; return what steps took."""
        taken, end = [], perf_counter() + seconds
        while perf_counter() < end:
            taken += self.play(len(self._frames))
        return taken


def run_beside(
    free: Player, held: Player, picker: BudgetPicker, processes: Sequence[int], frames: int
) -> Run:
    """Play on, each time beside so many competing processes.

    Args:
        free: Of the learned policy alone.
        held: Of ``picker``.
        picker: Holds the budget.
        processes: Competitors, phase by phase.
        frames: Of each phase.
    """
    held_ms: list[float] = []
    free_ms: list[float] = []
    price: list[float] = []
    changes = []
    for count in processes:
        changes.append(len(held_ms))
        with competing_load(count):
            while len(held_ms) < changes[-1] + frames:
                for _ in range(TURN):
                    held_ms += held.play(1)
                    price.append(picker.cost_bias)
                free_ms += free.play(FREE_TURN)
    return Run(np.array(held_ms), np.array(price), np.array(free_ms), tuple(changes))
