"""The integer reference against the stock runtime, one operation at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq_export import reference
from edge_dnq_export.graph import Tensor
from tests.export.tflite_editing import EditableProgram, Operation

BITS = st.sampled_from((8, 4, 2))


@pytest.fixture(scope="module")
def add_program(tmp_path_factory: pytest.TempPathFactory) -> EditableProgram:
    example = torch.zeros(1, 4, 4, 2)
    module = Operation(lambda x, y: torch.nn.functional.relu6(x + y), 2)
    return EditableProgram(module, (example, example.clone()), tmp_path_factory.mktemp("add"))


@pytest.fixture(scope="module")
def mean_program(tmp_path_factory: pytest.TempPathFactory) -> EditableProgram:
    module = Operation(lambda x: x.mean((1, 2)), 1)
    return EditableProgram(module, (torch.zeros(1, 4, 4, 2),), tmp_path_factory.mktemp("mean"))


def hidden(bits: int, shape: tuple[int, ...]) -> Tensor:
    high = 2**bits - 1
    return Tensor("hidden", shape, float(np.float32(6 / high)), -128, -128, -128 + high)


def signed(scale: float, shape: tuple[int, ...]) -> Tensor:
    return Tensor("signed", shape, float(np.float32(scale)), 0, -128, 127)


@settings(max_examples=60)
@given(
    bits=BITS,
    identity=st.booleans(),
    first=st.floats(0.01, 8),
    second=st.one_of(st.floats(0.01, 8), st.sampled_from((0.5, 1.0, 2.0, 4.0))),
)
def test_add_equals_the_stock_runtime_on_all_pairs_of_codes(
    add_program: EditableProgram, bits: int, identity: bool, first: float, second: float
) -> None:
    """Every pair of int8 values, for identity and for projection shortcuts.

    ``second`` includes ratios at which sums fall exactly between two levels.
    """
    shape = (256, 256, 1)
    output = hidden(bits, shape)
    x = output if identity else signed(first * 6 / 127, shape)
    y = signed(
        second * output.scale / 4 if second in (0.5, 1.0, 2.0, 4.0) else second * 6 / 127, shape
    )
    left, right = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    codes = [side.reshape(1, *shape).astype(np.int8) for side in (left, right)]
    actual = add_program.run((x, y, output), codes)
    expected = reference.add(codes[0], codes[1], x, y, output)
    np.testing.assert_array_equal(actual, expected)


@settings(max_examples=80)
@given(
    bits=BITS,
    side=st.integers(1, 14),
    total=st.integers(1, 4000),
    level=st.integers(0, 250),
    nudge=st.floats(-4e-7, 4e-7),
)
def test_mean_equals_the_stock_runtime_next_to_ties(
    mean_program: EditableProgram, bits: int, side: int, total: int, level: int, nudge: float
) -> None:
    """The output scale is chosen so that the mean falls within a few ulps of half a level."""
    count = side * side
    source = hidden(bits, (side, side, 8))
    total = min(total, (2**bits - 1) * count)
    scale = total * source.scale / count / (level + 0.5) * (1 + nudge)
    output = Tensor("mean", (8,), float(np.float32(scale)), -128, -128, 127)
    flat = np.full((1, count, 8), total // count)
    flat[:, : total % count] += 1
    codes = (flat.reshape(1, side, side, 8) - 128).astype(np.int8)
    actual = mean_program.run((source, output), (codes,))
    np.testing.assert_array_equal(actual, reference.mean(codes, source, output))
    exact = np.clip(total * source.scale / count / output.scale, 0, 255) - 128
    assert np.abs(actual - exact).max() <= 0.5 + 1e-3


def test_requantisation_rounds_half_to_even_and_clips() -> None:
    output = Tensor("out", (1,), 1.0, -128, -128, -128 + 15)
    accumulator = np.array([-3, 1, 3, 5, 29, 31, 1000])
    codes = reference.requantise(accumulator, np.float32([0.5]), output)
    assert (codes.astype(int) + 128).tolist() == [0, 0, 2, 2, 14, 15, 15]
