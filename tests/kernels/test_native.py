"""The C++ tests: as shipped, and under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
VARIANTS = {
    "shipped": [],
    # -O1 without NDEBUG: assertions on, and stack traces that can be read.
    "sanitized": [
        "-DEDGE_DNQ_SANITIZE=ON",
        "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -fno-omit-frame-pointer",
    ],
}
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **SANITIZER_OPTIONS},
    )


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_native(variant: str, require_tools: Callable[..., None]) -> None:
    require_tools("cmake", "c++")
    build = REPOSITORY / "build" / f"tests-{variant}"
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    configured = call(
        "cmake", "-S", REPOSITORY / "kernels", "-B", build, *generator, "-DEDGE_DNQ_TESTS=ON",
        *VARIANTS[variant],
    )  # fmt: skip
    if configured.returncode and "GTest" in configured.stdout and not os.environ.get("CI"):
        pytest.skip("GoogleTest is missing: 'make system-packages' installs it")
    assert configured.returncode == 0, configured.stdout
    built = call("cmake", "--build", build, "--parallel", "2")
    assert built.returncode == 0, built.stdout[-8000:]
    tested = call("ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error")
    assert tested.returncode == 0, tested.stdout[-8000:]
