from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.resnet import AnyPrecisionResNet
from edge_dnq.train.loop import freeze, hold_out


@given(
    targets=st.lists(st.integers(0, 4), min_size=1, max_size=80),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
def test_held_out_clips_are_a_share_of_every_class(
    targets: list[int], fraction: float, seed: int
) -> None:
    array = np.array(targets, dtype=np.int64)
    recognition, policy = hold_out(array, fraction, seed)
    assert sorted([*recognition, *policy]) == list(range(len(targets)))
    for label in set(targets):
        count = targets.count(label)
        assert (array[policy] == label).sum() == round(fraction * count)


@given(count=st.integers(2, 60), fraction=st.floats(0.1, 0.9), seed=st.integers(0, 100))
def test_held_out_clips_are_neighbours(count: int, fraction: float, seed: int) -> None:
    """Seen as a ring, a class is cut in two places at most."""
    recognition, _ = hold_out(np.zeros(count, dtype=np.int64), fraction, seed)
    kept = np.isin(np.arange(count), recognition)
    assert (kept != np.roll(kept, 1)).sum() <= 2


def test_without_a_fraction_all_clips_serve_both() -> None:
    recognition, policy = hold_out(np.zeros(5, dtype=np.int64), 0.0, 0)
    assert recognition.tolist() == policy.tolist() == [0, 1, 2, 3, 4]


def test_seed_chooses() -> None:
    targets = np.zeros(50, dtype=np.int64)
    first, again, other = (hold_out(targets, 0.3, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_frozen_weights_do_not_learn_and_programs_norms_do() -> None:
    config = BackboneConfig(width=0.125, input_size=32, stem="small", full_precision=True)
    network = AnyPrecisionResNet(config, 3)
    held = freeze(network, ("stem", "stages.0"))
    assert held[0] is network.stem.norm(None)
    assert len(held) == 1 + 2 * 2  # two blocks of two convolutions
    for name, parameter in network.named_parameters():
        inside = name.startswith(("stem.", "stages.0."))
        own = name.endswith((".weight", ".bias")) and ".norms." not in name
        assert parameter.requires_grad == (not (inside and (own or ".full_precision." in name)))


def test_a_frozen_name_must_be_there() -> None:
    network = AnyPrecisionResNet(BackboneConfig(width=0.125, input_size=32), 3)
    with pytest.raises(EdgeDnqError, match=r"'stages\.7', which is no module of the network"):
        freeze(network, ("stem", "stages.7"))
