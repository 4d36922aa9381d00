"""Cost tables of emulated processors, for ``edge-dnq eval --sweep --costs``.

A core without a board: programs and policy cost in proportion to their counted instructions, and a
frame's bookkeeping what it costs on this device beside the 8-bit program. Modelled, not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.modelled.trace import ToolError
from edge_dnq.profiling.lookup import find_costs
from edge_dnq.profiling.table import (
    Cost,
    CostTable,
    ThreadCosts,
    decided_ms,
    reference_program,
    write_table,
)
from edge_dnq.session import Session, open_bundle

POLICY = "policy"


def write_tables(bundle: Path, folder: Path, counts: dict[str, dict[str, int]]) -> list[Path]:
    """Write a table for every processor; return the files.

    Args:
        bundle: A bundle that has been profiled on this device.
        folder: Where to.
        counts: Instructions by processor and by program, on its kernels, ``policy`` among them.

    Raises:
        ToolError: there is no cost table of this device.
        EdgeDnqError: the bundle cannot be read, or the file system refuses.
    """
    session = Session(open_bundle(bundle))
    found = find_costs(session)
    if found.table is None or found.costs is None:
        raise ToolError(found.note)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for processor, instructions in counts.items():
        threads = _modelled(session, found.costs, instructions)
        table = _named(found.table, processor, threads)
        paths.append(folder / f"{processor}.json")
        write_table(paths[-1], table)
    return paths


def _modelled(session: Session, here: ThreadCosts, instructions: dict[str, int]) -> ThreadCosts:
    manifest = session.bundle.manifest
    reference = reference_program(manifest)
    each = here.programs[reference].median_ms / instructions[reference]
    programs = {name: _exactly(instructions[name] * each) for name in here.programs}
    policy = None if here.policy is None else _exactly(instructions[POLICY] * each)
    costs = msgspec.structs.replace(here, programs=programs, policy=policy)
    steps = decided_ms(manifest, costs, policy=True)
    actions = {
        action.name: _exactly(step) for action, step in zip(manifest.actions, steps, strict=True)
    }
    return msgspec.structs.replace(costs, actions=actions)


def _named(here: CostTable, processor: str, threads: ThreadCosts) -> CostTable:
    subject = msgspec.structs.replace(
        here.subject, device="modelled", cpu=processor, architecture="aarch64", runtime="counted"
    )
    return CostTable(
        created=here.created,
        name=here.name,
        subject=subject,
        source_frame=here.source_frame,
        threads=(threads,),
    )


def _exactly(milliseconds: float) -> Cost:
    return Cost(mean_ms=milliseconds, median_ms=milliseconds, p95_ms=milliseconds, runs=1)


def by_processor(counts: Sequence[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    """Gather (processor, program, instructions)."""
    gathered: dict[str, dict[str, int]] = {}
    for processor, program, instructions in counts:
        gathered.setdefault(processor, {})[program] = instructions
    return gathered
