"""Integer graphs of imported networks, held against the float arithmetic operation by operation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edge_dnq.nn.videoiq.model import ImportedModel, load_videoiq
from edge_dnq.nn.videoiq.network import Backbone, ConvLayer, FloatOperations, Rectifier
from edge_dnq_export import reference
from edge_dnq_export.graph import Conv, Int8
from edge_dnq_export.videoiq.lowering import Lowered, lower
from edge_dnq_export.videoiq.measure import Measurement, measure
from edge_dnq_export.videoiq.programs import INPUT_SCALE
from tests.edge_dnq.nn.videoiq.checkpoints import random_state, save

SIDE = 48
CASES = [
    pytest.param(18, (32, 4, 2), False, 5, id="18-one-parent"),
    pytest.param(34, (4, 2), True, 3, id="34-separate"),
    pytest.param(50, (32, 4, 2), False, 9, id="50-one-parent"),
    pytest.param(50, (4, 2), True, 4, id="50-separate"),
    pytest.param(18, (8, 4, 2), False, 2, id="18-of-8-bits"),
]


def imported(folder: Path, **made: object) -> ImportedModel:
    state = random_state(with_policy=False, **made)  # type: ignore[arg-type]
    return load_videoiq(save(folder / "model.pth.tar", state))


def frames(seed: int, count: int = 2) -> torch.Tensor:
    coarse = torch.randn(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear")


def codes_of(x: torch.Tensor) -> Int8:
    codes = np.rint(x.permute(0, 2, 3, 1).numpy() / np.float32(INPUT_SCALE))
    return np.clip(codes, -128, 127).astype(np.int8)


def lowered_and_run(
    backbone: Backbone, x: torch.Tensor, sum_limit: float = 0.3
) -> tuple[Lowered, dict[str, Int8]]:
    seen = measure(backbone, [x])
    lowered = lower(backbone, "program", SIDE, INPUT_SCALE, seen, sum_limit)
    return lowered, reference.run(lowered.graph, codes_of(x))


class ForcedOperations(FloatOperations):
    """The float arithmetic, each operation given what the integer reference gave it.

    So every error is seen at the operation that makes it. From a layer whose constant is left out,
    the same constant times the sum of its inputs is left out here, but for the mean in the bias.

    Attributes:
        largest: Largest distance of each tensor to its float value, in codes; 0.5 is rounding.
        typical: Root mean square of that; 0.29 is rounding.
        spread: Deviation of each convolution's output around its channels' means, in codes.
    """

    def __init__(self, lowered: Lowered, values: dict[str, Int8], seen: Measurement) -> None:
        self.reports = {layer.name: layer for layer in lowered.layers}
        self.sums = seen.sums
        self.tensors = lowered.graph.tensors
        self.values = values
        self.largest: dict[str, float] = {}
        self.typical: dict[str, float] = {}
        self.spread: dict[str, float] = {}

    def real(self, name: str) -> torch.Tensor:
        tensor = self.tensors[name]
        codes = torch.from_numpy(self.values[name].astype(np.float64)) - tensor.zero_point
        real = codes * tensor.scale
        return real.permute(0, 3, 1, 2) if real.dim() == 4 else real

    def compare(self, name: str, expected: torch.Tensor) -> torch.Tensor:
        tensor, actual = self.tensors[name], self.real(name)
        low, high = tensor.low - tensor.zero_point, tensor.high - tensor.zero_point
        places = (expected / tensor.scale).clamp(low, high)
        away = (places - actual / tensor.scale).abs()
        self.largest[name] = float(away.max())
        self.typical[name] = float(away.square().mean().sqrt())
        return actual

    def conv(
        self, name: str, layer: ConvLayer, x: torch.Tensor, target: Rectifier | None
    ) -> torch.Tensor:
        y = super().conv(name, layer, x, None)
        spread = y.var((0, 2, 3), unbiased=False).mean().sqrt()
        self.spread[name] = float(spread) / self.tensors[name].scale
        if name in self.reports and not self.reports[name].corrected:
            ones = x.new_ones(1, 1, *layer.weight.shape[2:])
            sums = F.conv2d(x.sum(1, keepdim=True), ones, None, layer.stride, layer.padding)
            left_out = self.reports[name].constant * (sums - self.sums[name].mean)
            y = y - layer.gain.view(1, -1, 1, 1) * left_out
        # Unrounded, so that the distance to the level that was taken is seen whole.
        return self.compare(name, y if target is None else Rectifier(target.alpha)(y))

    def add(
        self, name: str, identity: torch.Tensor, branch: torch.Tensor, target: Rectifier
    ) -> torch.Tensor:
        return self.compare(name, super().add(name, identity, branch, Rectifier(target.alpha)))

    def max_pool(
        self, name: str, x: torch.Tensor, size: int, stride: int, padding: int
    ) -> torch.Tensor:
        return self.compare(name, super().max_pool(name, x, size, stride, padding))

    def mean(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return self.compare(name, super().mean(name, x))

    def linear(
        self, name: str, weight: torch.Tensor, bias: torch.Tensor, x: torch.Tensor
    ) -> torch.Tensor:
        return self.compare(name, super().linear(name, weight, bias, x))


def accumulator_unit(lowered: Lowered, name: str) -> float:
    """Size of one accumulator unit in output codes; the bias is a whole number of them."""
    (node,) = [node for node in lowered.graph.nodes if node.output == name]
    assert isinstance(node, Conv)
    source, output = lowered.graph.tensors[node.input], lowered.graph.tensors[name]
    factors = reference.multiplier(source, node.weight_scale, output)
    return float(np.sqrt(np.square(factors).mean()))


@pytest.mark.parametrize(("depth", "bits", "full", "classes"), CASES)
def test_every_operation_is_as_near_to_the_float_one_as_reported(
    depth: int, bits: tuple[int, ...], full: bool, classes: int, tmp_path: Path
) -> None:
    """Everything rounds, but for what the reports of low-bit layers say."""
    model = imported(tmp_path, depth=depth, bits=bits, full=full, classes=classes, seed=depth)
    x = frames(depth)
    for width in model.programs.values():
        backbone = model.backbone(width)
        lowered, values = lowered_and_run(backbone, x)
        ops = ForcedOperations(lowered, values, measure(backbone, [x]))
        backbone.compute(ops, ops.real("frame"))
        assert set(ops.largest) == set(lowered.graph.tensors) - {"frame"}
        for name, largest in ops.largest.items():
            where = (
                f"{width} bits, {name}: at most {largest:.2f}, typically {ops.typical[name]:.2f}"
            )
            if name.endswith(("sum", "pool", "feature")):
                assert largest < 0.502, where
            elif name in ops.reports:
                report = ops.reports[name]
                left = report.left * ops.spread[name] if report.corrected else 0.0
                bias = accumulator_unit(lowered, name) / 2
                limit = 0.36 + bias + 2 * left
                assert ops.typical[name] < limit, f"{where}, {left:.2f} left, bias {bias:.2f}"
            else:
                # 8-bit weights of the stem, the classifier and an 8-bit top.
                assert ops.typical[name] < 2.0, where
            if width < 8 and lowered.graph.tensors[name].levels < 256:
                assert largest < 1.5, where


@pytest.mark.parametrize(("depth", "bits", "full", "classes"), CASES[:2])
def test_the_whole_program_is_near_the_float_network(
    depth: int, bits: tuple[int, ...], full: bool, classes: int, tmp_path: Path
) -> None:
    model = imported(tmp_path, depth=depth, bits=bits, full=full, classes=classes, seed=depth)
    x = frames(depth + 1)
    bounds = {32: 0.1, 8: 0.1, 4: 0.25, 2: 0.8}
    for width in model.programs.values():
        backbone = model.backbone(width)
        lowered, values = lowered_and_run(backbone, x)
        tensor = lowered.graph.tensors["logits"]
        logits = (values["logits"].astype(np.float64) - tensor.zero_point) * tensor.scale
        source = backbone(x).numpy()
        error = float(np.sqrt(np.square(logits - source).mean()) / source.std())
        assert error < bounds[width], f"{width} bits: {error:.3f} deviations"


@pytest.mark.parametrize("bits", [4, 2])
def test_hidden_tensors_have_few_levels_and_weights_few_odd_values(
    bits: int, tmp_path: Path
) -> None:
    backbone = imported(tmp_path, seed=bits).backbone(bits)
    lowered, values = lowered_and_run(backbone, frames(bits), sum_limit=np.inf)
    top = 2**bits - 1
    assert all(layer.narrow and not layer.corrected for layer in lowered.layers)
    for node in lowered.graph.nodes:
        tensor = lowered.graph.tensors[node.output]
        if isinstance(node, Conv) and node.output != "stem":
            assert set(np.unique(np.abs(node.weight))) <= set(range(1, top + 1, 2)), node.output
        if getattr(node, "relu", False):
            assert tensor.levels == 2**bits, node.output
            # The clip value of this very block, not one that several share.
            assert values[node.output].min() >= 127 - top
    scales = {lowered.graph.tensors[f"layer{i}.0.sum"].scale for i in range(1, 5)}
    assert len(scales) == 4


@pytest.mark.parametrize(("bits", "limit"), [(4, 0.0), (2, 0.3)])
def test_a_constant_goes_into_the_weights_where_it_matters(
    bits: int, limit: float, tmp_path: Path
) -> None:
    """Of the reports: constants are the layers', shares grow with them, the limit decides."""
    backbone = imported(tmp_path, seed=18).backbone(bits)
    x = frames(18)
    lowered, _ = lowered_and_run(backbone, x, limit)
    layers = {layer.name: layer for layer in lowered.layers}
    truncated = {
        f"{block.name}.conv{index}": conv.truncated
        for block in backbone.blocks
        for index, conv in enumerate(block.convs, 1)
    }
    for name, conv in truncated.items():
        assert conv is not None
        assert layers[name].constant == pytest.approx(conv.constant)
        assert layers[name].narrow != layers[name].corrected
    for layer in lowered.layers:
        if layer.corrected:
            assert layer.share > limit / (2**bits - 1), layer
            assert layer.left < layer.share / 2, layer
        else:
            assert layer.left == layer.share, layer
    assert any(layer.corrected for layer in lowered.layers)
    nothing, _ = lowered_and_run(backbone, x, sum_limit=np.inf)
    assert not any(layer.corrected for layer in nothing.layers)


