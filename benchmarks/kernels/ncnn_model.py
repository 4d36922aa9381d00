"""Writes ncnn models, whose wheel has neither a converter nor a quantiser.

The format is ncnn's own: a text of layers with numbered parameters, and their weights in order.
Quantised convolutions hold int8 weights with one scale per output channel, and one scale of the
input; a convolution that feeds only another one hands its output over in int8.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.kernels.networks import FloatNetwork, key
from edge_dnq.nn.layers import AnyPrecisionConv2d, AnyPrecisionLinear
from edge_dnq.nn.quantisers import Grid, UnsignedGrid

FLOAT_TAG, INT8_TAG = 0, 0x000D4B38
SCALE_TERM, SCALE_TERM_REQUANTISED = 1, 101


class Blob:
    """A tensor of the graph: its name, its calibration value, and who reads it."""

    def __init__(self, name: str, value: Tensor) -> None:
        self.name = name
        self.value = value
        self.readers: list[tuple[Layer, int]] = []


class Layer:
    """A line of the model and its weights."""

    def __init__(self, kind: str, name: str, inputs: list[Blob], output: Blob) -> None:
        self.kind = kind
        self.name = name
        self.inputs = [blob.name for blob in inputs]
        self.outputs = [output.name]
        self.output = output
        self.parameters: dict[int, int] = {}
        self.module: nn.Conv2d | nn.Linear | None = None
        self.input_blob = inputs[0] if inputs else None
        for index, blob in enumerate(inputs):
            blob.readers.append((self, index))


class _Recorder:
    """Records the graph while it computes calibration values."""

    def __init__(self, modules: nn.ModuleDict) -> None:
        self.modules = modules
        self.layers: list[Layer] = []

    def layer(self, kind: str, name: str, inputs: list[Blob], value: Tensor) -> Layer:
        made = Layer(kind, name, inputs, Blob(name, value))
        self.layers.append(made)
        return made

    def conv(
        self,
        name: str,
        layer: AnyPrecisionConv2d,
        x: Blob,
        target: Grid,
        addend_of: UnsignedGrid | None = None,
    ) -> Blob:
        module = self.modules[key(name)]
        assert isinstance(module, nn.Conv2d)
        relu = isinstance(target, UnsignedGrid)
        value = module(x.value)
        made = self.layer("Convolution", name, [x], value.relu() if relu else value)
        made.module = module
        kernel, stride, padding = module.kernel_size[0], module.stride[0], layer.padding
        made.parameters = {
            0: module.out_channels, 1: kernel, 3: stride, 4: padding, 5: 1,
            6: module.weight.numel(), 9: int(relu),
        }  # fmt: skip
        return made.output

    def add(self, name: str, x: Blob, y: Blob, target: UnsignedGrid) -> Blob:
        total = self.layer("BinaryOp", f"{name}.add", [x, y], x.value + y.value)
        total.parameters = {0: 0}
        return self.layer("ReLU", name, [total.output], total.output.value.relu()).output

    def max_pool(self, name: str, x: Blob, size: int, stride: int, padding: int) -> Blob:
        value = nn.functional.max_pool2d(x.value, size, stride, padding)
        made = self.layer("Pooling", name, [x], value)
        made.parameters = {0: 0, 1: size, 2: stride, 3: padding, 5: 1}
        return made.output

    def mean(self, name: str, x: Blob, target: UnsignedGrid) -> Blob:
        made = self.layer("Pooling", name, [x], x.value.mean((2, 3), keepdim=True))
        made.parameters = {0: 1, 4: 1}
        return made.output

    def linear(self, name: str, layer: AnyPrecisionLinear, x: Blob, target: Grid) -> Blob:
        module = self.modules[key(name)]
        assert isinstance(module, nn.Linear)
        made = self.layer("InnerProduct", "out0", [x], module(x.value.flatten(1)))
        made.module = module
        made.parameters = {0: module.out_features, 1: 1, 2: module.weight.numel()}
        return made.output


@torch.no_grad()
def write_ncnn(network: FloatNetwork, size: int, int8: bool, path: Path) -> None:
    """Write ``path`` (.param) and the weights beside it (.bin)."""
    rng = torch.Generator().manual_seed(0)
    frame = Blob("in0", 2 * torch.rand(1, 3, size, size, generator=rng) - 1)
    recorder = _Recorder(network.layers)
    network.backbone[0].compute(recorder, frame)
    weights = b""
    lines = ["Input in0 0 1 in0", *_split(frame)]
    for layer in recorder.layers:
        if layer.module is not None:
            weights += _weights(layer, int8)
        lines += [_line(layer), *_split(layer.output)]
    blobs = sum(int(line.split()[3]) for line in lines)
    path.with_suffix(".bin").write_bytes(weights)
    path.with_name("size.txt").write_text(str(size))
    path.write_text("\n".join(["7767517", f"{len(lines)} {blobs}", *lines]) + "\n")


def _line(layer: Layer) -> str:
    blobs = [*layer.inputs, *layer.outputs]
    parameters = [f"{index}={value}" for index, value in layer.parameters.items()]
    counts = [str(len(layer.inputs)), str(len(layer.outputs))]
    return " ".join([layer.kind, layer.name, *counts, *blobs, *parameters])


def _split(blob: Blob) -> list[str]:
    """Return the copy that ncnn wants where several layers read one tensor."""
    if len(blob.readers) < 2:
        return []
    copies = [f"{blob.name}_{index}" for index in range(len(blob.readers))]
    for copy, (layer, position) in zip(copies, blob.readers, strict=True):
        layer.inputs[position] = copy
    return [f"Split split_{blob.name} 1 {len(copies)} {blob.name} {' '.join(copies)}"]


def _weights(layer: Layer, int8: bool) -> bytes:
    module = layer.module
    assert module is not None
    assert module.bias is not None
    weight, bias = module.weight.numpy(), module.bias.numpy().astype("<f4").tobytes()
    if not int8:
        return struct.pack("<I", FLOAT_TAG) + weight.astype("<f4").tobytes() + bias
    flat = weight.reshape(weight.shape[0], -1)
    scales = 127 / np.maximum(np.abs(flat).max(axis=1), 1e-9)
    codes = np.clip(np.rint(flat * scales[:, None]), -127, 127).astype(np.int8).tobytes()
    codes += b"\0" * (-len(codes) % 4)
    assert layer.input_blob is not None
    tail = scales.astype("<f4").tobytes() + _scale(layer.input_blob)
    readers = layer.output.readers
    requantised = len(readers) == 1 and readers[0][0].kind == "Convolution"
    if layer.kind == "Convolution" and requantised:
        tail += _scale(layer.output)
    term = SCALE_TERM_REQUANTISED if layer.kind == "Convolution" and requantised else SCALE_TERM
    layer.parameters[8] = term
    return b"".join([struct.pack("<I", INT8_TAG), codes, bias, tail])


def _scale(blob: Blob) -> bytes:
    return struct.pack("<f", 127 / max(float(blob.value.abs().max()), 1e-9))
