from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.architectures import make_backbone
from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.config import BackboneConfig
from edge_dnq.nn.efficientnet import STAGES
from edge_dnq.nn.pretrained import load_pretrained


def network(architecture: str = "efficientnet_lite0", **options: object) -> AnyPrecisionBackbone:
    config = BackboneConfig(
        architecture=architecture,  # type: ignore[arg-type]
        input_size=32,
        full_precision=True,
        **options,  # type: ignore[arg-type]
    )
    return make_backbone(config, 3).eval()


def norm(state: dict[str, Tensor], name: str, channels: int) -> None:
    state[f"{name}.weight"] = torch.randn(channels) * 0.5 + 1.0  # some are negative
    state[f"{name}.bias"] = torch.randn(channels) * 0.2
    state[f"{name}.running_mean"] = torch.randn(channels) * 0.1
    state[f"{name}.running_var"] = torch.rand(channels) + 0.5


def conv(state: dict[str, Tensor], name: str, *shape: int) -> None:
    fan_in = shape[1] * shape[2] * shape[3]
    state[f"{name}.weight"] = torch.randn(shape) * fan_in**-0.5


def foreign_weights() -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    conv(state, "_conv_stem", 32, 3, 3, 3)
    norm(state, "_bn0", 32)
    channels, index = 32, 0
    for shape in STAGES:
        for _ in range(shape.blocks):
            wide = channels * shape.expansion
            prefix = f"_blocks.{index}."
            if shape.expansion > 1:
                conv(state, f"{prefix}_expand_conv", wide, channels, 1, 1)
                norm(state, f"{prefix}_bn0", wide)
            conv(state, f"{prefix}_depthwise_conv", wide, 1, shape.kernel, shape.kernel)
            norm(state, f"{prefix}_bn1", wide)
            conv(state, f"{prefix}_project_conv", shape.channels, wide, 1, 1)
            norm(state, f"{prefix}_bn2", shape.channels)
            channels, index = shape.channels, index + 1
    conv(state, "_conv_head", 1280, 320, 1, 1)
    norm(state, "_bn1", 1280)
    return state


def features_of_foreign(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The layout's own arithmetic, with symmetric padding and without a ceiling."""

    def layer(x: Tensor, conv: str, norm: str, stride: int = 1, depthwise: bool = False) -> Tensor:
        weight = state[f"{conv}.weight"]
        groups = weight.shape[0] if depthwise else 1
        y = F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, groups=groups)
        parts = [state[f"{norm}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(y, *parts, eps=1e-3)

    x = layer(x, "_conv_stem", "_bn0", 2).relu()
    index = 0
    for shape in STAGES:
        for number in range(shape.blocks):
            prefix, stride = f"_blocks.{index}.", shape.stride if number == 0 else 1
            y = x
            if shape.expansion > 1:
                y = layer(y, f"{prefix}_expand_conv", f"{prefix}_bn0").relu()
            y = layer(y, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride, True).relu()
            y = layer(y, f"{prefix}_project_conv", f"{prefix}_bn2")
            x = x + y if x.shape == y.shape else y
            index += 1
    return layer(x, "_conv_head", "_bn1").relu().mean((2, 3))


def test_loaded_weights_compute_the_same_features(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = foreign_weights()
    torch.save(state, tmp_path / "w.pth")
    model = network()
    load_pretrained(model, tmp_path / "w.pth")
    x = torch.randn(2, 3, 32, 32)
    expected = F.linear(
        features_of_foreign(state, x), model.classifier.weight, model.classifier.bias
    )
    # A gain below the floor of positive gains is raised to it: a few of thousands of channels.
    torch.testing.assert_close(
        model(x, None), expected, rtol=0.05, atol=0.05 * float(expected.detach().std())
    )


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"architecture": "resnet18"}, None, "only efficientnet_lite0"),
        ({"width": 0.5}, None, "full width"),
        ({}, "_conv_head.weight", "has no _conv_head.weight"),
    ],
)
def test_other_weights_are_refused_in_one_line(
    options: dict[str, object], change: str | None, message: str, tmp_path: Path
) -> None:
    state = foreign_weights()
    if change is not None:
        del state[change]
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=message) as caught:
        load_pretrained(network(**options), tmp_path / "w.pth")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="not a file of weights"):
        load_pretrained(network(), tmp_path / "w.pth")
