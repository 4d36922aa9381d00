"""How many threads a program gets."""

from __future__ import annotations

from edge_dnq import host
from edge_dnq.errors import EdgeDnqError
from edge_dnq.profiling.lookup import differences
from edge_dnq.profiling.table import (
    CostTable,
    ThreadCosts,
    costs_folder,
    read_table,
    reference_program,
    subject_of,
)
from edge_dnq.session import Session


def spare_cores() -> int:
    """Return all cores but the one that reads the camera."""
    return max(1, host.read_cpu().cores - 1)


def best_threads(session: Session) -> int | None:
    """Return what a cost table of this device measured as the fastest; None without a table."""
    table = _table_of(session)
    if table is None:
        return None
    reference = reference_program(session.bundle.manifest)

    def reference_ms(costs: ThreadCosts) -> float:
        return costs.frame.median_ms + costs.programs[reference].median_ms

    return min(table.threads, key=reference_ms).threads


def _table_of(session: Session) -> CostTable | None:
    now = subject_of(session)
    for path in sorted(costs_folder(session.bundle.path).glob("*.json")):
        try:
            table = read_table(path)
        except EdgeDnqError:
            continue
        if table.threads and not differences(table.subject, now):
            return table
    return None
