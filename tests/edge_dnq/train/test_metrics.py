from __future__ import annotations

from pathlib import Path

import cv2

from edge_dnq.train.metrics import Entry, MetricsLog, draw_curves


def entry(stage: str, epoch: int, **values: float) -> Entry:
    return {"stage": stage, "epoch": epoch, "seconds": 0.5, "values": values}


def test_log_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    log.add(entry("a", 1, loss=2.0, top1=0.1))
    log.add(entry("a", 2, loss=1.0))
    log.add(entry("b", 1, loss=3.0))
    again = MetricsLog(path)
    assert again.entries == log.entries
    assert again.latest("a") == {"loss": 1.0, "top1": 0.1}
    assert again.latest("c") == {}


def test_rewind_forgets_what_will_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for stage, epoch in (("a", 1), ("a", 2), ("a", 3), ("b", 1)):
        log.add(entry(stage, epoch))
    log.rewind("a", 1)
    kept = [(e["stage"], e["epoch"]) for e in MetricsLog(path).entries]
    assert kept == [("a", 1), ("b", 1)]


def test_half_written_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path).add(entry("a", 1))
    with path.open("a") as file:
        file.write('{"stage": "a", "epo')
    assert [e["epoch"] for e in MetricsLog(path).entries] == [1]


def test_curves_are_a_picture_that_shows_the_values(tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    flat = [entry("a", i, **{"loss/x": 1.0}) for i in range(5)]
    steep = [entry("a", i, **{"loss/x": 5.0 - i}) for i in range(5)]
    draw_curves(flat, path)
    first = cv2.imread(str(path))
    draw_curves(steep, path)
    second = cv2.imread(str(path))
    assert first.shape == second.shape
    assert (first != second).any()


def test_no_entries_draw_nothing(tmp_path: Path) -> None:
    draw_curves([], tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
