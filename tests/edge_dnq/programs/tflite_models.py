"""TFLite programs made operation by operation, and random networks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Type = schema.TensorType
Op = schema.BuiltinOperator
Fused = schema.ActivationFunctionType
INT8, INT32, FLOAT32 = Type.INT8, Type.INT32, Type.FLOAT32
STORED = {INT8: np.int8, INT32: np.int32, FLOAT32: np.float32, Type.INT64: np.int64}

OPTIONS = {
    Op.CONV_2D: ("Conv2DOptions", schema.Conv2DOptionsT),
    Op.DEPTHWISE_CONV_2D: ("DepthwiseConv2DOptions", schema.DepthwiseConv2DOptionsT),
    Op.FULLY_CONNECTED: ("FullyConnectedOptions", schema.FullyConnectedOptionsT),
    Op.ADD: ("AddOptions", schema.AddOptionsT),
    Op.MAX_POOL_2D: ("Pool2DOptions", schema.Pool2DOptionsT),
    Op.MEAN: ("ReducerOptions", schema.ReducerOptionsT),
    Op.PAD: ("PadOptions", schema.PadOptionsT),
    Op.PADV2: ("PadV2Options", schema.PadV2OptionsT),
    Op.RESHAPE: ("ReshapeOptions", schema.ReshapeOptionsT),
    Op.LOGISTIC: ("NONE", None),
}

VERSIONS = {Op.RESHAPE: 1, Op.LOGISTIC: 2}


class Model:
    """A program under construction; everything is an index of a tensor."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self._buffers = [schema.BufferT()]
        self._operators: list[Any] = []
        self._codes: list[int] = []

    def tensor(
        self,
        shape: Sequence[int],
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        *,
        dtype: int = INT8,
        data: np.ndarray | None = None,
        signature: Sequence[int] | None = None,
    ) -> int:
        made = schema.TensorT()
        made.shape, made.type = list(map(int, shape)), dtype
        made.name = f"tensor_{len(self.tensors)}"
        made.shapeSignature = None if signature is None else list(signature)
        if scale is not None:
            made.quantization = schema.QuantizationParametersT()
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            made.quantization.scale = scales
            zeros = np.broadcast_to(np.atleast_1d(np.asarray(zero_point, np.int64)), scales.shape)
            made.quantization.zeroPoint = zeros.copy()
        if data is not None:
            made.buffer = len(self._buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.astype(STORED[dtype]).tobytes(), np.uint8)
            self._buffers.append(buffer)
        self.tensors.append(made)
        return len(self.tensors) - 1

    def constant(self, values: Any, dtype: int = INT32, **quantisation: Any) -> int:
        array = np.asarray(values)
        return self.tensor(array.shape, dtype=dtype, data=array, **quantisation)

    def add(self, op: int, inputs: Sequence[int], output: int, **options: Any) -> int:
        operator = schema.OperatorT()
        if op not in self._codes:
            self._codes.append(op)
        operator.opcodeIndex = self._codes.index(op)
        operator.inputs, operator.outputs = list(inputs), [output]
        kind, make = OPTIONS[op]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        if make is not None:
            operator.builtinOptions = make()
            for name, value in options.items():
                assert hasattr(operator.builtinOptions, name), name
                setattr(operator.builtinOptions, name, value)
        self._operators.append(operator)
        return output

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self._operators
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [graph], self._buffers
        model.operatorCodes = []
        for code in self._codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode, entry.version = code, VERSIONS.get(code, 3)
            entry.deprecatedBuiltinCode = min(code, 127)
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


