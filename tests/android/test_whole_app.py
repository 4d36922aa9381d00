"""The app without its screens on this machine's JVM: bundle, frames, worker, JNI, real LiteRT."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.android.bundles import write_odd_bundle
from tests.android.cases import litert_library
from tests.android.gradle_project import GradleProject
from tests.android.java import GSON, JUNIT, compile_java, java_sources, run_junit
from tests.android.native_build import LIBRARY, build_native

pytestmark = pytest.mark.xdist_group("android")


def write_frames(frames: NDArray[np.uint8], path: Path) -> Path:
    """Write RGB frames, uint8 [N, H, W, 3] of even sizes, as cameras do: NV12, full range."""
    count, height, width, _ = frames.shape
    with path.open("wb") as file:
        file.write(struct.pack(">3i", count, height, width))
        for frame in frames:
            ycrcb = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
            halved = cv2.resize(ycrcb, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            file.write(ycrcb[..., 0].tobytes())
            file.write(np.ascontiguousarray(halved[..., [2, 1]]).tobytes())
    return path


def run_whole_app(project: GradleProject, bundle: Path, frames: Path, folder: Path) -> Path:
    """Run the JUnit tests; return the screen that they drew."""
    sources = java_sources(
        *project.sources("core", "native", "presentation"),
        project.folder / "presentation/src/test/java",
        project.folder / "app/src/jvmTest/java",
    )
    done = compile_java(sources, [GSON, *JUNIT], folder / "classes")
    assert done.returncode == 0, done.stderr
    library = build_native("android-host", ("edge_dnq_jni",)) / LIBRARY
    screen = folder / "screen.png"
    said = run_junit(
        project.folder / "app/src/jvmTest/java",
        [folder / "classes", GSON],
        {
            "edgednq.bundle": bundle,
            "edgednq.frames": frames,
            "edgednq.jni": library,
            "edgednq.litert": litert_library(),
            "edgednq.screen": screen,
        },
    )
    assert "OK (" in said
    return screen


def test_the_whole_app_without_its_screens(
    jdk: None,
    require_tools: Callable[..., None],
    android_project: GradleProject,
    frames: NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    require_tools("cmake", "ninja", "c++")
    bundle = write_odd_bundle(tmp_path / "odd")
    video = write_frames(frames, tmp_path / "frames.nv12")
    screen = cv2.imread(str(run_whole_app(android_project, bundle, video, tmp_path)))
    assert screen is not None
    # The frame fills the width, in the middle; the overlay lies above and below it.
    shown = cv2.cvtColor(cv2.resize(frames[-1], (720, 720)), cv2.COLOR_RGB2BGR)
    difference = np.abs(screen[120:720].astype(int) - shown[:600].astype(int))
    assert difference.mean() < 4  # Chroma is halved, and scaling is another's.
