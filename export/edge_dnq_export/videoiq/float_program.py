"""An imported network in float32, as a module that the converter takes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_dnq.nn.videoiq.network import Backbone, ConvLayer, FloatOperations, Rectifier


class FloatProgram(nn.Module):
    """Normalised frame [1, 3, S, S] to logits [1, K]; batch norms are folded.

    Args:
        backbone: The network; of 32 bits, so that nothing in it rounds.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self._ops = _FoldedOperations(self)
        weight, bias = backbone.classifier
        self.register_buffer("classifier_weight", weight.float())
        self.register_buffer("classifier_bias", bias.float())
        self.layers = nn.ModuleDict()
        for name, layer in _layers(backbone):
            self.layers[_key(name)] = _folded(layer)

    def forward(self, frame: Tensor) -> Tensor:
        """Return the logits."""
        return self.backbone.compute(self._ops, frame)

    @torch.no_grad()
    def macs(self, side: int) -> int:
        """Return the multiply-accumulates of one frame [1, 3, side, side]."""
        assert isinstance(self.classifier_weight, Tensor)
        counts = [self.classifier_weight.numel()]

        def count(layer: nn.Module, _: object, y: Tensor) -> None:
            assert isinstance(layer, nn.Conv2d)
            counts.append(layer.weight.numel() * y.shape[2] * y.shape[3])

        hooks = [layer.register_forward_hook(count) for layer in self.layers.values()]
        self(torch.zeros(1, 3, side, side))
        for hook in hooks:
            hook.remove()
        return sum(counts)


class _FoldedOperations(FloatOperations):
    def __init__(self, program: FloatProgram) -> None:
        # The program owns this object: a plain tuple keeps torch from registering it back.
        self._program = (program,)

    def conv(self, name: str, layer: ConvLayer, x: Tensor, target: Rectifier | None) -> Tensor:
        y: Tensor = self._program[0].layers[_key(name)](x)
        return y if target is None else target(y)

    def mean(self, name: str, x: Tensor) -> Tensor:
        # Without keepdim the converter transposes to channels first.
        return x.mean((2, 3), keepdim=True).flatten(1)

    def linear(self, name: str, weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
        program = self._program[0]
        assert isinstance(program.classifier_weight, Tensor)
        assert isinstance(program.classifier_bias, Tensor)
        return F.linear(x, program.classifier_weight, program.classifier_bias)


def _layers(backbone: Backbone) -> list[tuple[str, ConvLayer]]:
    named = [("stem", backbone.stem)]
    for block in backbone.blocks:
        named += [(f"{block.name}.conv{i}", conv) for i, conv in enumerate(block.convs, 1)]
        if block.projection is not None:
            named.append((f"{block.name}.projection", block.projection))
    return named


def _folded(layer: ConvLayer) -> nn.Conv2d:
    outputs, inputs, kernel, _ = layer.weight.shape
    conv = nn.Conv2d(inputs, outputs, kernel, layer.stride, layer.padding)
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(layer.weight * layer.gain.view(-1, 1, 1, 1))
        conv.bias.copy_(layer.offset)
    return conv


def _key(name: str) -> str:
    return name.replace(".", "_")
