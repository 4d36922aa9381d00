"""Lowering to TFLite flatbuffers through litert-torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edge_dnq.errors import ExportError, RuntimeMissingError
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq_export.graph import IntegerGraph
from edge_dnq_export.lowering import LoweredPolicy
from edge_dnq_export.qdq import PolicyModule, QdqModule, float_inputs
from edge_dnq_export.quiet import quiet

INSTALL = "pip install 'edge-dnq[export]'"


def _converter() -> Any:
    try:
        with quiet():
            import litert_torch
    except ImportError as error:
        raise RuntimeMissingError(f"export needs litert-torch: {INSTALL} ({error})") from error
    return litert_torch


def _static_quantisation() -> Any:
    """Return a configuration that switches the converter to its static-quantisation mode.

    The quantiser is never run: the module's own quantise/dequantise pairs say everything. Without
    a configured one the converter leaves convolutions in float.
    """
    from litert_torch.quantize.pt2e_quantizer import (
        PT2EQuantizer,
        get_symmetric_quantization_config,
    )
    from litert_torch.quantize.quant_config import QuantConfig

    static = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=False)
    return QuantConfig(pt2e_quantizer=PT2EQuantizer().set_global(static))


def write_program(graph: IntegerGraph, path: Path) -> None:
    """Write ``graph`` as a standard int8 TFLite program with int8 NHWC input and int8 logits.

    Raises:
        RuntimeMissingError: litert-torch is not installed.
        ExportError: the converter refuses.
    """
    _write(QdqModule(graph), (_example(graph),), path)


def write_policy(policy: PolicyNet, lowered: LoweredPolicy, path: Path) -> None:
    """Write the policy: int8 NHWC frame, float32 h and c in; float32 action logits, h, c out.

    Raises:
        RuntimeMissingError: litert-torch is not installed.
        ExportError: the converter refuses.
    """
    arguments = (_example(lowered.encoder), *float_inputs(policy.config))
    module = PolicyModule(policy, QdqModule(lowered.encoder), lowered.feature_units)
    _write(module, arguments, path)


def write_float(module: nn.Module, arguments: tuple[torch.Tensor, ...], path: Path) -> None:
    """Write ``module`` as a float32 program; its first argument, an NCHW image, is taken as NHWC.

    Raises:
        RuntimeMissingError: litert-torch is not installed.
        ExportError: the converter refuses.
    """
    _write(module, arguments, path, lambda: None)


def _example(graph: IntegerGraph) -> torch.Tensor:
    return torch.zeros(1, *graph.tensors[graph.input].shape)


def _write(
    module: nn.Module,
    arguments: tuple[torch.Tensor, ...],
    path: Path,
    quantisation: Callable[[], Any] = _static_quantisation,
) -> None:
    converter = _converter()
    try:
        with quiet():
            channels_last = converter.to_channel_last_io(module.eval(), args=[0]).eval()
            converted = converter.convert(channels_last, arguments, quant_config=quantisation())
            content = converted.model_content()
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ExportError(f"the converter could not write {path.name}: {reason}") from error
    # Not by the converter's own export, which ends the process when the disk is full.
    path.write_bytes(content)
