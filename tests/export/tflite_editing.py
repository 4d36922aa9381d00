"""One-operation programs with chosen quantisation, made by editing a converted one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from torch import nn

from edge_dnq_export import litert
from edge_dnq_export.graph import Tensor
from edge_dnq_export.quiet import quiet

_OPS = torch.ops.quantized_decomposed


def on_grid(x: torch.Tensor, scale: float, zero_point: int) -> torch.Tensor:
    arguments = (scale, zero_point, -128, 127, torch.int8)
    codes = _OPS.quantize_per_tensor.default(x, *arguments)
    return _OPS.dequantize_per_tensor.default(codes, *arguments)


class EditableProgram:
    """A converted program whose input and output shapes and grids can be replaced."""

    def __init__(
        self, module: nn.Module, arguments: tuple[torch.Tensor, ...], folder: Path
    ) -> None:
        import litert_torch

        path = folder / "operation.tflite"
        with quiet():
            litert_torch.convert(
                module.eval(), arguments, quant_config=litert._static_quantisation()
            ).export(str(path))
        content = bytearray(path.read_bytes())
        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        graph = self.model.subgraphs[0]
        self.tensors = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]

    def run(self, tensors: Sequence[Tensor], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Give inputs and output the shapes and grids of ``tensors`` and run on ``inputs``."""
        for slot, tensor in zip(self.tensors, tensors, strict=True):
            slot.shape = [1, *tensor.shape]
            slot.quantization.scale = [tensor.scale]
            slot.quantization.zeroPoint = [tensor.zero_point]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        interpreter = Interpreter(model_content=bytes(builder.Output()))
        interpreter.allocate_tensors()
        details: list[dict[str, Any]] = interpreter.get_input_details()
        for detail, value in zip(details, inputs, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


class Operation(nn.Module):
    """``function`` between quantised inputs and a quantised output."""

    def __init__(self, function: Callable[..., torch.Tensor], inputs: int) -> None:
        super().__init__()
        self.function = function
        self.inputs = inputs

    def forward(self, *xs: torch.Tensor) -> torch.Tensor:
        # Different grids keep the converter from merging the inputs.
        return on_grid(
            self.function(*(on_grid(x, 0.1 + 0.01 * i, 0) for i, x in enumerate(xs))), 0.2, -128
        )
