"""One profile of a bundle: every part of a cost table, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from statistics import median

import msgspec

from edge_dnq.bundle import Bundle
from edge_dnq.profiling.child import ALL
from edge_dnq.profiling.measure import Rota, measure, measure_sustained, source_frames
from edge_dnq.profiling.memory import Result, in_process
from edge_dnq.profiling.table import CostTable, Start, WholeStart, subject_of
from edge_dnq.session import Session

Told = Callable[[str, float], None]

START_REPEATS = 3
"""Processes per program; the table holds medians."""

STARTS, STEPS, SUSTAINED = "loading", "steps", "sustained"
"""Stages that progress is told of."""


@dataclass(frozen=True)
class Plan:
    """How to profile.

    Attributes:
        threads: Numbers of threads per program.
        seconds: Least time per number of threads.
        sustained: Seconds of uninterrupted work; 0 for none.
        frame: Height and width of the frames given.
        runtime: As :class:`edge_dnq.session.Session` takes it.
        kernels: Likewise.
    """

    threads: Sequence[int]
    seconds: float
    sustained: float
    frame: tuple[int, int]
    runtime: str = "auto"
    kernels: str = "auto"


def profile(bundle: Bundle, plan: Plan, told: Told) -> CostTable:
    """Measure ``bundle`` on this device.

    Args:
        bundle: The bundle.
        plan: How.
        told: Told (stage, fraction of it done).

    Raises:
        EdgeDnqError: the bundle or the runtime cannot be used.
    """
    manifest = bundle.manifest
    sessions = [
        Session(
            bundle,
            runtime=plan.runtime,
            threads=threads,
            policy=Rota(manifest.actions, needs_policy=manifest.policy is not None),
            kernels=plan.kernels,
        )
        for threads in sorted(set(plan.threads))
    ]
    first = sessions[0]
    starts, whole = _starts(bundle, first, plan.kernels, partial(told, STARTS))
    frames = source_frames(*plan.frame)
    costs = measure(sessions, frames, plan.seconds, told=partial(told, STEPS))
    sustained = (
        measure_sustained(sessions[-1], frames, plan.sustained, partial(told, SUSTAINED))
        if plan.sustained
        else ()
    )
    return CostTable(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        name=manifest.name,
        subject=subject_of(first),
        source_frame=plan.frame,
        threads=tuple(costs),
        start=starts,
        whole=whole,
        sustained=sustained,
    )


def _starts(
    bundle: Bundle, session: Session, kernels: str, told: Callable[[float], None]
) -> tuple[dict[str, Start], WholeStart]:
    """Load every program, and all together, in processes of their own; medians of some repeats."""
    names = [*session.kernels]
    words = (str(bundle.path), session.runtime_name, str(session.threads), kernels)
    steps = START_REPEATS * (len(names) + 1)
    starts: dict[str, list[Start]] = {name: [] for name in names}
    wholes = []
    for repeat in range(START_REPEATS):
        for position, name in enumerate(names):
            starts[name].append(in_process(Start, *words, name))
            told((repeat * (len(names) + 1) + position + 1) / steps)
        wholes.append(in_process(WholeStart, *words, ALL))
        told((repeat + 1) * (len(names) + 1) / steps)
    middles = {name: _middle(Start, values) for name, values in starts.items()}
    return middles, _middle(WholeStart, wholes)


def _middle(kind: type[Result], values: Sequence[Result]) -> Result:
    """Return the median of every field; None where any repeat has none."""
    fields = {}
    for name in kind.__struct_fields__:
        column = [getattr(value, name) for value in values]
        fields[name] = None if None in column else median(column)
    return msgspec.convert(fields, kind, strict=False)
