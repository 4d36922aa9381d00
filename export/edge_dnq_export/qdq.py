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

from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq_export.graph import Add, Conv, IntegerGraph, Linear, MaxPool, Mean, Tensor
from edge_dnq_export.lowering import LoweredPolicy

_OPS = torch.ops.quantized_decomposed


def _on_grid(x: torch.Tensor, tensor: Tensor) -> torch.Tensor:
    arguments = (tensor.scale, tensor.zero_point, -128, 127, torch.int8)
    codes = _OPS.quantize_per_tensor.default(x, *arguments)
    result: torch.Tensor = _OPS.dequantize_per_tensor.default(codes, *arguments)
    return result


class _Affine(nn.Module):
    """Weights and bias of a convolution (OIHW) or a linear layer, as the real numbers they are."""

    bias: torch.Tensor

    def __init__(self, node: Conv | Linear, input_scale: float) -> None:
        super().__init__()
        codes = torch.from_numpy(node.weight)
        if isinstance(node, Conv):
            codes = codes.permute(0, 3, 1, 2).contiguous()
        scale = torch.from_numpy(node.weight_scale)
        shape = (-1, *[1] * (codes.dim() - 1))
        bias = torch.from_numpy(node.bias).double() * input_scale * scale.double()
        self.register_buffer("weight", codes.float() * scale.view(shape))
        self.register_buffer("scale", scale)
        self.register_buffer("zero_point", torch.zeros(len(scale), dtype=torch.int64))
        self.register_buffer("bias", bias.float())

    def real_weight(self) -> torch.Tensor:
        arguments = (self.scale, self.zero_point, 0, -128, 127, torch.int8)
        codes = _OPS.quantize_per_channel.default(self.weight, *arguments)
        result: torch.Tensor = _OPS.dequantize_per_channel.default(codes, *arguments)
        return result


class QdqModule(nn.Module):
    """Float module whose every tensor passes a quantise/dequantise pair; NCHW in, real output."""

    def __init__(self, graph: IntegerGraph) -> None:
        super().__init__()
        self.graph = graph
        self.layers = nn.ModuleDict(
            {
                _key(node.output): _Affine(node, graph.tensors[node.input].scale)
                for node in graph.nodes
                if isinstance(node, Conv | Linear)
            }
        )

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """Return the real output [1, K] of real input [1, 3, H, W]."""
        graph = self.graph
        values = {graph.input: _on_grid(frame, graph.tensors[graph.input])}
        for node in graph.nodes:
            if isinstance(node, Add):
                first, second = (values[name] for name in node.inputs)
                result = F.relu6(first + second)
            elif isinstance(node, Conv):
                result = self._conv(node, values[node.input])
            elif isinstance(node, Linear):
                layer = self._layer(node.output)
                result = F.linear(values[node.input], layer.real_weight(), layer.bias)
            elif isinstance(node, MaxPool):
                result = F.max_pool2d(values[node.input], node.size, node.stride, node.padding)
            else:
                assert isinstance(node, Mean)
                # Without keepdim the converter transposes to channels first.
                result = values[node.input].mean((2, 3), keepdim=True).flatten(1)
            values[node.output] = _on_grid(result, graph.tensors[node.output])
        return values[graph.output]

    def _conv(self, node: Conv, x: torch.Tensor) -> torch.Tensor:
        layer = self._layer(node.output)
        y = F.conv2d(x, layer.real_weight(), layer.bias, node.stride, node.padding)
        return F.relu6(y) if node.relu6 else y

    def _layer(self, name: str) -> _Affine:
        layer = self.layers[_key(name)]
        assert isinstance(layer, _Affine)
        return layer


class PolicyModule(nn.Module):
    """The policy as it is deployed: (frame, h, c) to (action logits, h, c), one clip.

    Args:
        policy: The trained policy, for its float32 memory and action head.
        lowered: Its integer encoder.
    """

    def __init__(self, policy: PolicyNet, lowered: LoweredPolicy) -> None:
        super().__init__()
        self.encoder = QdqModule(lowered.encoder)
        self.cell = copy.deepcopy(policy.cell)
        self.action_head = copy.deepcopy(policy.action_head)
        # The encoder's features are in the units of its last RELU6: the weights take that back.
        self.cell.weight_ih.data /= lowered.feature_units

    def forward(
        self, frame: torch.Tensor, h: torch.Tensor, c: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map [1, 3, P, P], [1, H], [1, H] to [1, A], [1, H], [1, H]."""
        hidden, cell = self.cell(self.encoder(frame), (h, c))
        return self.action_head(hidden), hidden, cell


def _key(name: str) -> str:
    """Return ``name`` as a module name, which may not hold dots."""
    return name.replace(".", "_")
