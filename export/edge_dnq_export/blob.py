"""An integer graph as bytes, for the package's ExecuTorch backend.

``kernels/executorch/blob.h`` states the format.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np

from edge_dnq.programs.executorch_file import HEADER, MAGIC
from edge_dnq_export.graph import (
    Add,
    Conv,
    Int8,
    IntegerGraph,
    Linear,
    MaxPool,
    Mean,
    Node,
    Tensor,
)

VERSION = 1
BYTE_ORDER = 0x01020304

CONV, ADD, MAX_POOL, MEAN, DEPTHWISE_CONV = 1, 2, 3, 4, 5
INT8, ODD4, ODD2 = 0, 1, 2
BITS = {ODD4: 4, ODD2: 2}
EVERYTHING = (-128, 127)


def write_blob(graph: IntegerGraph) -> bytes:
    """Return ``graph`` as bytes."""
    indices = {name: index for index, name in enumerate(graph.tensors)}
    parts = [_words(len(graph.tensors), 1, 1, len(graph.nodes))]
    parts += [_tensor(tensor) for tensor in graph.tensors.values()]
    parts.append(_words(indices[graph.input], indices[graph.output]))
    for node in graph.nodes:
        parts += _node(node, indices, graph.tensors)
    payload = b"".join(parts)
    header = HEADER.pack(MAGIC, VERSION, BYTE_ORDER, len(payload), zlib.crc32(payload))
    return header + struct.pack("<I", zlib.crc32(header)) + payload


def _words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


def _tensor(tensor: Tensor) -> bytes:
    height, width, channels = (1, 1, *tensor.shape)[-3:]
    return _words(height, width, channels) + struct.pack("<fi", tensor.scale, tensor.zero_point)


def _node(node: Node, indices: dict[str, int], tensors: dict[str, Tensor]) -> Iterable[bytes]:
    output = tensors[node.output]
    limits = output.low, output.high
    if isinstance(node, Add):
        yield _words(ADD, *(indices[name] for name in (*node.inputs, node.output)), *limits)
        return
    ends = indices[node.input], indices[node.output]
    if isinstance(node, Mean):
        yield _words(MEAN, *ends)
    elif isinstance(node, MaxPool):
        yield _words(MAX_POOL, *ends, *_window(node.size, node.stride, node.padding), *EVERYTHING)
    else:
        kind, shape, weight = CONV, (1, 1, 0), node.weight
        if isinstance(node, Conv):
            shape = node.weight.shape[1], node.stride, node.padding
            if node.groups > 1:
                kind, weight = DEPTHWISE_CONV, node.weight.transpose(3, 1, 2, 0)
        yield _words(kind, *ends, *_window(*shape), *limits)
        yield from _weights(node, weight)


def _window(size: int, stride: int, padding: int) -> tuple[int, ...]:
    return (*[size] * 2, *[stride] * 2, *[padding] * 4)


def _weights(node: Conv | Linear, weight: Int8) -> Iterable[bytes]:
    coding = weight_coding(weight)
    yield _words(coding)
    yield node.weight_scale.astype("<f4").tobytes()
    yield node.bias.astype("<i4").tobytes()
    stored = pack_weights(weight, coding)
    yield stored + bytes(-len(stored) % 4)


def weight_coding(weight: Int8) -> int:
    """Return the smallest coding that holds ``weight``: odd values of 4 or 2 bits, or int8."""
    if np.all(weight & 1):
        for coding in (ODD2, ODD4):
            if np.abs(weight.astype(np.int16)).max() < 1 << BITS[coding]:
                return coding
    return INT8


def pack_weights(weight: Int8, coding: int) -> bytes:
    """Return the values in order, of low precision as codes with the first in the lowest bits."""
    if coding == INT8:
        return weight.tobytes()
    bits = BITS[coding]
    per_byte = 8 // bits
    codes = ((weight.astype(np.int16).ravel() + (1 << bits) - 1) >> 1).astype(np.uint8)
    codes = np.pad(codes, (0, -codes.size % per_byte)).reshape(-1, per_byte)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    packed: np.ndarray = np.bitwise_or.reduce(codes << shifts, axis=1).astype(np.uint8)
    return packed.tobytes()
