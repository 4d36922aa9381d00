"""An integer graph as a torch module of explicit quantise/dequantise operations.

The quantisation parameters are in the graph of the module itself, so a converter has nothing to
choose: weight integers, scales and biases survive exactly. Both runtimes are lowered from it.
"""

from __future__ import annotations

import copy

import torch
import torch.ao.quantization.fx._decomposed  # registers the quantized_decomposed operations
import torch.nn.functional as F
from torch import nn

from edge_dnq.context import FEATURES
from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq_export.graph import Add, Conv, IntegerGraph, Linear, MaxPool, Mean, Tensor
from edge_dnq_export.reference import mean_factors

_OPS = torch.ops.quantized_decomposed


def _grid(tensor: Tensor) -> tuple[float, int, int, int, torch.dtype]:
    return tensor.scale, tensor.zero_point, -128, 127, torch.int8


def quantise(x: torch.Tensor, tensor: Tensor) -> torch.Tensor:
    """Return the int8 codes of real values."""
    codes: torch.Tensor = _OPS.quantize_per_tensor.default(x, *_grid(tensor))
    return codes


def dequantise(codes: torch.Tensor, tensor: Tensor) -> torch.Tensor:
    """Return the real values of int8 codes."""
    x: torch.Tensor = _OPS.dequantize_per_tensor.default(codes, *_grid(tensor))
    return x


def _activated(x: torch.Tensor, node: Add | Conv) -> torch.Tensor:
    if node.relu6:
        return F.relu6(x)
    return F.relu(x) if node.relu else x


def exact_mean(codes: torch.Tensor, source: Tensor, target: Tensor) -> torch.Tensor:
    """Return the mean [1, C] of int8 [1, C, H, W] as the integer reference defines it."""
    factor, offset = mean_factors(source, target, codes.shape[2] * codes.shape[3])
    # A sum of integers, so its order does not matter.
    scaled = codes.to(torch.float32).sum((2, 3)) * factor + offset
    return torch.clamp(torch.round(scaled), target.low, target.high).to(torch.int8)


class _Affine(nn.Module):
    """Weights and bias of a convolution (OIHW) or a linear layer, as the real numbers they are."""

    codes: torch.Tensor
    scale: torch.Tensor
    zero_point: torch.Tensor
    bias: torch.Tensor

    def __init__(self, node: Conv | Linear, input_scale: float, stored: bool) -> None:
        super().__init__()
        self.stored = stored
        codes = torch.from_numpy(node.weight)
        if isinstance(node, Conv):
            codes = codes.permute(0, 3, 1, 2).contiguous()
        scale = torch.from_numpy(node.weight_scale)
        bias = torch.from_numpy(node.bias).double() * input_scale * scale.double()
        if stored:
            self.register_buffer("codes", codes)
        else:
            shape = (-1, *[1] * (codes.dim() - 1))
            self.register_buffer("weight", codes.float() * scale.view(shape))
        self.register_buffer("scale", scale)
        self.register_buffer("zero_point", torch.zeros(len(scale), dtype=torch.int64))
        self.register_buffer("bias", bias.float())

    def real_weight(self) -> torch.Tensor:
        arguments = (self.scale, self.zero_point, 0, -128, 127, torch.int8)
        codes = (
            self.codes
            if self.stored
            else _OPS.quantize_per_channel.default(self.weight, *arguments)
        )
        result: torch.Tensor = _OPS.dequantize_per_channel.default(codes, *arguments)
        return result


