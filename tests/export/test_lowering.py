"""torch == integer reference == stock LiteRT, for random networks of the family."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.config import DEFAULT_PROGRAMS, PolicyConfig, ProgramConfig
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq_export import checks, reference
from edge_dnq_export.graph import Conv, IntegerGraph, Linear
from edge_dnq_export.lowering import lower, lower_policy
from tests.export.networks import (
    input_codes,
    normalised,
    pixels,
    random_network,
    run_on_stock_runtime,
)

ODD = {4: set(range(-15, 16, 2)), 2: {-3, -1, 1, 3}}

FAMILY = [
    # Both stems, all block kinds, odd feature-map sides, every pair of widths that is shipped.
    ("resnet18", 0.125, 32, 0, DEFAULT_PROGRAMS),
    ("resnet18", 0.25, 96, 1, DEFAULT_PROGRAMS),
    ("resnet18", 0.375, 73, 2, DEFAULT_PROGRAMS[1:]),
    ("resnet34", 0.125, 57, 3, DEFAULT_PROGRAMS[2:]),
    ("resnet50", 0.125, 64, 4, DEFAULT_PROGRAMS[1:]),
    ("efficientnet_lite0", 0.25, 48, 6, DEFAULT_PROGRAMS[1:]),
    ("resnet18", 0.125, 48, 5, (ProgramConfig("w8a4", 8, 4), ProgramConfig("w2a8", 2, 8))),
]


def torch_differences(
    network: AnyPrecisionBackbone, graph: IntegerGraph, images: np.ndarray, values: dict[str, Any]
) -> Counter[str]:
    frames = normalised(images)
    return checks.torch_differences(
        graph, values, lambda tap: network.deployed(frames, graph.program, tap)
    )


@pytest.mark.parametrize(("architecture", "width", "size", "seed", "programs"), FAMILY)
def test_every_program_answers_like_the_reference(
    architecture: str,
    width: float,
    size: int,
    seed: int,
    programs: tuple[ProgramConfig, ...],
    tmp_path: Path,
) -> None:
    network = random_network(architecture, width, size, seed, programs)
    images = pixels(size, seed + 100)
    codes = input_codes(images)
    for program in network.programs:
        graph = lower(network, program)
        values = reference.run(graph, codes)
        stock = run_on_stock_runtime(graph, codes, tmp_path)
        np.testing.assert_array_equal(stock, values[graph.output])
        assert len(np.unique(values[graph.output])) > 4, "a constant output would prove nothing"
        # Raises when anything but an ADD or a MEAN differs, or one differs by more than a level.
        counts = torch_differences(network, graph, images, values)
        assert counts["conv"] == counts["linear"] == counts["max_pool"] == 0


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000),
    architecture=st.sampled_from(("resnet18", "resnet34", "resnet50", "efficientnet_lite0")),
    width=st.sampled_from((0.125, 0.25)),
    size=st.integers(32, 64),
    program=st.sampled_from(DEFAULT_PROGRAMS),
)
def test_torch_equals_the_reference_operation_by_operation(
    seed: int, architecture: str, width: float, size: int, program: ProgramConfig
) -> None:
    network = random_network(architecture, width, size, seed, (program,))
    images = pixels(size, seed + 1, count=2)
    graph = lower(network, program.name)
    values = reference.run(graph, input_codes(images))
    torch_differences(network, graph, images, values)
    assert graph.macs == network.macs(program.name)
    for name, codes in values.items():
        tensor = graph.tensors[name]
        assert codes.shape[1:] == tensor.shape
        assert codes.min() >= tensor.low
        assert codes.max() <= tensor.high


def body(graph: IntegerGraph) -> list[Conv]:
    return [node for node in graph.nodes if isinstance(node, Conv) and node.output != "stem"]


def test_programs_are_nested_in_one_set_of_weights() -> None:
    network = random_network("resnet18", 0.125, 32, 0, DEFAULT_PROGRAMS)
    by_bits = {p.weight_bits: body(lower(network, p.name)) for p in DEFAULT_PROGRAMS}
    for eight, four, two in zip(by_bits[8], by_bits[4], by_bits[2], strict=True):
        high = eight.weight.astype(int)
        # q8 is the master but for -128, which is clipped; both lie in the same bins.
        np.testing.assert_array_equal(four.weight, 2 * (high >> 4) + 1)
        np.testing.assert_array_equal(two.weight, 2 * (high >> 6) + 1)
        assert set(np.unique(four.weight)) <= ODD[4]
        assert set(np.unique(two.weight)) <= ODD[2]


def test_low_precision_can_be_recognised_from_standard_facts() -> None:
    network = random_network("resnet18", 0.125, 32, 0, DEFAULT_PROGRAMS)
    for program in DEFAULT_PROGRAMS:
        graph = lower(network, program.name)
        levels = 2**program.activation_bits
        for node in graph.nodes:
            tensor = graph.tensors[node.output]
            if isinstance(node, Conv) and node.relu6:
                assert tensor.scale == np.float32(6 / (levels - 1))
                assert tensor.zero_point == -128
                assert tensor.levels == levels
        first, last = graph.nodes[0], graph.nodes[-1]
        assert isinstance(first, Conv)
        assert isinstance(last, Linear)
        for edge in (first, last):
            assert np.abs(edge.weight.astype(int)).max() > 15, "stem and classifier stay at 8 bit"


def test_a_wrong_answer_is_noticed() -> None:
    """The comparison of the export can fail: change one bias, one level, one weight."""
    (program,) = DEFAULT_PROGRAMS[1:2]
    network = random_network("resnet18", 0.125, 32, 0, (program,))
    images = pixels(32, 9)
    graph = lower(network, program.name)
    values = reference.run(graph, input_codes(images))
    shifted = dict(values)
    shifted["stage2.block1.conv1"] = np.clip(values["stage2.block1.conv1"] + 1, -128, -113)
    with pytest.raises(Exception, match=r"differs from the integer reference at stage2\.block1"):
        torch_differences(network, graph, images, shifted)
    with torch.no_grad():
        network.stages[1][0].convs[0].norms["w4a4"].bias += 0.2  # type: ignore[index,union-attr]
    with pytest.raises(Exception, match="differs from the integer reference"):
        torch_differences(network, graph, images, values)


@settings(max_examples=6)
@given(
    seed=st.integers(0, 1000),
    side=st.integers(16, 50),
    channels=st.lists(st.sampled_from((8, 16, 24)), min_size=1, max_size=4),
)
def test_the_policys_encoder_is_an_integer_program_too(
    seed: int, side: int, channels: list[int]
) -> None:
    torch.manual_seed(seed)
    config = PolicyConfig(input_size=side, channels=tuple(channels), hidden=8)
    policy = PolicyNet(config, actions=4, classes=3).train()
    images = pixels(side, seed)
    for _ in range(3):
        policy(normalised(images), policy.initial_state(len(images)))
    policy.eval()
    encoder, units = lower_policy(policy)
    values = reference.run(encoder, input_codes(images))
    checks.torch_differences(encoder, values, lambda tap: policy.deployed(normalised(images), tap))
    feature = encoder.tensors[encoder.output]
    real = (values[encoder.output].astype(np.float32) + 128) * feature.scale / units
    np.testing.assert_allclose(real, policy.encode(normalised(images)).numpy(), rtol=1e-5)
