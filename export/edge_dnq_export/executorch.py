"""Lowering to ExecuTorch programs: for the stock runtime, and for the package's own kernels.

Both take and give exactly what the TFLite program does, so that a bundle describes its tensors
once. A program for the package's kernels is one call of their backend, whose payload is the integer
graph; a runtime without the backend refuses it, which is why there is a stock program too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from edge_dnq.errors import ExportError, RuntimeMissingError
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq_export.graph import IntegerGraph
from edge_dnq_export.lowering import LoweredPolicy
from edge_dnq_export.qdq import PolicyModule, QdqModule, dequantise, float_inputs
from edge_dnq_export.quiet import quiet

INSTALL = "pip install 'edge-dnq[export,executorch]'"

Target = Literal["stock", "kernels"]


class Stock(nn.Module):
    """int8 NHWC frame to int8 outputs, in operations that XNNPACK knows."""

    def __init__(self, graph: IntegerGraph) -> None:
        super().__init__()
        self.graph = graph
        self.network = QdqModule(graph, stored_codes=True)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """Map int8 [1, H, W, 3] to int8 [1, K]."""
        return self.network.codes(frame.permute(0, 3, 1, 2))


class Kernels(nn.Module):
    """The same as one operation that the package's backend takes."""

    blob: torch.Tensor

    def __init__(self, graph: IntegerGraph) -> None:
        super().__init__()
        from edge_dnq_export.blob import write_blob

        self.graph = graph
        self.outputs = graph.tensors[graph.output].shape[-1]
        content = np.frombuffer(write_blob(graph), np.uint8).copy()
        self.register_buffer("blob", torch.from_numpy(content))

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """Map int8 [1, H, W, 3] to int8 [1, K]."""
        codes: torch.Tensor = torch.ops.edge_dnq.integer_graph(frame, self.blob, self.outputs)
        return codes


MODULES: dict[Target, Callable[[IntegerGraph], Stock | Kernels]] = {
    "stock": Stock,
    "kernels": Kernels,
}


class Features(nn.Module):
    """The policy's encoder: int8 NHWC frame to real features [1, F]."""

    def __init__(self, encoder: Stock | Kernels) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """Map int8 [1, P, P, 3] to float32 [1, F]."""
        graph = self.encoder.graph
        return dequantise(self.encoder(frame), graph.tensors[graph.output])


def write_program(graph: IntegerGraph, path: Path, target: Target) -> None:
    """Write ``graph`` as a program with int8 NHWC input and int8 logits.

    Raises:
        RuntimeMissingError: executorch is not installed.
        ExportError: the converter refuses, or leaves integer operations to slow kernels.
    """
    _write(MODULES[target](graph), (_frame(graph),), path)


def write_policy(policy: PolicyNet, lowered: LoweredPolicy, path: Path, target: Target) -> None:
    """Write the policy: int8 NHWC frame, float32 h and c in; float32 action logits, h, c out.

    Its float32 memory runs on XNNPACK in both programs.

    Raises:
        RuntimeMissingError: executorch is not installed.
        ExportError: the converter refuses, or leaves integer operations to slow kernels.
    """
    encoder = Features(MODULES[target](lowered.encoder))
    arguments = (_frame(lowered.encoder), *float_inputs(policy.config))
    module = PolicyModule(policy, encoder, lowered.feature_units)
    _write(module, arguments, path)


class ChannelsLast(nn.Module):
    """A network of NCHW images that takes its first argument as NHWC."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: torch.Tensor, *more: torch.Tensor) -> Any:
        """Run the network on the frame, [1, H, W, 3], and what else it takes."""
        return self.network(frame.permute(0, 3, 1, 2), *more)


def write_float(module: nn.Module, arguments: tuple[torch.Tensor, ...], path: Path) -> None:
    """Write ``module`` as a float32 program; its first argument, an NCHW image, is taken as NHWC.

    Raises:
        RuntimeMissingError: executorch is not installed.
        ExportError: the converter refuses, or leaves operations to slow kernels.
    """
    _write(ChannelsLast(module), arguments, path)


def _frame(graph: IntegerGraph) -> torch.Tensor:
    return torch.zeros(1, *graph.tensors[graph.input].shape, dtype=torch.int8)


def _write(module: nn.Module, arguments: tuple[torch.Tensor, ...], path: Path) -> None:
    try:
        with quiet():
            from edge_dnq_export import executorch_backend
    except ImportError as error:
        raise RuntimeMissingError(f"this export needs executorch: {INSTALL} ({error})") from error
    try:
        with quiet(), torch.no_grad():
            content, leftovers = executorch_backend.lower(module.eval(), arguments)
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ExportError(f"the converter could not write {path.name}: {reason}") from error
    if leftovers:
        raise ExportError(f"the converter left {', '.join(leftovers)} of {path.name} to no backend")
    path.write_bytes(content)
