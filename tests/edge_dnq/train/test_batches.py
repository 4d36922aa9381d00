from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.nn.normalise import normalise
from edge_dnq.train.batches import (
    BatchPlan,
    batches_per_epoch,
    eval_batches,
    pick_frames,
    shard,
    train_batches,
)
from edge_dnq.train.data import ClipSet
from edge_dnq.video.preprocess import network_frame

MEAN, STD = (128.0, 100.0, 90.0), (128.0, 64.0, 50.0)


def _clips(count: int = 11, frames: int = 4, side: int = 40) -> ClipSet:
    rng = np.random.default_rng(0)
    return ClipSet(
        labels=("a", "b", "c"),
        targets=np.arange(count) % 3,
        names=tuple(str(i) for i in range(count)),
        pixels=rng.integers(0, 256, (count, frames, side, side, 3), np.uint8),
        rows=np.arange(count)[::-1],
    )


def _plan(**changes: object) -> BatchPlan:
    settings: dict[str, object] = {"size": 32, "mean": MEAN, "std": STD, "batch_clips": 4}
    return BatchPlan(**(settings | changes))  # type: ignore[arg-type]


@given(
    count=st.integers(1, 200),
    world=st.integers(1, 9),
    seed=st.integers(0, 99),
    epoch=st.integers(0, 99),
)
def test_shards_are_equal_disjoint_and_cover_everything(
    count: int, world: int, seed: int, epoch: int
) -> None:
    parts = [shard(count, seed=seed, epoch=epoch, rank=r, world=world) for r in range(world)]
    assert len({len(part) for part in parts}) == 1
    dealt = np.concatenate(parts)
    assert set(dealt.tolist()) == set(range(count))
    assert len(dealt) - count < world  # so at most world - 1 are dealt twice
    if count % world == 0:
        assert len(set(dealt.tolist())) == len(dealt)


def test_every_epoch_has_its_own_order() -> None:
    first, second = (shard(100, seed=0, epoch=e, rank=0, world=1) for e in (0, 1))
    assert (first != second).any()
    np.testing.assert_array_equal(first, shard(100, seed=0, epoch=0, rank=0, world=1))


@given(total=st.integers(1, 50), wanted=st.integers(1, 60), seed=st.integers(0, 99))
def test_picked_frames_are_distinct_ordered_and_spread(total: int, wanted: int, seed: int) -> None:
    for rng in (None, np.random.default_rng(seed)):
        picked = pick_frames(total, wanted, rng)
        assert len(picked) == min(total, wanted)
        assert picked.min() >= 0
        assert picked.max() < total
        assert (np.diff(picked) > 0).all()
        stretch = np.arange(len(picked)) * total / len(picked)
        assert (picked >= np.floor(stretch)).all()
        assert (picked < stretch + total / len(picked)).all()


def test_training_batches_have_the_agreed_form() -> None:
    clips = _clips()
    batches = list(train_batches(clips, _plan(), seed=1, epoch=0))
    assert len(batches) == batches_per_epoch(clips, _plan()) == 3
    assert sorted(len(batch.targets) for batch in batches) == [3, 4, 4]
    seen = np.concatenate([batch.indices for batch in batches])
    assert sorted(seen.tolist()) == list(range(11))
    for batch in batches:
        assert batch.frames.shape == (len(batch.targets), 4, 3, 32, 32)
        assert batch.frames.dtype == torch.float32
        assert batch.frames.is_contiguous()
        assert batch.targets.tolist() == clips.targets[batch.indices].tolist()
        low = torch.tensor([(0 - m) / s for m, s in zip(MEAN, STD, strict=True)])
        high = torch.tensor([(255 - m) / s for m, s in zip(MEAN, STD, strict=True)])
        assert (batch.frames.amin((0, 1, 3, 4)) >= low - 1e-5).all()
        assert (batch.frames.amax((0, 1, 3, 4)) <= high + 1e-5).all()


def test_views_depend_on_seed_epoch_and_clip_alone() -> None:
    clips = _clips()

    def views(epoch: int = 0, **changes: object) -> dict[int, torch.Tensor]:
        plan = _plan(**changes)
        return {
            int(index): frames
            for batch in train_batches(clips, plan, seed=1, epoch=epoch)
            for index, frames in zip(batch.indices, batch.frames, strict=True)
        }

    whole = views()
    halves = views(world=2, rank=0, threads=1) | views(world=2, rank=1, batch_clips=3)
    assert halves.keys() == whole.keys()
    assert all(torch.equal(halves[i], whole[i]) for i in whole)
    assert not torch.equal(views(epoch=1)[0], whole[0])


def test_fewer_frames_than_cached_may_be_taken() -> None:
    batch = next(train_batches(_clips(), _plan(frames=2), seed=0, epoch=0))
    assert batch.frames.shape[1] == 2


@pytest.mark.parametrize("world", [1, 3])
def test_evaluation_sees_each_clip_once_as_the_device_does(world: int) -> None:
    clips = _clips()
    seen: dict[int, torch.Tensor] = {}
    for rank in range(world):
        for batch in eval_batches(clips, _plan(world=world, rank=rank)):
            for index, frames in zip(batch.indices, batch.frames, strict=True):
                assert int(index) not in seen
                seen[int(index)] = frames
    assert sorted(seen) == list(range(11))
    expected = np.stack([network_frame(frame, 32) for frame in clips.clip(7)])
    torch.testing.assert_close(seen[7], normalise(torch.from_numpy(expected), MEAN, STD))


def test_an_abandoned_epoch_stops_its_threads() -> None:
    iterator = train_batches(_clips(), _plan(), seed=0, epoch=0)
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(iterator)