def test_a_truncated_parent_of_its_own_width_leaves_no_constant(tmp_path: Path) -> None:
    backbone = imported(tmp_path, bits=(4, 2), full=True).backbone(4)
    lowered, _ = lowered_and_run(backbone, frames(0))
    assert all(abs(layer.constant) < 1e-12 and layer.narrow for layer in lowered.layers)


@pytest.mark.parametrize("bits", [32, 4])
@pytest.mark.parametrize("gain", [0.0, 1e-9, -1e-7])
def test_channels_that_training_switched_off(bits: int, gain: float, tmp_path: Path) -> None:
    """A gain next to nothing beside a real offset: the channel gives its offset."""
    state = random_state(with_policy=False, seed=5)
    key = f"backbone.layer1.0.bn1_{bits}"
    state[f"{key}.weight"][2] = gain
    state[f"{key}.bias"][2] = 0.9
    model = load_videoiq(save(tmp_path / "model.pth.tar", state))
    x = frames(5)
    backbone = model.backbone(bits)
    lowered, values = lowered_and_run(backbone, x)
    tensor = lowered.graph.tensors["layer1.0.conv1"]
    real = (values["layer1.0.conv1"][..., 2].astype(float) - tensor.zero_point) * tensor.scale
    assert np.abs(real - 0.9).max() <= 0.51 * tensor.scale
    if bits == 4:
        (report,) = [layer for layer in lowered.layers if layer.name == "layer1.0.conv1"]
        assert not report.narrow
