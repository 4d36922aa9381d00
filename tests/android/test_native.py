"""android_demo/native on this machine: C++ under sanitizers, Java through JNI with real LiteRT."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.profiling.table import bundle_digest, read_table
from tests.android.bundles import write_odd_bundle
from tests.android.cases import litert_library, write_case, write_programs
from tests.android.java import run_junit
from tests.android.native_build import LIBRARY, NATIVE_TESTS, build_native, call
from tests.android.session_vectors import main as answer_here

pytestmark = pytest.mark.xdist_group("android")

SANITIZERS = {
    # Freed blocks are kept from reuse for a while; with the usual 256 MB of them a leak of the same
    # size would not show.
    "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def answer(bundle: Path, frames: Path, out: Path) -> None:
    answer_here(str(bundle), str(frames), str(out), "off")


@pytest.fixture(scope="session")
def build(jdk: None, require_tools: Callable[..., None]) -> Path:
    require_tools("cmake", "ninja", "c++")
    if not Path("/usr/src/googletest").is_dir():
        pytest.skip("GoogleTest is missing: 'make system-packages' installs it")
    targets = ("edge_dnq_jni", "edge_dnq_program_tests")
    return build_native("android-host", targets, "-DEDGE_DNQ_JNI_TESTS=ON")


def test_programs_under_sanitizers(build: Path, tmp_path: Path) -> None:
    write_programs(tmp_path / "programs", Bundle.load(write_odd_bundle(tmp_path / "odd")))
    call(
        build / "tests/edge_dnq_program_tests",
        EDGE_DNQ_LITERT=str(litert_library()),
        EDGE_DNQ_PROGRAMS=str(tmp_path / "programs"),
        **SANITIZERS,
    )


def test_sessions_answer_as_python_does(
    build: Path, native_classes: list[Path], bundle_folder: Path, frames: np.ndarray, tmp_path: Path
) -> None:
    """Also the life cycle, on the first case; and cost tables, which Python then reads."""
    cases = tmp_path / "cases"
    write_case(cases / "1-odd", write_odd_bundle(tmp_path / "odd"), frames, answer)
    write_case(cases / "2-tiny", bundle_folder, frames, answer)
    for case in cases.iterdir():
        actions = {
            step["action"]
            for run in json.loads((case / "vectors.json").read_text())["runs"]
            for step in run["steps"]
        }
        manifest = Bundle.load(case / "bundle").manifest
        assert actions == {action.name for action in manifest.actions}, "an action was never taken"
    said = run_junit(
        NATIVE_TESTS,
        native_classes,
        {
            "edgednq.cases": cases,
            "edgednq.jni": build / LIBRARY,
            "edgednq.litert": litert_library(),
        },
    )
    assert "OK (" in said
    for case in cases.iterdir():
        check_cost_table(case / "bundle")


def check_cost_table(folder: Path) -> None:
    """What Java wrote is a cost table that names the bundle as Python does."""
    manifest = Bundle.load(folder).manifest
    (path,) = folder.with_name("bundle.costs").glob("*.json")
    table = read_table(path)
    assert table.subject.bundle == bundle_digest(manifest)
    assert table.source_frame == (120, 160)
    assert table.created == "2025-11-24T16:00:00+00:00"
    costs = table.at(1)
    assert costs is not None
    assert set(costs.programs) == {program.name for program in manifest.programs}
    assert set(costs.actions) == {action.name for action in manifest.actions}
    assert path.name.endswith(f"_{table.subject.bundle[:12]}.json")
