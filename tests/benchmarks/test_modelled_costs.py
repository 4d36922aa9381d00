"""Cost tables of emulated cores, from instruction counts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.modelled.costs import by_processor, write_tables
from benchmarks.modelled.trace import ToolError
from edge_dnq.profiling.lookup import given_costs
from edge_dnq.profiling.table import subject_of, table_path, write_table
from edge_dnq.session import Session, open_bundle
from tests.edge_dnq.profiling.test_table import COSTS, table

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

COUNTS = [
    ("cortex-a72", "w8a8", 9_000_000),
    ("cortex-a72", "w4a4", 8_000_000),
    ("cortex-a72", "w2a2r32", 1_000_000),
    ("cortex-a72", "policy", 250_000),
]


def test_programs_cost_as_their_instructions(bundle_folder: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))
    with pytest.raises(ToolError, match="no cost table"):
        write_tables(bundle, tmp_path / "modelled", by_processor(COUNTS))
    session = Session(open_bundle(bundle))
    subject = subject_of(session)
    write_table(table_path(bundle, subject), table(subject))

    paths = write_tables(bundle, tmp_path / "modelled", by_processor(COUNTS))
    assert paths == [tmp_path / "modelled" / "cortex-a72.json"]
    found = given_costs(session, paths[0])
    assert found.costs is not None
    assert "modelled, cortex-a72" in found.note
    programs = {name: cost.median_ms for name, cost in found.costs.programs.items()}
    assert programs == pytest.approx({"w8a8": 9.0, "w4a4": 8.0, "w2a2r32": 1.0})
    assert found.costs.policy is not None
    assert found.costs.policy.median_ms == pytest.approx(0.25)
    assert found.costs.frame == COSTS.frame, "bookkeeping is as it is here"
    assert found.costs.actions["w4a4"].median_ms == pytest.approx(1.0 + 0.25 + 8.0)
