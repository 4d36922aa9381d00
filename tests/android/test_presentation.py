"""What the app does without a screen, on this machine's JVM: life cycle, bundles, the overlay."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import msgspec
import pytest

from edge_dnq.bundle import ActionSpec, Bundle, file_spec, write_manifest
from edge_dnq.report.colors import action_styles
from tests.android.bundles import write_odd_bundle
from tests.android.gradle_project import GradleProject
from tests.android.java import GSON, JUNIT, compile_java, java_sources, run_junit

pytestmark = pytest.mark.xdist_group("android")


def write_colourful_bundle(folder: Path) -> Path:
    """Write a bundle with all widths, two of them twice, and more skips than greys."""
    manifest = Bundle.load(write_odd_bundle(folder)).manifest
    low = next(program for program in manifest.programs if program.activation_bits == 4)
    more = []
    for name, bits in (("w8a8", 8), ("w8a8r80", 8), ("w4a4", 4), ("w2a2", 2)):
        shutil.copy(folder / low.files["litert"].file, folder / f"{name}.tflite")
        files = {"litert": file_spec(folder, f"{name}.tflite")}
        more.append(
            msgspec.structs.replace(
                low, name=name, weight_bits=bits, activation_bits=bits, files=files
            )
        )
    actions = [ActionSpec(name=program.name, program=program.name) for program in more]
    skips = [ActionSpec(name=f"skip{count}", skip=count) for count in (5, 7)]
    replaced = msgspec.structs.replace(
        manifest,
        policy=None,
        programs=(*manifest.programs, *more),
        actions=(*manifest.actions, *actions, *skips),
    )
    write_manifest(folder, replaced)
    (folder / "policy.tflite").unlink()
    return folder


def test_everything_that_needs_no_screen(
    jdk: None, android_project: GradleProject, tmp_path: Path
) -> None:
    bundle = write_colourful_bundle(tmp_path / "colourful")
    tests = android_project.folder / "presentation/src/test/java"
    sources = java_sources(*android_project.sources("core", "presentation"), tests)
    done = compile_java(sources, [GSON, *JUNIT], tmp_path / "classes")
    assert done.returncode == 0, done.stderr
    styles = action_styles(Bundle.load(bundle).manifest).values()
    overlay = tmp_path / "overlay.png"
    said = run_junit(
        tests,
        [tmp_path / "classes", GSON],
        {
            "edgednq.bundle": bundle,
            "edgednq.overlay": overlay,
            "edgednq.styles": "".join(f"{s.name} {s.color} {s.height};" for s in styles),
        },
    )
    assert "OK (" in said
    picture = cv2.imread(str(overlay))
    assert picture is not None
    assert picture.shape == (1440, 1080, 3)
