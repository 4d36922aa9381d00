"""The instructions that a tile executes: the same on every machine, so a gate and not a timing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.modelled.__main__ import loop_macs
from benchmarks.modelled.trace import Build, Kernel

# Per 1000 MACs of a 3x3 window with 128 channels, flushed every 14 steps in 2-bit kernels.
MOST = {
    "conv_w8s8_neon_4x4": 280,
    "conv_w4u8_neon_4x4": 225,
    "conv_w2a2_neon_4x32": 126,
    "conv_w8s8_neondot_4x16": 90,
    "conv_w8u7_neondot_4x16": 90,
    "conv_w2a2_neondot_4x32": 126,
}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory, require_tools: Callable[..., None]) -> Build:
    require_tools("qemu-aarch64", "aarch64-linux-gnu-g++", "cmake", "ninja")
    return Build(tmp_path_factory.mktemp("modelled"))


def test_every_kernel_has_a_limit(build: Build) -> None:
    assert {kernel.name for kernel in build.kernels()} == set(MOST)


@pytest.mark.parametrize("name", MOST)
def test_tiles_execute_no_more_instructions_than_before(build: Build, name: str) -> None:
    trace = build.trace(Kernel(name, ""), 128, 32)
    assert trace.macs == 4 * 32 * 9 * 128
    count = 1000 * len(trace.addresses) / trace.macs
    assert count <= MOST[name], f"{name}: {count:.1f} instructions per 1000 MACs"
    assert count > 0.9 * MOST[name], f"{name} got better: lower its limit to {count:.1f}"


@pytest.mark.parametrize("name", MOST)
def test_the_hot_loop_does_most_of_the_multiplying(build: Build, name: str) -> None:
    """Else the modelled limit would be another loop's."""
    trace = build.trace(Kernel(name, ""), 128, 32)
    first, last = trace.hot_loop
    executed = [trace.text[at] for at in trace.addresses if first <= at <= last]
    share = loop_macs(executed) / trace.macs
    assert 0.5 < share <= 1, f"{name}: {share:.0%} of the MACs in {len(trace.loop_body())} lines"
