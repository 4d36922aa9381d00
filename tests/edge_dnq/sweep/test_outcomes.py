from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.errors import DataError
from edge_dnq.sweep.outcomes import Outcomes, Tried, load_outcomes, pool_outcomes, save_outcomes


def outcomes_of(seed: int, segments: int = 4, keys: tuple[str, ...] = ("0", "0.5")) -> Outcomes:
    """Two segments a video, each video a group."""
    rng = np.random.default_rng(seed)
    videos = segments // 2

    def tried(family: str, key: str) -> Tried:
        return Tried(
            family,
            key,
            f"{family} {seed} {key}",
            None if family == "uniform" else float(key),
            {"w8a8": 0.25, "skip": 0.75},
            0.25,
            rng.integers(0, 2, segments).astype(float),
            rng.integers(0, 5, segments).astype(float),
            rng.random(videos),
        )

    return Outcomes(
        reference="uniform:w8a8",
        reference_ms=1.0 + seed,
        clips=tuple(f"clip {seed} {place}" for place in range(segments)),
        steps=np.full(segments, 7),
        segment_groups=np.arange(segments) // 2,
        frames=np.full(videos, 20),
        video_groups=np.arange(videos),
        groups=tuple(f"video {place}" for place in range(videos)),
        tried=(tried("uniform", "uniform:w8a8"), *(tried("learned", key) for key in keys)),
    )


def assert_same(one: Outcomes, other: Outcomes) -> None:
    for name in Outcomes.__dataclass_fields__:
        if name != "tried":
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert len(one.tried) == len(other.tried)
    for a, b in zip(one.tried, other.tried, strict=True):
        for name in Tried.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    kept = outcomes_of(3)
    save_outcomes(tmp_path / "o.npz", kept)
    assert_same(load_outcomes(tmp_path / "o.npz"), kept)
    assert [path.name for path in tmp_path.iterdir()] == ["o.npz"]


def test_what_is_damaged_or_something_else_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "o.npz"
    with pytest.raises(DataError, match="cannot read"):
        load_outcomes(path)
    save_outcomes(path, outcomes_of(0))
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:200], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="is not what"):
            load_outcomes(path)
    np.savez(path, frames=np.zeros(3))
    with pytest.raises(DataError, match="is not what"):
        load_outcomes(path)
    save_outcomes(path, replace(outcomes_of(0), steps=np.zeros(3)))
    with pytest.raises(DataError, match="steps has the shape"):
        load_outcomes(path)


def test_pooled_parts_are_as_one() -> None:
    one, two = outcomes_of(0), outcomes_of(1, segments=8)
    pooled = pool_outcomes([one, two])
    assert pooled.clips == one.clips + two.clips
    assert len(pooled.groups) == len(set(pooled.groups)) == 6
    assert pooled.segment_groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert pooled.video_groups.tolist() == list(range(6))
    assert pooled.frames.tolist() == [20] * 6
    # Of 120 frames the second part has 80.
    assert pooled.reference_ms == pytest.approx(1 / 3 * 1.0 + 2 / 3 * 2.0)
    for place, tried in enumerate(pooled.tried):
        parts = one.tried[place], two.tried[place]
        assert tried.hits.tolist() == [*parts[0].hits, *parts[1].hits]
        assert tried.changes.tolist() == [*parts[0].changes, *parts[1].changes]
        assert tried.cost_ms.tolist() == [*parts[0].cost_ms, *parts[1].cost_ms]
        assert sum(tried.shares.values()) == pytest.approx(1)


def test_policies_are_matched_by_their_place() -> None:
    one, two = outcomes_of(0), outcomes_of(1, keys=("0.5", "0.9"))
    pooled = pool_outcomes([one, two])
    assert [(tried.family, tried.key) for tried in pooled.tried] == [
        ("uniform", "uniform:w8a8"),
        ("learned", "0.5"),
    ]
    assert pooled.tried[1].policy == "learned 0.5"
    alone = pool_outcomes([one])
    assert_same(replace(one, groups=("0: video 0", "0: video 1")), alone)


def test_other_references_do_not_pool() -> None:
    with pytest.raises(DataError, match="uniform:w4a4"):
        pool_outcomes([outcomes_of(0), replace(outcomes_of(1), reference="uniform:w4a4")])
