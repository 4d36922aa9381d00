"""Is the policy faster with an int8 or with a float32 encoder on this machine?

Exports the default policy as it ships (int8 convolutions, float32 memory) and a float32 network of
the same shape, runs the two programs interleaved on the stock runtime, one thread, and prints
medians. Run: python benchmarks/policy_precision.py
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from edge_dnq.nn.config import PolicyConfig
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq_export import litert
from edge_dnq_export.lowering import lower_policy
from edge_dnq_export.quiet import quiet

ACTIONS, CLASSES = 4, 12


class FloatPolicy(nn.Module):
    """The same shapes without quantisation."""

    def __init__(self, policy: PolicyNet) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((3, *policy.config.channels)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.cell, self.action_head = policy.cell, policy.action_head

    def forward(
        self, frame: torch.Tensor, h: torch.Tensor, c: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        features = self.features(frame).mean((2, 3), keepdim=True).flatten(1)
        hidden, cell = self.cell(features, (h, c))
        return self.action_head(hidden), hidden, cell


def write_float(policy: PolicyNet, path: Path) -> None:
    import litert_torch

    size, state = policy.config.input_size, torch.zeros(1, policy.config.hidden)
    module = litert_torch.to_channel_last_io(FloatPolicy(policy).eval(), args=[0]).eval()
    arguments = (torch.zeros(1, size, size, 3), state, state.clone())
    litert_torch.convert(module, arguments).export(str(path))


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
    parser.add_argument("--runs", type=int, default=5000)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    policy = PolicyNet(PolicyConfig(), ACTIONS, CLASSES).eval()
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.tflite" for name in ("int8", "float32")}
        litert.write_policy(policy, lower_policy(policy), paths["int8"])
        with quiet():
            write_float(policy, paths["float32"])
        interpreters = {name: interpreter(path) for name, path in paths.items()}
    times: dict[str, list[float]] = {name: [] for name in interpreters}
    for _ in range(arguments.runs):
        for name, loaded in interpreters.items():
            start = time.perf_counter()
            loaded.invoke()
            times[name].append((time.perf_counter() - start) * 1e3)
    print(f"{platform.machine()}, ai-edge-litert {version('ai-edge-litert')}, one thread")
    for name, values in times.items():
        print(
            f"{name:8} {median(values):.4f} ms   {len(interpreters[name]._get_ops_details())} ops"
        )
    print(f"int8 / float32: {median(times['int8']) / median(times['float32']):.2f}")


if __name__ == "__main__":
    main()
