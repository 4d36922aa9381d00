"""The numbers contract: nested weight codes and activation grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_dnq.nn.quantisers import (
    SignedGrid,
    UnsignedGrid,
    fake_quantised_weight,
    master_codes,
    master_scale,
    nested_codes,
    nested_step,
)

ALL_MASTERS = torch.arange(-128, 128, dtype=torch.float32)
BITS = (8, 4, 2)


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (8, list(range(-127, 128))),
        (4, list(range(-15, 16, 2))),
        (2, [-3, -1, 1, 3]),
    ],
)
def test_nested_codes_take_exactly_the_contracts_values(bits: int, expected: list[int]) -> None:
    assert sorted(set(nested_codes(ALL_MASTERS, bits).int().tolist())) == expected


def test_lower_precision_is_a_function_of_the_higher_ones_leading_bits() -> None:
    for master in range(-128, 128):
        value = torch.tensor([float(master)])
        assert int(nested_codes(value, 4)) == 2 * (master >> 4) + 1
        assert int(nested_codes(value, 2)) == 2 * (master >> 6) + 1
        assert int(nested_codes(value, 8)) == max(master, -127)


@pytest.mark.parametrize("bits", BITS)
def test_a_nested_code_stands_for_its_bins_centre(bits: int) -> None:
    real = nested_codes(ALL_MASTERS, bits) * nested_step(bits)
    bin_width = 2 ** (8 - bits)
    # 8-bit bins have width 1 and their own value as centre; -128 alone is clipped to -127.
    limit = bin_width / 2 if bits < 8 else 1
    assert float((real - ALL_MASTERS).abs().max()) <= limit


@pytest.mark.parametrize("bits", [4, 2])
def test_negation_keeps_the_nesting(bits: int) -> None:
    """Odd codes are symmetric: negating them equals negating the master's bits."""
    assert torch.equal(-nested_codes(ALL_MASTERS, bits), nested_codes(-1 - ALL_MASTERS, bits))


@given(
    weight=arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 40)),
        elements=st.floats(-10, 10, width=32),
    ),
    bits=st.sampled_from(BITS),
)
def test_fake_quantised_weights_are_codes_times_a_channel_scale(
    weight: np.ndarray, bits: int
) -> None:
    values = torch.from_numpy(weight)
    quantised = fake_quantised_weight(values, bits)
    codes = nested_codes(master_codes(values), bits)
    expected = codes * (master_scale(values) * nested_step(bits)).unsqueeze(1)
    # The straight-through form computes w + (q - w): two float32 roundings of values below 10.
    torch.testing.assert_close(quantised, expected, atol=4e-6, rtol=1e-5)


@pytest.mark.parametrize("bits", BITS)
def test_the_weight_gradient_passes_straight_through(bits: int) -> None:
    weight = torch.randn(3, 5, requires_grad=True)
    factor = torch.randn(3, 5)
    (fake_quantised_weight(weight, bits) * factor).sum().backward()
    assert torch.equal(weight.grad, factor)


@given(
    bits=st.sampled_from(BITS),
    alpha=st.floats(0.0625, 50, width=32),
    x=arrays(np.float32, 64, elements=st.floats(-100, 100, width=32)),
)
def test_unsigned_grid_has_its_levels_and_an_exact_zero(
    bits: int, alpha: float, x: np.ndarray
) -> None:
    grid = UnsignedGrid({"p": bits})
    grid.clips["p"].data.fill_(alpha)
    y = grid(torch.from_numpy(x), "p").detach().numpy()
    high = 2**bits - 1
    step = np.float32(alpha) / np.float32(high)
    expected = np.clip(np.rint(x / step), 0, high)
    np.testing.assert_allclose(y, expected * step, rtol=1e-6)
    assert not y[x <= 0].any()
    assert len(np.unique(np.rint(y / step))) <= 2**bits


def test_every_level_is_reachable() -> None:
    for bits in BITS:
        grid = UnsignedGrid({"p": bits})
        x = torch.linspace(-1, 4, 20001)
        assert len(torch.unique(grid(x, "p"))) == 2**bits
    signed = SignedGrid({"p": 8})
    assert len(torch.unique(signed(torch.linspace(-4, 4, 20001), "p"))) == 256


@pytest.mark.parametrize("bits", [4, 2])
def test_relu6_units_give_a_stock_program_exactly_the_levels(bits: int) -> None:
    grid = UnsignedGrid({"p": bits})
    grid.clips["p"].data.fill_(1.7)
    exported = grid.exported("p", grid.units("p"))
    assert exported.scale == np.float32(6 / (2**bits - 1))
    assert round(6 / exported.scale) == 2**bits - 1
    assert (exported.low, exported.high) == (-128, -128 + 2**bits - 1)


def test_the_clip_gradient_follows_lsq() -> None:
    grid = UnsignedGrid({"p": 2})
    grid.clips["p"].data.fill_(3.0)
    x = torch.tensor([[-1.0, 0.4, 1.7, 5.0]], requires_grad=True)
    grid(x, "p").sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 1.0, 0.0]]
    # Step 1, codes 0, 0, 2, 3: d/dstep is 0, 0 - 0.4, 2 - 1.7, 3; the step is clip / 3.
    raw = (0.0 - 0.4 + 0.3 + 3.0) / 3
    assert float(grid.clips["p"].grad) == pytest.approx(raw / np.sqrt(4 * 3), rel=1e-5)


def test_calibration_finds_a_clip_of_small_error() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20000, generator=generator).relu()
    for bits in BITS:
        grid = UnsignedGrid({"p": bits})
        grid.calibrate(x, "p")
        best = float((grid(x, "p").detach() - x).square().mean())
        for clip in (0.5, 1.0, 2.0, 3.0, 4.0):
            grid.clips["p"].data.fill_(clip)
            # The search grid is 2 % of the range apart: allow that much of a better neighbour.
            assert best <= float((grid(x, "p").detach() - x).square().mean()) * 1.05
