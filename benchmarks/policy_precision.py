"""Is the policy network faster in int8 than in float32 on this machine?

Converts the default policy both ways (int8: post-training static quantisation of its
convolutions), runs the two programs interleaved on the stock runtime, one thread, and prints
medians. Run: python benchmarks/policy_precision.py
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.policy_net import PolicyNet, PolicyProgram
from edge_dnq_export import litert

ACTIONS, CLASSES = 4, 12


def inputs(config: PolicyConfig, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    frame = torch.randn(1, 3, config.input_size, config.input_size, generator=generator)
    state = torch.randn(2, 1, config.hidden, generator=generator).tanh()
    return frame, state[0], state[1]


class QuantisedEncoderProgram(torch.nn.Module):
    """int8 convolutions; the memory stays float32, as its state must survive thousands of steps."""

    def __init__(self, policy: PolicyNet, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.policy = policy
        self.encoder = encoder

    def forward(
        self, frame: torch.Tensor, h: torch.Tensor, c: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        hidden, cell = self.policy.cell(self.encoder(frame).mean((2, 3)), (h, c))
        return self.policy.action_head(hidden), hidden, cell


def write_int8(policy: PolicyNet, config: PolicyConfig, path: Path) -> None:
    """Quantise the convolutions statically, calibrated on random frames, and convert."""
    import litert_torch
    from litert_torch.quantize.pt2e_quantizer import (
        PT2EQuantizer,
        get_symmetric_quantization_config,
    )
    from litert_torch.quantize.quant_config import QuantConfig

    static = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=False)
    quantizer = PT2EQuantizer().set_global(static)
    exported = torch.export.export(policy.features, inputs(config, 0)[:1]).module()
    prepared: Any = prepare_pt2e(exported, quantizer)
    for seed in range(16):
        prepared(inputs(config, seed)[0])
    encoder = convert_pt2e(prepared, fold_quantize=False)
    program = QuantisedEncoderProgram(policy, encoder)
    litert_torch.convert(
        program, inputs(config, 0), quant_config=QuantConfig(pt2e_quantizer=quantizer)
    ).export(str(path))


def interpreter(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    loaded = Interpreter(str(path), num_threads=1)
    loaded.allocate_tensors()
    rng = np.random.default_rng(0)
    for detail in loaded.get_input_details():
        value = rng.standard_normal(detail["shape"]) * (1 if detail["dtype"] == np.float32 else 40)
        loaded.set_tensor(detail["index"], value.astype(detail["dtype"]))
    return loaded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    arguments = parser.parse_args()
    config = PolicyConfig()
    torch.manual_seed(0)
    policy = PolicyNet(config, ACTIONS, CLASSES).eval()
    program = PolicyProgram(policy).eval()
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.tflite" for name in ("float32", "int8")}
        litert.write_policy(program, config.input_size, config.hidden, paths["float32"])
        with litert._quiet():
            write_int8(policy, config, paths["int8"])
        interpreters = {name: interpreter(path) for name, path in paths.items()}
    times: dict[str, list[float]] = {name: [] for name in interpreters}
    for _ in range(arguments.runs):
        for name, loaded in interpreters.items():
            start = time.perf_counter()
            loaded.invoke()
            times[name].append((time.perf_counter() - start) * 1e3)
    print(f"{platform.machine()}, ai-edge-litert {version('ai-edge-litert')}, one thread")
    for name, values in times.items():
        operations = [op["op_name"] for op in interpreters[name]._get_ops_details()]
        quantised = sum("QUANTIZE" in name for name in operations)
        print(f"{name:8} {median(values):.3f} ms   {len(operations)} ops, {quantised} (de)quantise")
    print(f"int8 / float32: {median(times['int8']) / median(times['float32']):.2f}")


if __name__ == "__main__":
    main()
