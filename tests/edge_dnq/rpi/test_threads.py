from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_dnq.profiling.table import (
    Cost,
    CostTable,
    ThreadCosts,
    subject_of,
    table_path,
    write_table,
)
from edge_dnq.rpi.config import Config, RecogniserConfig
from edge_dnq.rpi.main import load
from edge_dnq.rpi.threads import best_threads, spare_cores
from edge_dnq.session import Session, open_bundle

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")


def cost(ms: float) -> Cost:
    return Cost(mean_ms=ms, median_ms=ms, p95_ms=ms, runs=10)


def with_table(bundle: Path, folder: Path, ms: dict[int, float]) -> Path:
    """A copy of the bundle with a cost table beside it: the frame of w8a8 by threads."""
    copy = Path(shutil.copytree(bundle, folder / "bundle"))
    session = Session(open_bundle(copy))
    manifest = session.bundle.manifest
    threads = tuple(
        ThreadCosts(
            threads=count,
            frame=cost(0.1),
            policy=cost(0.1),
            programs={program.name: cost(value) for program in manifest.programs},
            actions={action.name: cost(value) for action in manifest.actions},
        )
        for count, value in ms.items()
    )
    subject = subject_of(session)
    table = CostTable(
        created="2020-01-01T00:00:00Z",
        name=manifest.name,
        subject=subject,
        source_frame=(96, 96),
        threads=threads,
    )
    path = table_path(copy, subject)
    path.parent.mkdir()
    write_table(path, table)
    return copy


def test_without_a_table_one_core_is_left_to_the_camera(bundle_folder: Path) -> None:
    session = load(Config(recogniser=RecogniserConfig(bundle=str(bundle_folder)))).session
    assert best_threads(session) is None
    assert session.threads == spare_cores()


@pytest.mark.parametrize(("ms", "best"), [({1: 5.0, 2: 3.0, 3: 4.0}, 2), ({1: 1.0, 2: 3.0}, 1)])
def test_the_tables_fastest_number_is_taken(
    bundle_folder: Path, tmp_path: Path, ms: dict[int, float], best: int
) -> None:
    copy = with_table(bundle_folder, tmp_path, ms)
    recognition = load(Config(recogniser=RecogniserConfig(bundle=str(copy))))
    assert recognition.session.threads == best
    assert recognition.costs.costs is not None
    assert recognition.notes == []


def test_a_number_that_was_asked_for_is_taken(bundle_folder: Path, tmp_path: Path) -> None:
    copy = with_table(bundle_folder, tmp_path, {1: 5.0, 2: 3.0})
    wanted = RecogniserConfig(bundle=str(copy), threads=3)
    assert load(Config(recogniser=wanted)).session.threads == 3
