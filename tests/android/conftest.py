"""Fixtures of the Android app's checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.android.debian_sdk import FRAMEWORK, TOOLS, DebianSdk
from tests.android.gradle_project import GradleProject
from tests.android.java import ANDROID_DEMO, GSON, JUNIT, compile_java, java_sources
from tests.android.native_build import NATIVE_TESTS
from tests.debian import UnavailableError


@pytest.fixture(scope="session")
def jdk(require_tools: Callable[..., None]) -> None:
    """A JDK, JUnit and Gson; skips where they are missing."""
    require_tools("java", "javac")
    for jar in (GSON, *JUNIT):
        if not jar.is_file():
            pytest.skip(f"missing: {jar}; 'make system-packages' installs it")


@pytest.fixture(scope="session")
def native_classes(jdk: None, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Class path of core, native and native's tests."""
    output = tmp_path_factory.mktemp("native-classes")
    folders = [ANDROID_DEMO / name / "src/main/java" for name in ("core", "native")]
    done = compile_java(java_sources(*folders, NATIVE_TESTS), [GSON, *JUNIT], output)
    assert done.returncode == 0, done.stderr
    return [output, GSON]


@pytest.fixture(scope="session")
def sdk(request: pytest.FixtureRequest, jdk: None, require_tools: Callable[..., None]) -> DebianSdk:
    """Android's build tools; skips where they cannot be had."""
    require_tools(*TOOLS)
    if not FRAMEWORK.is_file():
        pytest.skip(f"missing: {FRAMEWORK}; 'make system-packages' installs it")
    assert request.config.cache is not None
    try:
        return DebianSdk(request.config.cache.mkdir("android"))
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def android_project() -> GradleProject:
    """The Gradle project."""
    return GradleProject(ANDROID_DEMO)
