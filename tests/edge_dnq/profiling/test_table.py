from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import EdgeDnqError
from edge_dnq.profiling.table import (
    Cost,
    CostTable,
    Subject,
    ThreadCosts,
    action_costs,
    costs_folder,
    read_table,
    relative_cost,
    subject_of,
    table_path,
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


def test_stock_kernels_ask_for_no_library(session: Session) -> None:
    stock = Session(session.bundle, kernels="off")
    assert subject_of(stock).kernel_library == ""


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
