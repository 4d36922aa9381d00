"""Cost tables: what a bundle's programs cost on one device, kept beside the bundle.

A table lies in ``<bundle>.costs/`` and says in :class:`Subject` what it holds for. Programs do not
change their speed by themselves, but other kernels, another processor or another version of the
package do, so that a table is used only where all of it agrees.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

import edge_dnq
from edge_dnq import host
from edge_dnq.errors import EdgeDnqError
from edge_dnq.executorch_library import executorch_library_path
from edge_dnq.kernels import litert_delegate_path
from edge_dnq.manifest import Manifest
from edge_dnq.programs import RUNTIMES
from edge_dnq.session import Session
from edge_dnq.staging import staged_file

SCHEMA_VERSION = 1
MAX_TABLE_BYTES = 16 << 20
REFERENCE = "w8a8"

KERNEL_LIBRARIES: dict[str, Callable[[], Path | None]] = {
    "litert": litert_delegate_path,
    "executorch": executorch_library_path,
}
"""By inference runtime, where its build of the package's kernels is."""


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Cost(_Record, frozen=True, kw_only=True):
    """Durations of one thing, over ``runs`` of it."""

    mean_ms: float
    median_ms: float
    p95_ms: float
    runs: int


class Subject(_Record, frozen=True, kw_only=True):
    """What the costs hold for.

    Attributes:
        bundle: Digest of the manifest, which holds the digests of all files.
        device: The board or machine.
        cpu: The processor.
        architecture: As Python calls it.
        runtime: The inference runtime and its version.
        kernels: Which kernels each program runs on.
        kernel_library: Digest of the package's kernel library, which may be built again without
            another version; empty where every program runs on the runtime's own kernels.
        edge_dnq: Version of the package.
    """

    bundle: str
    device: str
    cpu: str
    architecture: str
    runtime: str
    kernels: dict[str, str]
    kernel_library: str = ""
    edge_dnq: str


class ThreadCosts(_Record, frozen=True, kw_only=True):
    """Costs with one number of threads.

    Attributes:
        threads: Threads per program.
        frame: A step outside policy and program: checks, shrinking the frame, bookkeeping.
        policy: The policy's part of a step; None where the bundle has none.
        programs: Every program's part.
        actions: The whole step by action, policy included; of a longer skip its first frame.
        held: The whole step on a frame that a longer skip holds; None where there is none.
    """

    threads: int
    frame: Cost
    policy: Cost | None
    programs: dict[str, Cost]
    actions: dict[str, Cost]
    held: Cost | None = None


class Start(_Record, frozen=True, kw_only=True):
    """Loading one program in a process of its own.

    Attributes:
        load_ms: From the file's bytes to a program ready to run.
        first_ms: Its first run.
        next_ms: Median of the runs after it.
        resident_bytes: Growth of the process by loading and running it.
        peak_bytes: Largest growth on the way; None where the system does not tell.
    """

    load_ms: float
    first_ms: float
    next_ms: float
    resident_bytes: int | None
    peak_bytes: int | None


class WholeStart(_Record, frozen=True, kw_only=True):
    """A session of all programs in a process of its own.

    Attributes:
        ready_ms: From the start of the process until package and runtime are imported.
        bundle_ms: Reading and checking the bundle.
        load_ms: Making the session.
        first_ms: Its first step.
        resident_bytes: Growth of the process from the imports to the first steps, bundle included.
        peak_bytes: Largest growth on the way.
        process_peak_bytes: Largest size of the whole process, interpreter and libraries included.
    """

    ready_ms: float
    bundle_ms: float
    load_ms: float
    first_ms: float
    resident_bytes: int | None
    peak_bytes: int | None
    process_peak_bytes: int | None


class Interval(_Record, frozen=True, kw_only=True):
    """A second or so of sustained work.

    Attributes:
        time_s: Its end, since the start.
        median_ms: Median duration of a step by action.
        celsius: Temperature of the processor; None where the system does not show it.
        megahertz: Its frequency, likewise.
    """

    time_s: float
    median_ms: dict[str, float]
    celsius: float | None
    megahertz: float | None


class CostTable(_Record, frozen=True, kw_only=True):
    """A cost table: one file.

    Attributes:
        schema_version: Of this structure.
        created: When, in UTC, as ISO 8601.
        name: The bundle's name.
        subject: What it holds for.
        source_frame: Height and width of the frames that were given.
        threads: Costs by number of threads, the fewest first.
        start: Loading, by program.
        whole: Loading all of them.
        sustained: Minutes of work; empty where that was not asked for.
    """

    schema_version: Literal[1] = 1
    created: str
    name: str
    subject: Subject
    source_frame: tuple[int, int]
    threads: tuple[ThreadCosts, ...]
    start: dict[str, Start] = {}
    whole: WholeStart | None = None
    sustained: tuple[Interval, ...] = ()

    def at(self, threads: int) -> ThreadCosts | None:
        """Return the costs with that many threads, or None."""
        return next((entry for entry in self.threads if entry.threads == threads), None)


