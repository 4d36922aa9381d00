from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.evaluation import evaluate
from edge_dnq.profiling.table import action_costs, subject_of, write_table
from edge_dnq.session import Session
from edge_dnq.streams import Composition
from edge_dnq.sweep.families import (
    blind_candidates,
    random_candidate,
    sweep_prices,
)
from edge_dnq.sweep.front import FAMILIES, RIVALS, Sweep, front_of, sweep
from edge_dnq.sweep.outcomes import Outcomes
from edge_dnq.sweep.plot import write_plot
from edge_dnq.synthetic import render_clip, write_clip
from tests.edge_dnq.profiling.test_table import COSTS, table

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")


@pytest.fixture(scope="module")
def sweep_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five clips of three of the small bundle's classes, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("sweep")
    rows = ["path,label,split"]
    for seed in range(5):
        write_clip(folder / f"{seed}.mp4", render_clip(seed, frames=6, size=64))
        rows.append(f"{seed}.mp4,class_{seed % 3},val")
    (folder / "broken.mp4").write_bytes(b"\0nothing")
    rows.append("broken.mp4,class_0,val")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder / "clips.csv"


@pytest.fixture(scope="module")
def both(bundle: Bundle, sweep_csv: Path) -> tuple[Sweep, Outcomes]:
    return sweep(bundle, sweep_csv, "val", frames=6)


@pytest.fixture(scope="module")
def result(both: tuple[Sweep, Outcomes]) -> Sweep:
    return both[0]


def test_every_family_is_there(result: Sweep, bundle: Bundle) -> None:
    families = [point.family for point in result.points]
    assert set(families) == set(FAMILIES) - {"exit_told"}, "trimmed clips have no filler"
    assert families.count("uniform") == 3
    assert families.count("cycle") == 3 * 4, "every 2nd, 3rd, 4th and 6th frame"
    assert families.count("learned") == families.count("random")
    assert result.clips == result.groups == 5
    assert result.frames == 30
    assert len(result.unreadable) == 1
    for point in result.points:
        assert sum(point.actions.values()) == pytest.approx(1), point
        for interval in (
            point.accuracy_top1,
            point.relative_cost,
            point.difference,
            point.flicker,
            point.flicker_difference,
        ):
            assert interval.low - 1e-9 <= interval.mean <= interval.high + 1e-9, point
        assert point.ms_per_frame == pytest.approx(
            point.relative_cost.mean * result.reference_ms_per_frame
        )
        compared = set(RIVALS) - {"exit_told"} if point.family in ("learned", "budget") else set()
        assert set(point.against) == compared


def test_the_reference_is_1_and_differs_from_itself_by_0(result: Sweep) -> None:
    (own,) = (point for point in result.points if point.policy == result.reference)
    assert own.relative_cost.mean == pytest.approx(1.0)
    for none in (own.difference, own.flicker_difference):
        assert (none.mean, none.low, none.high) == (0, 0, 0)
    assert own.bit_operations == pytest.approx(1.0)


@pytest.mark.parametrize("policy", ["learned", "uniform:w4a4", "w8a8,skip"])
def test_accuracy_and_actions_are_those_of_eval(
    result: Sweep, bundle: Bundle, sweep_csv: Path, policy: str
) -> None:
    (point,) = (entry for entry in result.points if entry.policy == policy)
    plain = evaluate(bundle, sweep_csv, "val", policy=policy, frames=6)
    assert point.accuracy_top1.mean == pytest.approx(plain.accuracy_top1)
    assert point.actions == pytest.approx(plain.actions)
    assert point.flicker == plain.flicker
    assert point.flicker_difference == plain.flicker_difference


def test_the_price_lowers_the_cost(result: Sweep) -> None:
    learned = [
        (point.setting, point.relative_cost.mean)
        for point in result.points
        if point.family == "learned" and point.setting is not None
    ]
    priced = [entry for entry in learned if entry[0] >= 0]
    assert priced == sorted(priced, key=lambda entry: entry[0])
    assert priced[0][0] == 0.0
    assert priced[-1][1] == min(cost for _, cost in learned)
    rewarded = [cost for setting, cost in learned if setting < 0]
    assert all(cost >= priced[0][1] for cost in rewarded)


def test_random_mixes_cost_what_the_policy_costs(bundle: Bundle) -> None:
    manifest, frames = bundle.manifest, 8
    own = action_costs(manifest, COSTS, policy=False)
    costs = [own[action.name] for action in manifest.actions]
    shares = [0.1, 0.3, 0.2, 0.1, 0.3]  # a skip of four frames among them
    candidate = random_candidate("0", manifest, shares, costs, 6.0, [frames] * 3)
    picker = candidate.make(3)
    programs = np.array([action.program is not None for action in manifest.actions])
    spent = []
    for _ in range(3000):
        for frame in range(frames):
            spent.append(costs[picker.pick(None, np.ones(5, np.bool_) if frame else programs)])
    assert np.mean(spent) == pytest.approx(6.0, rel=0.03)


