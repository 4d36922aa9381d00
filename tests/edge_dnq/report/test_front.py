from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import DataError
from edge_dnq.report.front import read_front, wilson


def test_wilson_is_that_of_the_literature() -> None:
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I.
    for hits, total, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(hits, total) == pytest.approx((low, high), abs=6e-5)


@given(total=st.integers(1, 5000), data=st.data())
def test_wilson_holds_the_proportion(total: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, total))
    low, high = wilson(hits, total)
    assert 0 <= low <= hits / total <= high <= 1


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "eval --json"),
        ('{"policy": 1}', "eval --json"),
    ],
)
def test_what_is_no_evaluation_is_one_line(tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "eval.json"
    path.write_text(content)
    with pytest.raises(DataError, match=word):
        read_front([path])


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_front([tmp_path / "none.json"])


def test_of_a_sweep_rivals_are_read_on_their_hull(tmp_path: Path) -> None:
    def point(family: str, cost: float, accuracy: float) -> dict[str, object]:
        own = {"mean": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}
        return {
            "family": family,
            "policy": f"{family} {cost}",
            "setting": None,
            "accuracy_top1": own,
            "relative_cost": {"mean": cost, "low": cost, "high": cost},
            "ms_per_frame": cost,
        }

    rows = [(0.2, 0.5), (0.4, 0.4), (0.6, 0.7)]
    points = [point(family, *row) for family in ("cycle", "learned", "exit_told") for row in rows]
    (tmp_path / "s.json").write_text(json.dumps({"clips": 9, "points": points}))
    names = [found.name for found in read_front([tmp_path / "s.json"])]
    assert names == [
        "cycle 0.2",
        "cycle 0.6",
        "learned 0.2",
        "learned 0.4",
        "learned 0.6",
        "exit_told 0.2",
        "exit_told 0.6",
    ]


def test_an_evaluation_is_a_point(tmp_path: Path) -> None:
    value = {
        "policy": "uniform:w4a4",
        "accuracy_top1": 0.75,
        "clips": 40,
        "relative_cost": 0.5,
        "mean_ms_per_frame": 1.25,
    }
    (tmp_path / "e.json").write_text(json.dumps(value))
    (point,) = read_front([tmp_path / "e.json"])
    assert (point.name, point.family, point.named) == ("uniform:w4a4", "uniform", True)
    assert (point.cost, point.accuracy, point.clips, point.milliseconds) == (0.5, 0.75, 40, 1.25)
    assert (point.low, point.high) == wilson(30, 40)
