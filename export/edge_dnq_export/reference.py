"""The integer reference: what every runtime and every kernel must answer, bit for bit.

Readable numpy, no speed tricks. Convolutions accumulate integers exactly; requantisation is float32
and rounds half to even; ADD and MEAN round as the stock LiteRT runtime (XNNPACK) does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edge_dnq_export.graph import Add, Conv, Int8, IntegerGraph, Linear, MaxPool, Tensor

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

ADD_MULTIPLIER_BITS = 20


AddRule: TypeAlias = Callable[[Int8, Int8, Tensor, Tensor, Tensor], Int8]
"""From two arrays and the three tensors to the sum."""


def run(graph: IntegerGraph, frames: Int8, add_rule: AddRule | None = None) -> dict[str, Int8]:
    """Execute ``graph`` and return every tensor by name.

    Args:
        graph: The program.
        frames: int8 input codes [N, H, W, 3].
        add_rule: How additions round; None means :func:`add`.

    Returns:
        int8 arrays [N, ...], the input included.
    """
    values: dict[str, Int8] = {graph.input: frames}
    for node in graph.nodes:
        output = graph.tensors[node.output]
        if isinstance(node, Add):
            x, y = (graph.tensors[name] for name in node.inputs)
            rule = add_rule or add
            values[output.name] = rule(values[x.name], values[y.name], x, y, output)
            continue
        source, codes = graph.tensors[node.input], values[node.input]
        if isinstance(node, Conv) and node.groups > 1:
            values[output.name] = _depthwise(codes, node, source, output)
        elif isinstance(node, Conv):
            values[output.name] = _affine(_patches(codes, source, node), node, source, output)
        elif isinstance(node, Linear):
            values[output.name] = _affine(_centred(codes, source), node, source, output)
        elif isinstance(node, MaxPool):
            values[output.name] = _windows(codes, node, fill=-128).max((3, 4))
        else:
            values[output.name] = mean(codes, source, output)
    return values


def _centred(codes: Int8, tensor: Tensor) -> Int64:
    return codes.astype(np.int64) - tensor.zero_point


def _windows(values: np.ndarray, node: Conv | MaxPool, fill: int) -> np.ndarray:
    """Return the windows [N, H', W', K, K, C] of [N, H, W, C], padded with ``fill``."""
    size = node.weight.shape[1] if isinstance(node, Conv) else node.size
    border = (node.padding, node.padding)
    padded = np.pad(values, ((0, 0), border, border, (0, 0)), constant_values=fill)
    windows: np.ndarray = np.lib.stride_tricks.sliding_window_view(
        padded, (size, size), axis=(1, 2)
    )
    ordered: np.ndarray = windows.transpose(0, 1, 2, 4, 5, 3)
    return ordered[:, :: node.stride, :: node.stride]


def _patches(codes: Int8, source: Tensor, node: Conv) -> Int64:
    """Return the im2col matrix [N, H', W', K*K*I] with the zero point taken off."""
    windows = _windows(_centred(codes, source), node, fill=0)
    return windows.reshape(*windows.shape[:3], -1)


def _affine(inputs: Int64, node: Conv | Linear, source: Tensor, output: Tensor) -> Int8:
    """Multiply, accumulate and requantise.

    The matrix product runs in float64 because BLAS has no integers; all sums stay below 2^53, so
    it is exact.
    """
    weight = node.weight.reshape(len(node.weight), -1).astype(np.float64)
    accumulator = np.rint(inputs.astype(np.float64) @ weight.T).astype(np.int64) + node.bias
    return requantise(accumulator, multiplier(source, node.weight_scale, output), output)


def _depthwise(codes: Int8, node: Conv, source: Tensor, output: Tensor) -> Int8:
    """Filter every channel by itself, accumulate and requantise."""
    windows = _windows(_centred(codes, source), node, fill=0)
    filters = node.weight[..., 0].transpose(1, 2, 0).astype(np.int64)
    accumulator = (windows * filters).sum((3, 4)) + node.bias
    return requantise(accumulator, multiplier(source, node.weight_scale, output), output)


def multiplier(source: Tensor, weight_scale: Float32, output: Tensor) -> Float32:
    """Return the requantisation factor s_in * s_w / s_out, every step rounded to float32."""
    factor: Float32 = np.float32(source.scale) * weight_scale / np.float32(output.scale)
    return factor


def requantise(accumulator: Int64, factor: Float32, output: Tensor) -> Int8:
    """Return rint(float32(accumulator) * factor) + zero point, clipped to the output's range."""
    scaled = np.rint(accumulator.astype(np.float32) * factor).astype(np.int64)
    return _clipped(scaled + output.zero_point, output)


def _clipped(values: np.ndarray, output: Tensor) -> Int8:
    codes: Int8 = np.clip(values, output.low, output.high).astype(np.int8)
    return codes


def add(x: Int8, y: Int8, x_tensor: Tensor, y_tensor: Tensor, output: Tensor) -> Int8:
    """Add in fixed point as XNNPACK does.

    The larger of the two scale ratios becomes a multiplier of 21 bits; the sum is shifted back with
    half rounded up. (The float sum, rounded half to even, differs at ties by one level.)
    """
    ratios = [
        np.float32(tensor.scale) / np.float32(output.scale) for tensor in (x_tensor, y_tensor)
    ]
    _, exponent = math.frexp(float(max(ratios)))
    shift = ADD_MULTIPLIER_BITS - (exponent - 1)
    x_factor, y_factor = (int(np.rint(math.ldexp(float(ratio), shift))) for ratio in ratios)
    total = _centred(x, x_tensor) * x_factor + _centred(y, y_tensor) * y_factor
    rounded = (total + (1 << (shift - 1))) >> shift
    return _clipped(rounded + output.zero_point, output)


def float_add(x: Int8, y: Int8, x_tensor: Tensor, y_tensor: Tensor, output: Tensor) -> Int8:
    """Add as XNNPACK does inside ExecuTorch: real values in float32, quantised half to even.

    It differs from :func:`add` by one level where the exact sum is next to a tie, for some of the
    65,536 pairs of codes.
    """
    reals = [
        _centred(codes, tensor).astype(np.float32) * np.float32(tensor.scale)
        for codes, tensor in ((x, x_tensor), (y, y_tensor))
    ]
    scaled = (reals[0] + reals[1]) * (np.float32(1) / np.float32(output.scale))
    return _clipped(np.rint(scaled) + output.zero_point, output)


def mean(codes: Int8, source: Tensor, output: Tensor) -> Int8:
    """Average [N, H, W, C] over H and W as XNNPACK does.

    The sum of the raw codes is scaled in float32, and both zero points are applied afterwards as
    one float32 offset; so the rounding error is that of the offset's magnitude, and near ties the
    result may differ from the exactly rounded mean by one level.
    """
    factor, offset = mean_factors(source, output, codes.shape[1] * codes.shape[2])
    sums = codes.astype(np.int64).sum((1, 2)).astype(np.float32)
    return _clipped(np.rint(sums * np.float32(factor) + np.float32(offset)), output)


def mean_factors(source: Tensor, output: Tensor, pixels: int) -> tuple[float, float]:
    """Return what the sum of raw codes is multiplied with, and what is added, both float32."""
    count = np.float32(pixels)
    factor = (np.float32(source.scale) / np.float32(output.scale)) * (np.float32(1) / count)
    offset = np.float32(-source.zero_point) * count * factor + np.float32(output.zero_point)
    return float(factor), float(offset)
