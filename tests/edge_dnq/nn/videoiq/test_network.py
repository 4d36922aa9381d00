"""The imported torch network equals the published arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge_dnq.nn.videoiq.model import ImportOptions, load_videoiq
from edge_dnq.nn.videoiq.quantisers import truncate
from tests.edge_dnq.nn.videoiq.checkpoints import random_state, save
from tests.edge_dnq.nn.videoiq.oracle import Oracle

SIDE = 48
CASES = [
    pytest.param(18, (32, 4, 2), False, 5, id="18-one-parent-5"),
    pytest.param(34, (32, 4, 2), True, 11, id="34-one-parent-teacher-11"),
    pytest.param(50, (32, 4, 2), False, 200, id="50-one-parent-200"),
    pytest.param(18, (4, 2), True, 2, id="18-separate-2"),
    pytest.param(34, (4, 2), True, 200, id="34-separate-200"),
    pytest.param(50, (4, 2), True, 17, id="50-separate-17"),
    pytest.param(18, (8, 4, 2), False, 3, id="18-one-parent-of-8-bits-3"),
]


def frames(seed: int, count: int = 2, side: int = SIDE) -> torch.Tensor:
    coarse = torch.randn(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear").double()


@pytest.mark.parametrize(("depth", "bits", "full", "classes"), CASES)
def test_every_program_equals_the_oracle(
    depth: int, bits: tuple[int, ...], full: bool, classes: int, tmp_path: Path
) -> None:
    """In float64 to rounding; in float32 to the few values that fall on another level."""
    state = random_state(
        depth=depth, bits=bits, full=full, classes=classes, seed=depth, with_policy=False
    )
    model = load_videoiq(save(tmp_path / "model.pth.tar", state))
    oracle = Oracle(state, max(bits))
    separate = full and 32 not in bits
    assert list(model.programs.values()) == [32] * separate + list(bits)
    x = frames(depth)
    for width in model.programs.values():
        plain = separate and width == 32
        features = oracle.separate_features(x.numpy()) if plain else None
        if features is None:
            features = oracle.parent_features(x.numpy(), width)
        expected = oracle.classify(features)
        backbone = model.backbone(width)
        actual = backbone(x)
        assert expected.std() > 0.01, f"{width} bits: the oracle's logits hardly vary"
        np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-8, atol=1e-8)
        single = backbone(x.float()).numpy()
        limit = 1e-4 if width == 32 else 0.05
        error = np.abs(single - expected).max() / expected.std()
        assert error < limit, f"{width} bits: float32 differs by {error:.2g} deviations"


@pytest.mark.parametrize("seed", range(2))
def test_the_policy_equals_the_oracle_over_a_sequence(seed: int, tmp_path: Path) -> None:
    state = random_state(seed=seed, skips=3)
    options = ImportOptions(skip_lengths=(1, 2, 4))
    model = load_videoiq(save(tmp_path / "model.pth.tar", state), options)
    assert model.actions == ("w32a32", "w4a4", "w2a2", "skip", "skip2", "skip4")
    policy, oracle = model.policy(), Oracle(state, 32)
    assert policy is not None
    h = c = torch.zeros(1, 512)
    expected_h = expected_c = np.zeros((1, 512))
    seen = []
    with torch.no_grad():
        for step in range(2):
            frame = frames(seed * 10 + step, 1, 120)
            logits, h, c = policy(frame.float(), h, c)
            expected, expected_h, expected_c = oracle.policy(frame.numpy(), expected_h, expected_c)
            np.testing.assert_allclose(logits.numpy(), expected, atol=2e-4)
            np.testing.assert_allclose(h.numpy(), expected_h, atol=2e-4)
            np.testing.assert_allclose(c.numpy(), expected_c, atol=2e-4)
            seen.append(expected)
    assert np.std(np.stack(seen), axis=0).max() > 1e-3, "the policy does not look at the frames"


@pytest.mark.parametrize(("parent", "bits"), [(32, 4), (32, 2), (4, 4), (4, 2), (8, 4), (8, 2)])
def test_odd_integers_and_a_constant_are_the_weights(parent: int, bits: int) -> None:
    weight = torch.randn(64, 32, 3, 3, generator=torch.Generator().manual_seed(bits)) * 0.1
    truncated = truncate(weight, bits, parent, "weight")
    odd = truncated.odd
    assert set(odd.unique().tolist()) <= set(range(-(2**bits) + 1, 2**bits, 2))
    rebuilt = truncated.step * odd + truncated.constant
    torch.testing.assert_close(rebuilt, truncated.real, rtol=0, atol=1e-12)
    # What truncation takes from the mean is given back.
    whole = truncate(weight, parent, parent, "weight").real
    assert abs(float(truncated.real.mean() - whole.mean())) < 1e-12
    if parent == bits:
        assert abs(truncated.constant) < 1e-12