def test_many_videos_need_few_walks(bundle: Bundle) -> None:
    def seeds(videos: int) -> int:
        shares, costs = [0.2] * 5, [1.0] * 5
        return random_candidate("0", bundle.manifest, shares, costs, 1.0, [8] * videos).seeds

    assert [seeds(10), seeds(1000), seeds(5000)] == [8, 4, 1]


def test_cycles_fit_into_a_clip(bundle: Bundle) -> None:
    policies = [entry.policy for entry in blind_candidates(bundle.manifest, 4)]
    assert "w8a8,skip" in policies
    assert "w8a8,skip,skip,skip" in policies, "the first frame alone"
    assert "w8a8," + ",".join(["skip"] * 5) not in policies
    assert "uniform:w2a2r32" in policies


def test_prices_cover_the_range() -> None:
    logits = np.array([[3.0, 0.0], [5.0, 0.0], [0.0, 1.0]], np.float32)
    costs = np.array([1.0, 0.5])
    found = sweep_prices(logits, costs)
    prices = [price for price in found.values() if price >= 0]
    assert prices[0] == 0.0
    assert prices == sorted(prices)
    assert prices[-1] > 10.0, "the dearest frame goes over at (5 - 0) / (1 - 0.5)"
    below = [price for key, price in found.items() if key.startswith("-")]
    assert below == [-2.0] * 4, "the one cheap frame goes over at (0 - 1) / (1 - 0.5)"
    assert all(price >= 0 for price in sweep_prices(logits[:2], costs).values())
    assert all(price <= 0 for price in sweep_prices(logits[2:], costs).values())


def test_the_front_is_made_of_the_outcomes(both: tuple[Sweep, Outcomes]) -> None:
    result, outcomes = both
    again = front_of(outcomes)
    assert again.points == result.points
    for point, tried in zip(again.points, outcomes.tried, strict=False):
        assert len(tried.hits) == result.clips, point


def test_rivals_are_shown_on_their_hull(result: Sweep) -> None:
    shown = result.of("cycle")
    assert 0 < len(shown) < 12
    accuracies = [point.accuracy_top1.mean for point in shown]
    assert accuracies == sorted(set(accuracies))
    assert len(result.of("learned")) == sum(p.family == "learned" for p in result.points)


def test_costs_of_another_device(bundle: Bundle, sweep_csv: Path, tmp_path: Path) -> None:
    session = Session(bundle)
    device = msgspec.structs.replace(subject_of(session), device="a board", cpu="an ARM")
    path = tmp_path / "board.json"
    write_table(path, table(device))
    there = sweep(bundle, sweep_csv, "val", frames=6, costs=path)[0]
    assert there.measured == COSTS
    assert there.costs == "costs of a board, an ARM"
    costs = {point.policy: point.relative_cost.mean for point in there.of("uniform")}
    assert costs == pytest.approx(
        {"uniform:w8a8": 1.0, "uniform:w4a4": 0.6, "uniform:w2a2r32": 0.3}
    )


def test_streams(context_folder: Path, sweep_csv: Path) -> None:
    bundle = Bundle.load(context_folder)
    result, outcomes = sweep(bundle, sweep_csv, "val", frames=6, streams=Composition())
    assert result.videos == "5 segments in 1 streams, 55% filler"
    assert {point.family for point in result.points} == set(FAMILIES)
    assert result.clips == 5
    assert result.groups == 1, "fewer clips than a stream has segments"
    assert result.frames == outcomes.frames.sum() > outcomes.steps.sum() + 5
    assert (outcomes.steps >= 4).all(), "windows of at least three quarters of 6 frames"
    assert (outcomes.steps <= 5).all()
    (told,) = {len(point.against) for point in result.points if point.family == "learned"}
    assert told == len(RIVALS)
    exits = [p for p in result.points if p.family in ("exit", "exit_told")]
    assert min(p.ms_per_frame for p in exits if p.family == "exit_told") < min(
        p.ms_per_frame for p in exits if p.family == "exit"
    )
    again, _ = sweep(bundle, sweep_csv, "val", frames=6, streams=Composition(), seed=1)
    assert again.frames != result.frames


def test_streams_of_several_rounds_are_resampled_by_their_clips(
    context_folder: Path, sweep_csv: Path
) -> None:
    bundle = Bundle.load(context_folder)
    composition = Composition(filler=0.9, rounds=3)
    result, outcomes = sweep(bundle, sweep_csv, "val", frames=6, streams=composition)
    assert result.videos == "15 segments in 3 streams, 90% filler"
    assert result.groups == 1
    assert outcomes.frames.sum() > 4 * (outcomes.steps + 1).sum()
    assert len(set(outcomes.frames.tolist())) > 1, "rounds differ"


def test_it_is_plain_json(result: Sweep) -> None:
    facts = msgspec.json.decode(msgspec.json.encode(result))
    assert facts["points"][0]["accuracy_top1"]["low"] >= 0
    assert facts["measured"]["threads"] == 1


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_plot(result: Sweep, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    path = tmp_path / f"front{suffix}"
    write_plot(path, result, "tiny")
    assert path.stat().st_size > 10_000