class QdqModule(nn.Module):
    """Float module whose every tensor passes a quantise/dequantise pair; NCHW in, real output.

    Args:
        graph: The program.
        stored_codes: Hold the weights as int8 and only dequantise them, as ExecuTorch wants it;
            LiteRT's converter wants real weights and both steps. Take means by their definition,
            because ExecuTorch would take those of real values, which lie elsewhere near ties.
    """

    def __init__(self, graph: IntegerGraph, stored_codes: bool = False) -> None:
        super().__init__()
        self.graph = graph
        self.stored_codes = stored_codes
        self.layers = nn.ModuleDict(
            {
                _key(node.output): _Affine(node, graph.tensors[node.input].scale, stored_codes)
                for node in graph.nodes
                if isinstance(node, Conv | Linear)
            }
        )

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """Return the real output [1, K] of real input [1, 3, H, W]."""
        graph = self.graph
        codes = self.codes(quantise(frame, graph.tensors[graph.input]))
        return dequantise(codes, graph.tensors[graph.output])

    def codes(self, frame: torch.Tensor) -> torch.Tensor:
        """Return the int8 output [1, K] of an int8 input [1, 3, H, W]."""
        tensors = self.graph.tensors
        values = {self.graph.input: frame}

        def real(name: str) -> torch.Tensor:
            # Anew for every reader: lowerings match a reader with its own dequantisation.
            return dequantise(values[name], tensors[name])

        for node in self.graph.nodes:
            if isinstance(node, Mean) and self.stored_codes:
                source, target = tensors[node.input], tensors[node.output]
                values[node.output] = exact_mean(values[node.input], source, target)
                continue
            if isinstance(node, Add):
                first, second = (real(name) for name in node.inputs)
                result = _activated(first + second, node)
            elif isinstance(node, Conv):
                result = self._conv(node, real(node.input))
            elif isinstance(node, Linear):
                layer = self._layer(node.output)
                result = F.linear(real(node.input), layer.real_weight(), layer.bias)
            elif isinstance(node, MaxPool):
                result = F.max_pool2d(real(node.input), node.size, node.stride, node.padding)
            else:
                assert isinstance(node, Mean)
                # Without keepdim the converter transposes to channels first.
                result = real(node.input).mean((2, 3), keepdim=True).flatten(1)
            values[node.output] = quantise(result, tensors[node.output])
        return values[self.graph.output]

    def _conv(self, node: Conv, x: torch.Tensor) -> torch.Tensor:
        layer = self._layer(node.output)
        y = F.conv2d(
            x, layer.real_weight(), layer.bias, node.stride, node.padding, groups=node.groups
        )
        return _activated(y, node)

    def _layer(self, name: str) -> _Affine:
        layer = self.layers[_key(name)]
        assert isinstance(layer, _Affine)
        return layer


class Cell(nn.Module):
    """An LSTM cell in operations that every runtime knows, unlike those of torch's own.

    The context joins the state, not the features: those are quantised, and the converter would
    quantise what stands beside them.

    Args:
        cell: The trained cell, whose last inputs are the context.
        features: How many of its inputs come before that.
    """

    def __init__(self, cell: nn.LSTMCell, features: int) -> None:
        super().__init__()
        self.size = cell.hidden_size
        context = cell.input_size - features
        self.input = nn.Linear(features, 4 * self.size)
        self.hidden = nn.Linear(self.size + context, 4 * self.size)
        own, told = cell.weight_ih.data[:, :features], cell.weight_ih.data[:, features:]
        self.input.weight.data = own.clone()
        self.hidden.weight.data = torch.cat([cell.weight_hh.data, told], 1)
        self.input.bias.data = cell.bias_ih.data.clone()
        self.hidden.bias.data = cell.bias_hh.data.clone()

    def forward(
        self, x: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor], *context: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Map features, (h, c) and the context, if any, to the next (h, c)."""
        size, (h, c) = self.size, state
        known = torch.cat([h, *context], 1) if context else h
        gates = self.input(x) + self.hidden(known)
        take, forget, new, give = (gates[:, k * size : (k + 1) * size] for k in range(4))
        c = torch.sigmoid(forget) * c + torch.sigmoid(take) * torch.tanh(new)
        return torch.sigmoid(give) * torch.tanh(c), c


class PolicyModule(nn.Module):
    """The policy as it is deployed: (frame, h, c, context?) to (action logits, h, c), one clip.

    Args:
        policy: The trained policy, for its float32 memory and action head.
        encoder: Its integer encoder as a module from frame to real features [1, F].
        feature_units: Units of those features, see :class:`edge_dnq_export.lowering.LoweredPolicy`.
    """

    def __init__(self, policy: PolicyNet, encoder: nn.Module, feature_units: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.cell = Cell(policy.cell, policy.config.channels[-1])
        self.action_head = copy.deepcopy(policy.action_head)
        # The encoder's features are in the units of its last RELU6: the weights take that back.
        self.cell.input.weight.data /= feature_units

    def forward(
        self, frame: torch.Tensor, h: torch.Tensor, c: torch.Tensor, *context: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map a frame, [1, H], [1, H] and the context, if any, to [1, A], [1, H], [1, H]."""
        hidden, cell = self.cell(self.encoder(frame), (h, c), *context)
        return self.action_head(hidden), hidden, cell


def float_inputs(config: PolicyConfig) -> tuple[torch.Tensor, ...]:
    """Return examples of the policy program's inputs after the frame: h, c and the context."""
    sizes = [config.hidden, config.hidden, *([FEATURES] if config.context else [])]
    return tuple(torch.zeros(1, size) for size in sizes)


def _key(name: str) -> str:
    """Return ``name`` as a module name, which may not hold dots."""
    return name.replace(".", "_")
