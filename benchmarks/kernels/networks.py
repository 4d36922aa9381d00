"""The networks that are timed: their programs, and the same topology in float for the rivals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_dnq.executorch_library import library_status
from edge_dnq.nn.checkpoint import load_checkpoint
from edge_dnq.nn.layers import AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.quantisers import Grid, UnsignedGrid
from edge_dnq.nn.resnet import AnyPrecisionResNet
from edge_dnq_export.random_model import random_model

PROGRAMS = ("w8a8", "w4a4", "w2a2")
REFERENCE = "w8a8"
DEMO_CHECKPOINT = Path("edge_dnq", "assets", "demo.safetensors")


@dataclass(frozen=True)
class Network:
    """One network at one input size."""

    name: str
    title: str
    architecture: Literal["resnet18", "resnet50"] | None = None
    size: int = 96
    classes: int = 200

    def bundle(self, folder: Path) -> Path:
        """Export the programs once, for ExecuTorch too where it can be; return their folder."""
        runtime = "both" if library_status().available else "litert"
        target = folder / self.name / f"bundle-{runtime}"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source = (
                ["--random", self.architecture, "--input", self.size, "--classes", self.classes]
                if self.architecture
                else [DEMO_CHECKPOINT]
            )
            command = [sys.executable, "-m", "edge_dnq.cli.main", "export", *source]
            words = [*command, "--runtime", runtime, "-o", target]
            subprocess.run([*map(str, words)], check=True)
        return target

    def backbone(self) -> AnyPrecisionResNet:
        """Return the network whose programs are in the bundle."""
        if self.architecture is None:
            return load_checkpoint(DEMO_CHECKPOINT).backbone.eval()
        model = random_model(self.architecture, input_size=self.size, classes=self.classes)
        return model.backbone.eval()


NETWORKS = (
    Network("resnet18-224", "ResNet-18, 224 px", "resnet18", 224),
    Network("resnet18-112", "ResNet-18, 112 px", "resnet18", 112),
    Network("resnet50-224", "ResNet-50, 224 px", "resnet50", 224),
    Network("demo", "built-in model, 112 px"),
)


@dataclass(frozen=True)
class ConvShape:
    """What a convolution computes."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    size: int
    relu: bool

    @property
    def output_size(self) -> int:
        """Side of the output in pixels."""
        return (self.size + 2 * (self.kernel // 2) - self.kernel) // self.stride + 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.output_size**2 * self.outputs * self.inputs * self.kernel**2


class FloatNetwork(nn.Module):
    """The unquantised network: convolutions with the batch norms of one program folded in.

    Args:
        backbone: Whose topology and weights.
        visit: Told about every operation, in order; the writers of other formats use it.
    """

    def __init__(self, backbone: AnyPrecisionResNet) -> None:
        super().__init__()
        self.backbone = [backbone]  # in a list: its parameters are not this module's
        self.layers = nn.ModuleDict()
        self.shapes: list[ConvShape] = []
        size = backbone.resolution(REFERENCE)
        with torch.no_grad():
            backbone.compute(_Collect(self), torch.zeros(1, 3, size, size))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K] of frames [N, 3, S, S]."""
        return self.backbone[0].compute(_Run(self.layers), x)


class _Run:
    """Float operations on the folded layers."""

    def __init__(self, layers: nn.ModuleDict) -> None:
        self.layers = layers

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: Tensor,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> Tensor:
        y = cast(Tensor, self.layers[key(name)](x))
        return F.relu(y) if isinstance(target, UnsignedGrid) else y

    def add(self, name: str, x: Tensor, y: Tensor, target: UnsignedGrid) -> Tensor:
        return F.relu(x + y)

    def max_pool(self, name: str, x: Tensor, size: int, stride: int, padding: int) -> Tensor:
        return F.max_pool2d(x, size, stride, padding)

    def mean(self, name: str, x: Tensor, target: UnsignedGrid) -> Tensor:
        return x.mean((2, 3), keepdim=True)

    def linear(self, name: str, layer: AnyPrecisionLinear, x: Tensor, target: Grid) -> Tensor:
        return cast(Tensor, self.layers[key(name)](torch.flatten(x, 1)))


class _Collect(_Run):
    """Makes the folded layers while it runs."""

    def __init__(self, network: FloatNetwork) -> None:
        super().__init__(network.layers)
        self.shapes = network.shapes

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: Tensor,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> Tensor:
        outputs, inputs, kernel, _ = layer.weight.shape
        multiplier, offset = layer.norm(REFERENCE).as_affine()
        conv = nn.Conv2d(inputs, outputs, kernel, layer.stride, layer.padding)
        conv.weight.data = (layer.weight.double() * multiplier[:, None, None, None]).float()
        conv.bias = nn.Parameter(offset.float())
        self.layers[key(name)] = conv
        relu = isinstance(target, UnsignedGrid)
        size = x.shape[-1]
        self.shapes.append(ConvShape(name, inputs, outputs, kernel, layer.stride, size, relu))
        return super().conv(name, layer, x, target, addend_of)

    def linear(self, name: str, layer: AnyPrecisionLinear, x: Tensor, target: Grid) -> Tensor:
        outputs, inputs = layer.weight.shape
        linear = nn.Linear(inputs, outputs)
        linear.weight.data, linear.bias.data = layer.weight.data, layer.bias.data
        self.layers[key(name)] = linear
        return super().linear(name, layer, x, target)


def key(name: str) -> str:
    """Return a layer's name as a module may have it."""
    return name.replace(".", "_")


def once(path: Path, write: Callable[[Path], None]) -> Path:
    """Return ``path``, written first if it is missing, never half."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"draft-{path.name}")
        write(draft)
        draft.rename(path)
    return path
