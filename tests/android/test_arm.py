"""android_demo on an ARM Java under emulation, against Python on the same emulated processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.android.arm_jvm import ArmJvm
from tests.android.bundles import write_odd_bundle
from tests.android.cases import LITERT, write_case
from tests.android.java import run_junit
from tests.android.native_build import LIBRARY, NATIVE_TESTS, REPOSITORY, TOOLCHAIN, build_native
from tests.debian import UnavailableError
from tests.emulation.machine import PROCESSORS, Machine, Processor

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("android-arm")]

# One without and one with a dot product.
CHOSEN = [processor for processor in PROCESSORS if processor.name in ("cortex-a53", "cortex-a76")]
FRAMES = 12
CYCLES = 25

ANSWER = """
import sys
sys.path[:0] = sys.argv[1:3]
from tests.android.session_vectors import main
main(*sys.argv[3:])
"""


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, require_tools: Callable[..., None]) -> Machine:
    require_tools("qemu-aarch64", "aarch64-linux-gnu-g++", "cmake", "ninja")
    assert request.config.cache is not None
    try:
        return Machine(request.config.cache.mkdir("aarch64"))
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def jvm(machine: Machine) -> ArmJvm:
    try:
        return ArmJvm(machine)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("processor", CHOSEN, ids=[processor.name for processor in CHOSEN])
def test_sessions_answer_as_python_does(
    processor: Processor,
    machine: Machine,
    jvm: ArmJvm,
    native_classes: list[Path],
    bundle_folder: Path,
    frames: np.ndarray,
    tmp_path: Path,
) -> None:
    def answer(bundle: Path, pictures: Path, out: Path) -> None:
        with machine.lock():
            packages = machine.unpacked("msgspec")
        words = ["-c", ANSWER, REPOSITORY, packages, bundle, pictures, out, "off"]
        done = machine.python(processor, words)
        assert done.returncode == 0, done.stderr[-3000:]

    cases = tmp_path / "cases"
    write_case(cases / "1-odd", write_odd_bundle(tmp_path / "odd"), frames[:FRAMES], answer)
    write_case(cases / "2-tiny", bundle_folder, frames[:FRAMES], answer)
    build = build_native("android-aarch64", ["edge_dnq_jni"], f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}")
    with machine.lock():
        litert = machine.unpacked("ai-edge-litert") / "ai_edge_litert" / LITERT
    said = run_junit(
        NATIVE_TESTS,
        native_classes,
        {
            "edgednq.cases": cases,
            "edgednq.jni": build / LIBRARY,
            "edgednq.litert": litert,
            "edgednq.cycles": CYCLES,
        },
        names="[SL]*Test",
        java=lambda words: jvm.run(processor, words),
    )
    assert "OK (" in said
