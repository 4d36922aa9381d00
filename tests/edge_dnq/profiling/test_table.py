from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import EdgeDnqError
from edge_dnq.kernels import LIBRARY_VARIABLE, litert_delegate_path
from edge_dnq.profiling.table import (
    Cost,
    CostTable,
    Subject,
    ThreadCosts,
    action_costs,
    costs_folder,
    find_costs,
    read_table,
    relative_cost,
    subject_of,
    table_path,
    write_table,
)
from edge_dnq.session import Session

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")


def cost(milliseconds: float) -> Cost:
    return Cost(mean_ms=milliseconds, median_ms=milliseconds, p95_ms=2 * milliseconds, runs=9)


COSTS = ThreadCosts(
    threads=1,
    frame=cost(1.0),
    policy=cost(0.5),
    programs={"w8a8": cost(9.0), "w4a4": cost(5.0), "w2a2r32": cost(2.0)},
    actions={},
    held=cost(0.1),
)


@pytest.fixture
def session(bundle_folder: Path, tmp_path: Path) -> Session:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_folder, folder)
    return Session(Bundle.load(folder))


def table(subject: Subject, created: str = "2026-01-01") -> CostTable:
    return CostTable(
        created=created, name="tiny", subject=subject, source_frame=(48, 64), threads=(COSTS,)
    )


def test_written_tables_are_found(session: Session) -> None:
    subject = subject_of(session)
    path = table_path(session.bundle.path, subject)
    write_table(path, table(subject))
    assert read_table(path) == table(subject)
    found = find_costs(session)
    assert found.costs == COSTS
    assert found.path == path
    assert str(path) in found.note


def test_a_table_lies_beside_its_bundle_and_names_what_it_holds_for(session: Session) -> None:
    path = table_path(session.bundle.path, subject_of(session))
    assert path.parent == session.bundle.path.with_name("bundle.costs")
    subject = subject_of(session)
    assert subject.bundle[:12] in path.name
    for name in subject.kernels.values():
        assert name.rpartition(" ")[2] in path.name
    assert all(character.isalnum() or character in "._+-" for character in path.name)


def test_a_relative_bundle_has_the_same_folder(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(session.bundle.path)
    assert costs_folder(Path()) == costs_folder(session.bundle.path)


def test_no_table(session: Session) -> None:
    found = find_costs(session)
    assert (found.costs, found.table, found.path) == (None, None, None)
    assert "no cost table" in found.note
    assert f"edge-dnq profile {session.bundle.path}" in found.note


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"bundle": "0" * 64}, "exported again"),
        ({"cpu": "another"}, "cpu another, now"),
        ({"runtime": "litert 1.0"}, "runtime litert 1.0, now"),
        ({"edge_dnq": "0.0.1"}, "edge-dnq 0.0.1, now"),
        ({"device": "a toaster"}, "device a toaster, now"),
    ],
)
def test_stale_tables_say_why(session: Session, changed: dict[str, str], reason: str) -> None:
    subject = msgspec.structs.replace(subject_of(session), **changed)
    path = table_path(session.bundle.path, subject)
    write_table(path, table(subject))
    found = find_costs(session)
    assert found.costs is None
    assert reason in found.note
    assert path.name in found.note


def test_a_library_built_again_makes_a_table_stale(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same version on the same instruction set: only the file is another one."""
    library = litert_delegate_path()
    if library is None:
        pytest.skip("this installation has no kernel library")
    folder = tmp_path / "bundle"
    shutil.copytree(bundle.path, folder)
    subject = subject_of(Session(Bundle.load(folder)))
    assert subject.kernel_library
    path = table_path(folder, subject)
    write_table(path, table(subject))
    built_again = tmp_path / "again.so"
    # Bytes after the end of an ELF file mean nothing to the loader.
    built_again.write_bytes(library.read_bytes() + b"\0")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(built_again))
    session = Session(Bundle.load(folder))
    found = find_costs(session)
    assert found.costs is None
    assert "the kernel library was built again" in found.note
    assert table_path(folder, subject_of(session)) == path, "profiling replaces the stale table"


def test_stock_kernels_ask_for_no_library(session: Session) -> None:
    stock = Session(session.bundle, kernels="off")
    assert subject_of(stock).kernel_library == ""


def test_other_kernels_make_a_table_stale(session: Session) -> None:
    subject = subject_of(session)
    kernels = {**subject.kernels, "w4a4": "edge-dnq abacus"}
    write_table(
        table_path(session.bundle.path, subject),
        table(msgspec.structs.replace(subject, kernels=kernels)),
    )
    found = find_costs(session)
    assert found.costs is None
    assert "w4a4 ran on edge-dnq abacus, now on" in found.note


def test_threads_are_part_of_the_match(session: Session) -> None:
    subject = subject_of(session)
    write_table(table_path(session.bundle.path, subject), table(subject))
    two = Session(session.bundle, threads=2)
    assert "no costs for 2 threads" in find_costs(two).note


def test_a_session_without_policy_finds_the_table_too(session: Session) -> None:
    subject = subject_of(session)
    write_table(table_path(session.bundle.path, subject), table(subject))
    assert find_costs(Session(session.bundle, policy="uniform:w8a8")).costs == COSTS


def test_the_nearest_stale_table_is_named(session: Session) -> None:
    subject = subject_of(session)
    far = msgspec.structs.replace(subject, cpu="x", device="y", edge_dnq="z")
    near = msgspec.structs.replace(subject, cpu="x")
    folder = costs_folder(session.bundle.path)
    write_table(folder / "a.json", table(far))
    write_table(folder / "b.json", table(near))
    (folder / "c.json").write_text("{}")
    note = find_costs(session).note
    assert "b.json" in note or "c.json" in note
    assert "a.json" not in note


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"schema_version": 2}'])
def test_other_files_are_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.json"
    path.write_bytes(content)
    with pytest.raises(EdgeDnqError, match="not a cost table of version 1"):
        read_table(path)
    with pytest.raises(EdgeDnqError, match="cannot read"):
        read_table(tmp_path / "missing.json")


def test_costs_per_frame(bundle: Bundle) -> None:
    """Of a skip of four frames one is decided and three are held."""
    given = action_costs(bundle.manifest, COSTS, policy=True)
    expected = {"w8a8": 10.5, "w4a4": 6.5, "w2a2r32": 3.5, "skip": 1.5, "skip4": 1.8 / 4}
    assert given == pytest.approx(expected)
    plain = action_costs(bundle.manifest, COSTS, policy=False)
    assert plain["w8a8"] == pytest.approx(10.0)
    assert plain["skip"] == pytest.approx(0.1)


def test_relative_cost(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert relative_cost(manifest, COSTS, {"w8a8": 1.0}, policy=False) == pytest.approx(1.0)
    shares = {"w8a8": 0.5, "skip": 0.5}
    assert relative_cost(manifest, COSTS, shares, policy=True) == pytest.approx(0.6)
