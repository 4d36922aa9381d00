"""Fixtures of the tests that run AArch64 code: the machine and a cross build of the kernels."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulation.device import Device
from tests.emulation.machine import PROCESSORS, Machine, MachineUnavailableError, Processor

KERNELS = Path(__file__).resolve().parents[2] / "kernels"
TARGETS = ("edge_dnq_kernel_tests", "edge_dnq_litert")


@pytest.fixture(scope="session")
def machine(request: pytest.FixtureRequest, require_tools: Callable[..., None]) -> Machine:
    """The machine, whose Python has been seen to start."""
    require_tools("qemu-aarch64", "aarch64-linux-gnu-g++", "cmake", "ninja")
    assert request.config.cache is not None
    try:
        made = Machine(request.config.cache.mkdir("aarch64"))
        started = made.python(PROCESSORS[0], ["-c", "import ai_edge_litert.interpreter"])
    except MachineUnavailableError as error:
        pytest.skip(str(error))
    assert started.returncode == 0, started.stderr
    return made


@pytest.fixture(scope="session")
def cross_build(machine: Machine) -> Path:
    """Folder of the kernels' tests and delegate for AArch64."""
    folder = machine.folder / "build"
    toolchain = KERNELS / "cmake/aarch64-linux-gnu.cmake"
    options = [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-DEDGE_DNQ_TESTS=ON"]
    with machine.lock():
        for command in (
            ["cmake", "-S", KERNELS, "-B", folder, "-G", "Ninja", *options],
            ["cmake", "--build", folder, "--target", *TARGETS],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def device(machine: Machine) -> Device:
    """The product, installed on the machine."""
    try:
        return Device(machine)
    except MachineUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(params=PROCESSORS, ids=[processor.name for processor in PROCESSORS])
def processor(request: pytest.FixtureRequest) -> Processor:
    """Each emulated processor."""
    chosen: Processor = request.param
    return chosen