def reference_program(manifest: Manifest) -> str:
    """Return the program that costs are relative to: 8 bit, or the first."""
    names = [program.name for program in manifest.programs]
    return REFERENCE if REFERENCE in names else names[0]


def bundle_digest(manifest: Manifest) -> str:
    """Return the sha256 of the manifest, however it is laid out on disk."""
    return hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()


def subject_of(session: Session) -> Subject:
    """Return what costs measured with ``session`` hold for."""
    cpu = host.read_cpu()
    return Subject(
        bundle=bundle_digest(session.bundle.manifest),
        device=host.read_device(),
        cpu=cpu.model,
        architecture=cpu.architecture,
        runtime=_runtime_version(session.runtime_name),
        kernels={name: use.name for name, use in session.kernels.items()},
        kernel_library=_library_digest(session),
        edge_dnq=edge_dnq.__version__,
    )


def _library_digest(session: Session) -> str:
    if all(use.isa is None for use in session.kernels.values()):
        return ""
    path = KERNEL_LIBRARIES[session.runtime_name]()
    return "" if path is None else _file_digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _file_digest(path: Path, modified_ns: int) -> str:
    """Return the digest of a file; ``modified_ns`` has it read again after a change."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _runtime_version(name: str) -> str:
    distributions = (package.replace("_", "-") for package in RUNTIMES[name].packages)
    return f"{name} {host.installed_version(*distributions) or 'of unknown version'}"


def costs_folder(bundle: Path) -> Path:
    """Return the folder of the cost tables of the bundle in ``bundle``."""
    folder = bundle.resolve()
    return folder.with_name(folder.name + ".costs")


def table_path(bundle: Path, subject: Subject) -> Path:
    """Return where the table of ``subject`` belongs."""
    isas = sorted({name.rpartition(" ")[2] for name in subject.kernels.values()})
    words = [subject.device, subject.cpu, subject.runtime, "+".join(isas)]
    slug = "_".join(re.sub(r"[^A-Za-z0-9.+]+", "-", word).strip("-") for word in words)
    return costs_folder(bundle) / f"{slug[:180]}_{subject.bundle[:12]}.json"


def write_table(path: Path, table: CostTable) -> None:
    """Write ``table``.

    Raises:
        EdgeDnqError: the file system refuses.
    """
    with staged_file(path) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=2) + b"\n")


def read_table(path: Path) -> CostTable:
    """Read a table.

    Raises:
        EdgeDnqError: it cannot be read, or is not a cost table of this version.
    """
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise EdgeDnqError(f"{path} is too large for a cost table")
        return msgspec.json.decode(path.read_bytes(), type=CostTable)
    except OSError as error:
        raise EdgeDnqError(f"cannot read {path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EdgeDnqError(
            f"{path} is not a cost table of version {SCHEMA_VERSION}: {error}"
        ) from error


def held_ms(costs: ThreadCosts) -> float:
    """Return the median of a frame that nothing looks at, in milliseconds."""
    return costs.held.median_ms if costs.held is not None else 0.0


def decided_ms(manifest: Manifest, costs: ThreadCosts, *, policy: bool) -> tuple[float, ...]:
    """Return the milliseconds of a frame decided so, by action, by medians.

    Where the policy does not run, nothing looks at a frame that is skipped.

    Args:
        manifest: Of the bundle.
        costs: Its costs.
        policy: Whether the policy runs on frames that are decided.
    """
    seen = costs.frame.median_ms
    if policy and costs.policy is not None:
        seen += costs.policy.median_ms
    skipped = seen if policy else held_ms(costs)
    return tuple(
        skipped if action.program is None else seen + costs.programs[action.program].median_ms
        for action in manifest.actions
    )


def action_costs(manifest: Manifest, costs: ThreadCosts, *, policy: bool) -> dict[str, float]:
    """Return the milliseconds per frame of every action, by medians.

    A skip of n frames is one decision and n - 1 held frames, so that its cost per frame is their
    mean.

    Args:
        manifest: Of the bundle.
        costs: Its costs.
        policy: Whether the policy runs on frames that are decided.
    """
    decided = decided_ms(manifest, costs, policy=policy)
    held = held_ms(costs)
    return {
        action.name: (first + (action.frames - 1) * held) / action.frames
        for action, first in zip(manifest.actions, decided, strict=True)
    }


def relative_cost(
    manifest: Manifest, costs: ThreadCosts, shares: Mapping[str, float], *, policy: bool
) -> float:
    """Return the mean cost of a frame, relative to the reference program without a policy.

    Args:
        manifest: Of the bundle.
        costs: Its costs.
        shares: Fraction of the frames per action.
        policy: Whether the policy runs.
    """
    own = action_costs(manifest, costs, policy=policy)
    spent = sum(share * own[name] for name, share in shares.items())
    reference = costs.frame.median_ms + costs.programs[reference_program(manifest)].median_ms
    return spent / reference
