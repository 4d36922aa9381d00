"""android_demo/core on this machine's JVM, against what the Python package computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.android.bundles import write_odd_bundle
from tests.android.core_vectors import write_core_vectors
from tests.android.java import ANDROID_DEMO, GSON, JUNIT, compile_java, java_sources, run_junit

pytestmark = pytest.mark.xdist_group("android")


def test_core(jdk: None, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors"
    write_core_vectors(vectors)
    write_odd_bundle(vectors / "bundle")
    tests = ANDROID_DEMO / "core/src/test/java"
    sources = java_sources(ANDROID_DEMO / "core/src/main/java", tests)
    done = compile_java(sources, [GSON, *JUNIT], tmp_path / "classes")
    assert done.returncode == 0, done.stderr
    said = run_junit(tests, [tmp_path / "classes", GSON], {"edgednq.vectors": vectors})
    assert "OK (" in said
