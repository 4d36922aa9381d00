from __future__ import annotations

import pytest
import torch

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.architectures import make_backbone
from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.efficientnet import AnyPrecisionEfficientNet, InvertedBottleneck
from edge_dnq.nn.resnet import AnyPrecisionResNet


def network(
    width: float = 0.25, size: int = 32, full_precision: bool = False
) -> AnyPrecisionBackbone:
    config = BackboneConfig(
        architecture="efficientnet_lite0",
        width=width,
        input_size=size,
        full_precision=full_precision,
    )
    torch.manual_seed(0)
    return make_backbone(config, 5)


def test_the_architecture_names_the_class() -> None:
    assert isinstance(network(), AnyPrecisionEfficientNet)
    assert isinstance(make_backbone(BackboneConfig(width=0.125), 5), AnyPrecisionResNet)


def test_full_width_has_the_published_size() -> None:
    # Tan & Le's Lite0: 407 million MACs at 224 px (published to three digits, counted without the
    # strips of padding that sizes of 224 do not have) and 4.65 million weights.
    full = make_backbone(BackboneConfig(architecture="efficientnet_lite0", input_size=224), 1000)
    assert full.macs("w8a8") == pytest.approx(407e6, rel=0.06)
    weights = sum(
        p.numel()
        for name, p in full.named_parameters()
        if name.endswith("weight") and "norms" not in name
    )
    assert weights == pytest.approx(4.65e6, rel=0.03)


def test_thin_and_linear_tensors_stay_at_eight_bits() -> None:
    model = network()
    assert isinstance(model, AnyPrecisionEfficientNet)
    for block in model.blocks:
        assert isinstance(block, InvertedBottleneck)
        assert set(block.filter.weight_bits.values()) == {8}
        assert set(block.project_grid.bits.values()) == {8}
        assert block.project.weight_bits == {"w8a8": 8, "w4a4": 4, "w2a2": 2}
        assert block.filter_grid.bits == {"w8a8": 8, "w4a4": 4, "w2a2": 2}


def test_a_student_takes_the_teachers_weights() -> None:
    teacher = network(full_precision=True)
    student = type(teacher).from_full_precision(teacher, network().config)
    assert torch.equal(
        student.state_dict()["blocks.3.filter.weight"],
        teacher.state_dict()["blocks.3.filter.weight"],
    )


def test_layers_may_keep_more_bits() -> None:
    lowest = {"blocks.1.expand": 4, "blocks.1.filter_grid": 8}
    config = BackboneConfig(
        architecture="efficientnet_lite0", width=0.25, input_size=32, lowest_bits=lowest
    )
    modules = dict(AnyPrecisionEfficientNet(config, 3).named_modules())
    assert modules["blocks.1.expand"].weight_bits == {"w8a8": 8, "w4a4": 4, "w2a2": 4}
    assert modules["blocks.1.filter_grid"].bits == {"w8a8": 8, "w4a4": 8, "w2a2": 8}
    assert modules["blocks.2.expand"].weight_bits == {"w8a8": 8, "w4a4": 4, "w2a2": 2}


def test_bits_of_what_is_no_layer_are_refused() -> None:
    config = BackboneConfig(
        architecture="efficientnet_lite0", width=0.25, input_size=32, lowest_bits={"blocks.1": 4}
    )
    with pytest.raises(CheckpointError, match="neither a layer nor a grid"):
        AnyPrecisionEfficientNet(config, 3)
