"""A report of the small bundle with everything in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.profiling.measure import quick_costs
from edge_dnq.profiling.table import CostTable, Interval, subject_of
from edge_dnq.report.clips import ClipStudy, study_clips
from edge_dnq.report.front import read_front
from edge_dnq.report.layers import study_layers
from edge_dnq.report.page import Report, write_report
from edge_dnq.session import Session
from edge_dnq.synthetic import render_clip, write_clip

CLASSES = 3
CLIPS = 7


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CLIPS clips of CLASSES of the small bundle's classes; one has no frame."""
    folder = tmp_path_factory.mktemp("labelled clips")
    rows = ["path,label,split"]
    for seed in range(CLIPS):
        write_clip(folder / f"{seed} <b>&.mp4", render_clip(seed, frames=6, size=64))
        rows.append(f"{seed} <b>&.mp4,class_{seed % CLASSES},val")
    (folder / "broken.mp4").write_bytes(b"nothing")
    rows.append("broken.mp4,class_0,val")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder / "clips.csv"


@pytest.fixture(scope="session")
def study(bundle: Bundle, labelled: Path) -> ClipStudy:
    """The small bundle's policy on the clips."""
    return study_clips(bundle, str(labelled), "val")


@pytest.fixture(scope="session")
def cost_table(bundle: Bundle) -> CostTable:
    """Costs of the small bundle, measured here for a moment, with a warm minute made up."""
    session = Session(bundle)
    costs = quick_costs(session)
    medians = {name: cost.median_ms for name, cost in costs.actions.items()}
    sustained = tuple(
        Interval(time_s=20.0 * i, median_ms=medians, celsius=40.0 + 5 * i, megahertz=None)
        for i in range(4)
    )
    return CostTable(
        created="2030-01-02T03:04:05+00:00",
        name=bundle.manifest.name,
        subject=subject_of(session),
        source_frame=(480, 640),
        threads=(costs,),
        sustained=sustained,
    )


@pytest.fixture(scope="session")
def full_report(
    bundle: Bundle,
    study: ClipStudy,
    cost_table: CostTable,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A page with every section filled."""
    folder = tmp_path_factory.mktemp("report")
    for place, policy in enumerate(("learned", "uniform:w8a8", "w4a4,skip")):
        value = {
            "policy": policy,
            "accuracy_top1": 0.5 + place / 10,
            "clips": 40,
            "relative_cost": 0.4 + place / 4,
            "mean_ms_per_frame": 1.0 + place,
        }
        (folder / f"{place}.json").write_text(json.dumps(value))
    points = read_front(sorted(folder.glob("*.json")))
    layers = study_layers(bundle, study.pictures)
    write_report(folder / "report.html", Report(bundle, layers, points, study, [cost_table]))
    return folder / "report.html"
