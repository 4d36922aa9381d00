"""The cost table that holds for a session, found beside its bundle or given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_dnq.errors import EdgeDnqError
from edge_dnq.profiling.table import (
    CostTable,
    Subject,
    ThreadCosts,
    bundle_digest,
    costs_folder,
    read_table,
    subject_of,
)
from edge_dnq.session import Session


@dataclass(frozen=True)
class Lookup:
    """What was found for a session.

    Attributes:
        costs: Costs with the session's threads; None where there are none that hold.
        table: The table they are from.
        path: Its file, also that of a stale one.
        note: One line: which table, or why none.
    """

    costs: ThreadCosts | None
    table: CostTable | None
    path: Path | None
    note: str


def find_costs(session: Session) -> Lookup:
    """Find the costs of ``session`` among the tables beside its bundle.

    Where none holds, the note names the difference of the nearest one.
    """
    bundle, threads = session.bundle.path, session.threads
    advice = f"`edge-dnq profile {bundle}` measures"
    now = subject_of(session)
    nearest: tuple[int, Path, str] | None = None
    for path in sorted(costs_folder(bundle).glob("*.json")):
        try:
            table = read_table(path)
        except EdgeDnqError:
            reasons = ["it cannot be read"]
        else:
            reasons = differences(table.subject, now)
            costs = table.at(threads)
            if costs is None:
                reasons.append(f"it has no costs for {threads} threads")
            if not reasons:
                return Lookup(costs, table, path, f"costs from {path}, measured {table.created}")
        if nearest is None or len(reasons) < nearest[0]:
            nearest = len(reasons), path, "; ".join(reasons)
    if nearest is None:
        return Lookup(None, None, None, f"no cost table for {bundle}: {advice} one")
    _, path, reason = nearest
    return Lookup(None, None, path, f"the cost table {path} is stale: {reason}; {advice} anew")


def given_costs(session: Session, path: Path) -> Lookup:
    """Return the costs of another device, for the bundle and the threads of ``session``.

    Args:
        session: Runs on any device.
        path: The table, as ``edge-dnq profile`` wrote it there.

    Raises:
        EdgeDnqError: it cannot be read, is about another bundle or other numbers of threads, or
            lacks a cost.
    """
    table, manifest = read_table(path), session.bundle.manifest
    if table.subject.bundle != bundle_digest(manifest):
        raise EdgeDnqError(
            f"{path} holds costs of another bundle, {table.name}: "
            f"copy {session.bundle.path} to the device and run `edge-dnq profile` on it there"
        )
    costs = table.at(session.threads)
    if costs is None:
        known = ", ".join(str(entry.threads) for entry in table.threads)
        raise EdgeDnqError(
            f"{path} has no costs for {session.threads} threads: expected one of {known}"
        )
    missing = {program.name for program in manifest.programs} - costs.programs.keys()
    if missing or (manifest.policy is not None and costs.policy is None):
        name = min(missing, default="the policy")
        raise EdgeDnqError(f"{path} has no costs of {name}: profile the bundle there anew")
    if not all(cost.median_ms > 0 for cost in costs.programs.values()):
        raise EdgeDnqError(f"{path} has programs that take no time: profile the bundle there anew")
    return Lookup(costs, table, path, f"costs of {table.subject.device}, {table.subject.cpu}")


def differences(then: Subject, now: Subject) -> list[str]:
    """Return what has changed since a table was made, one phrase each."""
    found = []
    if then.bundle != now.bundle:
        found.append("the bundle was exported again")
    # A table may know a policy that this session, which runs none, does not.
    common = then.kernels.keys() & now.kernels.keys()
    changed = [name for name in sorted(common) if then.kernels[name] != now.kernels[name]]
    if changed:
        name = changed[0]
        found.append(f"{name} ran on {then.kernels[name]}, now on {now.kernels[name]}")
    elif then.kernel_library != now.kernel_library:
        found.append("the kernel library was built again")
    for word in ("cpu", "architecture", "device", "runtime"):
        before, after = getattr(then, word), getattr(now, word)
        if before != after:
            found.append(f"{word} {before}, now {after}")
    if then.edge_dnq != now.edge_dnq:
        found.append(f"edge-dnq {then.edge_dnq}, now {now.edge_dnq}")
    return found
