"""Integer reference == the package's kernels in ExecuTorch == stock ExecuTorch by its own rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge_dnq.manifest import TensorSpec
from edge_dnq.nn.config import DEFAULT_PROGRAMS, PolicyConfig
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.programs import load_program
from edge_dnq_export import reference
from edge_dnq_export.checks import policy_outputs, program_outputs
from edge_dnq_export.graph import IntegerGraph, Tensor
from edge_dnq_export.lowering import lower, lower_policy
from edge_dnq_export.targets import KERNELS, STOCK, Target
from tests.export.networks import input_codes, normalised, pixels, random_network

pytestmark = pytest.mark.usefixtures("executorch_library")

FRAMES = 3


def specs(graph: IntegerGraph) -> tuple[TensorSpec, TensorSpec]:
    first, last = graph.tensors[graph.input], graph.tensors[graph.output]
    return (
        TensorSpec(name="args_0", shape=(1, *first.shape), dtype="int8"),
        TensorSpec(name="output_0", shape=(1, *last.shape), dtype="int8"),
    )


def answers(graph: IntegerGraph, target: Target, codes: np.ndarray, folder: Path) -> np.ndarray:
    path = folder / f"{graph.program}{target.suffix}"
    target.write_program(graph, path)
    source, output = specs(graph)
    program = load_program(
        path.read_bytes(), (source,), (output,), target.runtime, kernels=target.kernels
    )
    assert (program.kernels.isa is None) == (target is STOCK), program.kernels.describe()
    return program_outputs(program, codes)


@pytest.mark.parametrize(
    ("architecture", "width", "size", "seed"),
    [("resnet18", 0.25, 64, 0), ("resnet50", 0.125, 32, 1), ("resnet18", 0.125, 96, 2)],
)
@pytest.mark.parametrize("program", DEFAULT_PROGRAMS, ids=lambda program: program.name)
def test_random_networks(
    architecture: str, width: float, size: int, seed: int, program: object, tmp_path: Path
) -> None:
    network = random_network(architecture, width, size, seed, (program,))  # type: ignore[arg-type]
    graph = lower(network, program.name)  # type: ignore[attr-defined]
    codes = input_codes(pixels(size, seed + 7, FRAMES))
    for target in (KERNELS, STOCK):
        expected = reference.run(graph, codes, target.add)[graph.output]
        np.testing.assert_array_equal(
            answers(graph, target, codes, tmp_path), expected, err_msg=target.key
        )


def test_the_policy(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = PolicyConfig(input_size=24, channels=(8, 16), hidden=8)
    policy = PolicyNet(config, actions=4, classes=3).train()
    images = pixels(24, 0)
    for _ in range(3):
        policy(normalised(images), policy.initial_state(len(images)))
    policy.eval()
    lowered = lower_policy(policy)
    frame, _ = specs(lowered.encoder)
    shapes = {"args": (1, 8), "output": (1, 8)}
    inputs, outputs = (
        [TensorSpec(name=f"{name}_{i}", shape=shapes[name], dtype="float32") for i in (0, 1, 2)]
        for name in ("args", "output")
    )
    inputs[0] = frame
    outputs[0] = TensorSpec(name="output_0", shape=(1, 4), dtype="float32")
    results = []
    for target in (KERNELS, STOCK):
        path = tmp_path / f"policy{target.suffix}"
        target.write_policy(policy, lowered, path)
        program = load_program(
            path.read_bytes(), inputs, outputs, target.runtime, kernels=target.kernels
        )
        results.append(policy_outputs(program, input_codes(images), config.hidden))
    state = policy.initial_state(1)
    with torch.no_grad():
        for index in range(len(images)):
            output = policy(normalised(images[index : index + 1]), state)
            state = output.state
    for result in results:
        np.testing.assert_allclose(result["policy/h"], state[0].numpy(), atol=1e-5)
        np.testing.assert_allclose(result["policy/c"], state[1].numpy(), atol=1e-5)
        np.testing.assert_allclose(
            result["policy/logits"][-1], output.action_logits[0].numpy(), atol=1e-5
        )


@pytest.mark.parametrize("seed", range(4))
def test_additions_by_the_two_rules_differ_next_to_ties_only(seed: int) -> None:
    """By one level, where the exact sum is within float32's error of a tie."""
    rng = np.random.default_rng(seed)
    scale = 6 / 255
    tensors = [
        Tensor(name, (256, 256, 1), float(np.float32(scale * factor)), zero, -128, 127)
        for name, factor, zero in (("x", rng.uniform(0.3, 3), 0), ("y", rng.uniform(0.3, 3), -128))
    ]
    output = Tensor("sum", (256, 256, 1), scale, -128, -128, 127)
    x, y = (grid.astype(np.int8) for grid in np.meshgrid(*[np.arange(-128, 128)] * 2))
    fixed = reference.add(x, y, *tensors, output).astype(int)
    floating = reference.float_add(x, y, *tensors, output).astype(int)
    exact = sum(
        (codes.astype(float) - tensor.zero_point) * tensor.scale / output.scale
        for codes, tensor in zip((x, y), tensors, strict=True)
    )
    from_tie = np.abs(np.abs(exact - np.trunc(exact)) - 0.5)
    different = fixed != floating
    assert np.abs(fixed - floating).max() <= 1
    assert from_tie[different].max(initial=0) < 1e-3
    assert different.mean() < 1e-3
