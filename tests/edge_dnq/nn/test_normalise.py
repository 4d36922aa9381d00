"""Normalised pixels land on exactly the codes that a device's look-up table gives."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.nn.config import BackboneConfig, ModelConfig
from edge_dnq.nn.deployed import DeployedOperations
from edge_dnq.nn.normalise import normalise
from edge_dnq.nn.quantisers import float32
from edge_dnq.video.preprocess import InputEncoder

EVERY_PIXEL = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
MEANS = st.tuples(*[st.integers(0, 2550).map(lambda tenth: tenth / 10)] * 3)
DEVIATIONS = st.tuples(*[st.integers(200, 2550).map(lambda tenth: tenth / 10)] * 3)


@given(mean=MEANS, std=DEVIATIONS)
def test_codes_equal_the_devices(
    mean: tuple[float, float, float], std: tuple[float, float, float]
) -> None:
    config = ModelConfig(labels=("a",), backbone=BackboneConfig(), mean=mean, std=std)
    device = InputEncoder(mean, std, float32(config.input_scale), 0)(EVERY_PIXEL)[0]
    real = normalise(torch.from_numpy(EVERY_PIXEL)[None], mean, std)
    coded = DeployedOperations("p").encode(real, config.input_scale).codes[0]
    difference = np.abs(coded.permute(1, 2, 0).numpy() - device)
    # float32 against float64: only a value within rounding error of half a code may differ.
    exact = (EVERY_PIXEL - np.array(mean)) / np.array(std) / float32(config.input_scale)
    tie = np.abs(exact - np.floor(exact) - 0.5) < 1e-4
    assert difference[~tie].max(initial=0) == 0
    assert difference.max() <= 1


def test_the_default_normalisation_is_pixel_minus_128() -> None:
    real = normalise(torch.from_numpy(EVERY_PIXEL)[None], (128,) * 3, (128,) * 3)
    assert torch.equal(real[0].permute(1, 2, 0) * 128 + 128, torch.from_numpy(EVERY_PIXEL).float())


def test_the_formula_in_pixel_units() -> None:
    mean, std = (128.0, 100.0, 90.0), (128.0, 64.0, 50.0)
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    expected = (pixels.astype(np.float32) - mean) / np.array(std)
    actual = normalise(torch.from_numpy(pixels), mean, std).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-6)
