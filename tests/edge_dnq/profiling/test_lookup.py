from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import EdgeDnqError
from edge_dnq.kernels import LIBRARY_VARIABLE, litert_delegate_path
from edge_dnq.profiling.lookup import find_costs, given_costs
from edge_dnq.profiling.table import (
    costs_folder,
    read_table,
    subject_of,
    table_path,
    write_table,
)
from edge_dnq.session import Session
from tests.edge_dnq.profiling.test_table import COSTS, cost, table

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")


@pytest.fixture
def session(bundle_folder: Path, tmp_path: Path) -> Session:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_folder, folder)
    return Session(Bundle.load(folder))


def test_written_tables_are_found(session: Session) -> None:
    subject = subject_of(session)
    path = table_path(session.bundle.path, subject)
    write_table(path, table(subject))
    assert read_table(path) == table(subject)
    found = find_costs(session)
    assert found.costs == COSTS
    assert found.path == path
    assert str(path) in found.note


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


def test_costs_of_another_device_are_taken_on_its_word(session: Session, tmp_path: Path) -> None:
    elsewhere = msgspec.structs.replace(
        subject_of(session), device="a board", cpu="an ARM", kernels={"w8a8": "edge-dnq neon"}
    )
    path = tmp_path / "board.json"
    write_table(path, table(elsewhere))
    found = given_costs(session, path)
    assert found.costs == COSTS
    assert "a board, an ARM" in found.note


def test_costs_of_something_else_are_refused(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    write_table(path, table(msgspec.structs.replace(subject_of(session), bundle="0" * 64)))
    with pytest.raises(EdgeDnqError, match=r"another bundle, tiny: copy .*/bundle to the device"):
        given_costs(session, path)
    write_table(path, table(subject_of(session)))
    two = Session(session.bundle, threads=2)
    with pytest.raises(EdgeDnqError, match="no costs for 2 threads: expected one of 1"):
        given_costs(two, path)
    for lacking in ({"policy": None}, {"programs": {}}):
        costs = msgspec.structs.replace(COSTS, **lacking)
        given = msgspec.structs.replace(table(subject_of(session)), threads=(costs,))
        write_table(path, given)
        with pytest.raises(EdgeDnqError, match=r"no costs of (the policy|w2a2r32)"):
            given_costs(session, path)
    idle = {name: cost(0.0) for name in COSTS.programs}
    costs = msgspec.structs.replace(COSTS, programs=idle)
    write_table(path, msgspec.structs.replace(table(subject_of(session)), threads=(costs,)))
    with pytest.raises(EdgeDnqError, match="take no time"):
        given_costs(session, path)