class RandomNetwork:
    """Random convolutions of both kinds, additions, pools, paddings, a mean and a classifier.

    Scales are such that sums use the range of int8 without being clipped everywhere.

    Args:
        seed: Decides everything.
        operations: How many, besides the mean and the classifier.
        taps: Fraction of the tensors that are outputs of the program, besides the last one. The
            fewer there are, the more operations may be fused; with all of them a difference shows
            where it starts.
    """

    def __init__(self, seed: int, operations: int = 6, *, taps: float = 0.3) -> None:
        self.random = np.random.default_rng(seed)
        self.model = Model()
        side = int(self.random.integers(5, 19))
        shape = (1, side, int(self.random.integers(5, 19)), int(self.random.choice((1, 3, 8, 17))))
        self.input = self.model.tensor(shape, 0.02, int(self.random.integers(-128, 128)))
        self.outputs: list[int] = []
        self.ops: list[str] = []
        current = self.input
        for _ in range(operations):
            kind = self.random.choice(
                ["conv", "conv", "conv", "depthwise", "add", "pad", "padv2", "pool"]
            )
            current = getattr(self, f"_{kind}")(current)
        self._classify(current)
        last = self.outputs[-1]
        kept = [out == last or self.random.random() < taps for out in self.outputs]
        self.outputs = [out for out, keep in zip(self.outputs, kept, strict=True) if keep]
        self.content = self.model.build([self.input], self.outputs)

    def codes(self, seed: int) -> np.ndarray:
        shape = self.model.tensors[self.input].shape
        return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)

    def _shape(self, tensor: int) -> list[int]:
        return list(self.model.tensors[tensor].shape)

    def _grid(self, tensor: int) -> tuple[float, int]:
        quantisation = self.model.tensors[tensor].quantization
        return float(quantisation.scale[0]), int(quantisation.zeroPoint[0])

    def _made(self, name: str, output: int) -> int:
        self.ops.append(name)
        self.outputs.append(output)
        return output

    def _output(self, shape: Sequence[int], spread: float) -> tuple[int, int]:
        """A tensor for values of this spread, perhaps a low-bit one, and its fused activation."""
        bits = self.random.choice([8, 8, 4, 2, 0])
        if bits == 0:
            zero_point = int(self.random.integers(-128, 128))
            return self.model.tensor(shape, spread / 50, zero_point), Fused.NONE
        if bits == 8 and self.random.random() < 0.5:
            return self.model.tensor(shape, spread / 90, -128), Fused.RELU
        return self.model.tensor(shape, 6 / (2**bits - 1), -128), Fused.RELU6

    def _window(self, shape: Sequence[int]) -> tuple[int, int, int, int, int, list[int]]:
        """Kernel, stride, padding kind, and the spatial output shape."""
        sizes = [int(self.random.choice((1, 2, 3, 3, 5, 7))) for _ in range(2)]
        strides = [int(self.random.choice((1, 1, 2, 3))) for _ in range(2)]
        same = self.random.random() < 0.6 or any(k > s for k, s in zip(sizes, shape, strict=True))
        spatial = [
            -(-side // stride) if same else (side - size) // stride + 1
            for side, size, stride in zip(shape, sizes, strides, strict=True)
        ]
        padding = schema.Padding.SAME if same else schema.Padding.VALID
        return *sizes, *strides, padding, spatial

    def _weights(
        self, shape: Sequence[int], scale_in: float
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Weights [channel, ...] of 8, 4 or 2 bits, their scales, and the spread of the sums."""
        bits = self.random.choice([8, 4, 2])
        limit = 127 if bits == 8 else 2**bits - 1
        weights = self.random.integers(-limit, limit + 1, shape)
        if bits != 8:
            weights = weights | 1
        per_channel = self.random.random() < 0.8
        scales = self.random.uniform(0.5, 2, shape[0] if per_channel else 1) / limit
        spread = scale_in * 100 * float(np.mean(scales)) * limit * np.sqrt(np.prod(shape[1:])) / 2
        wanted = 3.0
        scales *= wanted / spread
        return weights, scales.astype(np.float32), wanted

    def _constants(
        self,
        weights: np.ndarray,
        scales: np.ndarray,
        scale_in: float,
        spread: float,
        channel_axis: int = 0,
    ) -> tuple[int, int]:
        """Weights and a bias of this spread."""
        bias = self.random.normal(0, spread, weights.shape[channel_axis]) / (scale_in * scales)
        kernel = self.model.constant(weights, INT8, scale=scales)
        self.model.tensors[kernel].quantization.quantizedDimension = channel_axis
        return kernel, self.model.constant(np.rint(bias), scale=scale_in * scales)

    def _conv(self, source: int) -> int:
        shape = self._shape(source)
        height, width, down, right, padding, spatial = self._window(shape[1:3])
        channels = int(self.random.choice((1, 4, 7, 16, 33, 64)))
        scale, _ = self._grid(source)
        weights, scales, spread = self._weights((channels, height, width, shape[3]), scale)
        output, fused = self._output((1, *spatial, channels), spread)
        inputs = [source, *self._constants(weights, scales, scale, spread / 2)]
        self.model.add(
            Op.CONV_2D, inputs, output, padding=padding, strideH=down, strideW=right,
            fusedActivationFunction=fused,
        )  # fmt: skip
        return self._made(f"conv {height}x{width}/{down},{right} {shape[3]}->{channels}", output)

    def _depthwise(self, source: int) -> int:
        shape = self._shape(source)
        height, width, down, right, padding, spatial = self._window(shape[1:3])
        scale, _ = self._grid(source)
        weights, scales, spread = self._weights((shape[3], height, width), scale)
        output, fused = self._output((1, *spatial, shape[3]), spread)
        kernel = weights.transpose(1, 2, 0)[None]
        inputs = [source, *self._constants(kernel, scales, scale, spread / 2, channel_axis=3)]
        self.model.add(
            Op.DEPTHWISE_CONV_2D, inputs, output, padding=padding, strideH=down,
            strideW=right, depthMultiplier=1, fusedActivationFunction=fused,
        )  # fmt: skip
        return self._made(f"depthwise {height}x{width}/{down},{right} {shape[3]}", output)

    def _add(self, source: int) -> int:
        shape = self._shape(source)
        scale, _ = self._grid(source)
        kind = self.random.choice(["branch", "branch", "branch", "itself"])
        branch = source if kind == "itself" else self._branch(source)
        output, fused = self._output(shape, 128 * scale)
        pair = [source, branch] if self.random.random() < 0.5 else [branch, source]
        self.model.add(Op.ADD, pair, output, fusedActivationFunction=fused)
        return self._made("add", output)

    def _branch(self, source: int) -> int:
        """A convolution that keeps the shape."""
        shape = self._shape(source)
        scale, _ = self._grid(source)
        weights, scales, _ = self._weights((shape[3], 1, 1, shape[3]), scale)
        branch = self.model.tensor(shape, 3 / 50, int(self.random.integers(-128, 128)))
        inputs = [source, *self._constants(weights, scales, scale, 0.5)]
        padding = schema.Padding.VALID
        self.model.add(Op.CONV_2D, inputs, branch, padding=padding, strideH=1, strideW=1)
        return self._made("conv of an addition", branch)

    def _padding(self, source: int) -> tuple[list[list[int]], int]:
        top, bottom, left, right = (int(n) for n in self.random.integers(0, 3, 4))
        _, height, width, channels = self._shape(source)
        shape = (1, height + top + bottom, width + left + right, channels)
        return [[0, 0], [top, bottom], [left, right], [0, 0]], self.model.tensor(
            shape, *self._grid(source)
        )

    def _pad(self, source: int) -> int:
        amounts, output = self._padding(source)
        self.model.add(Op.PAD, [source, self.model.constant(amounts)], output)
        return self._made("pad", output)

    def _padv2(self, source: int) -> int:
        amounts, output = self._padding(source)
        scale, zero_point = self._grid(source)
        value = self.model.constant(
            [self.random.integers(-128, 128)], INT8, scale=scale, zero_point=zero_point
        )
        self.model.add(Op.PADV2, [source, self.model.constant(amounts), value], output)
        return self._made("padv2", output)

    def _pool(self, source: int) -> int:
        shape = self._shape(source)
        height, width, down, right, padding, spatial = self._window(shape[1:3])
        output = self.model.tensor((1, *spatial, shape[3]), *self._grid(source))
        fused = Fused.RELU if self.random.random() < 0.3 and self._grid(source)[1] < 127 else 0
        self.model.add(
            Op.MAX_POOL_2D, [source], output, padding=padding, strideH=down, strideW=right,
            filterHeight=height, filterWidth=width, fusedActivationFunction=fused,
        )  # fmt: skip
        return self._made(f"pool {height}x{width}/{down},{right}", output)

    def _classify(self, source: int) -> None:
        channels = self._shape(source)[3]
        scale, _ = self._grid(source)
        keep = bool(self.random.random() < 0.5)
        shape = (1, 1, 1, channels) if keep else (1, channels)
        mean = self.model.tensor(shape, scale, int(self.random.integers(-128, 128)))
        self.model.add(Op.MEAN, [source, self.model.constant([1, 2])], mean, keepDims=keep)
        self._made("mean", mean)
        weights, scales, spread = self._weights((9, channels), scale)
        output = self.model.tensor((1, 9), spread / 50, 5)
        constants = self._constants(weights, scales, scale, spread / 2)
        # The runtime wants a bias for convolutions only.
        inputs = [mean, *constants[: self.random.integers(1, 3)]]
        self.model.add(Op.FULLY_CONNECTED, inputs, output)
        self._made("fully connected", output)
