"""The app's sources against a real android.jar, and its package by Android's own tools."""

from __future__ import annotations

import hashlib
import re
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from android_demo.draw_icon import RESOURCES, SIDES, draw_icon
from edge_dnq.bundle import Bundle
from tests.android.apk import LIBRARIES, BuiltApk, build_apk, compile_app, generate_resources
from tests.android.bundles import write_odd_bundle
from tests.android.debian_sdk import DebianSdk, call
from tests.android.gradle_project import GradleProject
from tests.android.java import GSON, JUNIT, compile_java, java_sources, run_junit

pytestmark = pytest.mark.xdist_group("android")

MACHINES = {"arm64-v8a": 183, "x86_64": 62}
"""ELF's numbers of processors."""

PAGE = 4096

WRONG_USES = {
    "a method of level 24": (
        "android.view.View view = null; view.cancelDragAndDrop();",
        "cancelDragAndDrop",
    ),
    "a constant of level 24": (
        "String key = android.media.MediaFormat.KEY_COLOR_RANGE;",
        "KEY_COLOR_RANGE",
    ),
    "a class that Android's Java lacked": (
        "java.util.function.Supplier<String> supplier = null;",
        "java.util.function",
    ),
    "a wrong argument": ("new android.os.Handler().postDelayed(1, null);", "postDelayed"),
    "a deprecated call": (
        "android.hardware.Camera.open();",
        "deprecat",
    ),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_odd_bundle(tmp_path_factory.mktemp("bundle") / "odd")


@pytest.fixture(scope="module")
def apk(
    sdk: DebianSdk,
    android_project: GradleProject,
    bundle: Path,
    require_tools: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> BuiltApk:
    require_tools("gcc", "aarch64-linux-gnu-gcc")
    return build_apk(sdk, android_project, bundle, tmp_path_factory.mktemp("apk"))


@pytest.mark.parametrize("use", WRONG_USES)
def test_a_wrong_use_of_the_platform_does_not_compile(
    sdk: DebianSdk, use: str, tmp_path: Path
) -> None:
    statement, complaint = WRONG_USES[use]
    source = tmp_path / "Wrong.java"
    source.write_text(f"final class Wrong {{ void use() {{ {statement} }} }}\n")
    done = compile_java([source], [], tmp_path / "classes", boot=sdk.android_jar)
    assert done.returncode != 0
    assert complaint in done.stderr


def test_a_wrong_use_inside_the_app_does_not_compile(
    sdk: DebianSdk, android_project: GradleProject, tmp_path: Path
) -> None:
    (tmp_path / "assets").mkdir()
    generate_resources(sdk, android_project, tmp_path, tmp_path / "assets")
    source = tmp_path / "Wrong.java"
    source.write_text(
        "package dev.edgednq.app;\nfinal class Wrong { int text = R.string.no_such_text; }\n"
    )
    done = compile_app(sdk, android_project, tmp_path, source)
    assert done.returncode != 0
    assert re.findall(r"^\S+: error: .*", done.stderr, re.MULTILINE) == [
        f"{source}:2: error: cannot find symbol"
    ]


def test_what_dalvik_lacks_is_refused(sdk: DebianSdk, tmp_path: Path) -> None:
    source = tmp_path / "Lambda.java"
    source.write_text("final class Lambda { Runnable nothing = () -> {}; }\n")
    done = compile_java([source], [], tmp_path / "classes")
    assert done.returncode == 0, done.stderr
    with pytest.raises(AssertionError, match="nvokedynamic"):
        sdk.dex([tmp_path / "classes"], tmp_path / "classes.dex", 24)


def test_the_package_says_what_the_project_says(
    apk: BuiltApk, android_project: GradleProject
) -> None:
    badging = call("aapt2", "dump", "badging", apk.path)
    setting = android_project.setting
    assert f"package: name='{setting('app', 'applicationId')}'" in badging
    assert f"versionName='{setting('app', 'versionName')}'" in badging
    assert f"sdkVersion:'{setting('app', 'minSdk')}'" in badging
    assert f"targetSdkVersion:'{setting('app', 'targetSdk')}'" in badging
    assert "launchable-activity: name='dev.edgednq.app.MainActivity'" in badging
    assert re.findall(r"uses-permission: name='([^']+)'", badging) == ["android.permission.CAMERA"]
    # Without a camera the app is of use, too: no store may hide it.
    assert "uses-feature-not-required: name='android.hardware.camera'" in badging
    assert "uses-feature: name='android.hardware.camera" not in badging
    native = re.search(r"^native-code: (.+)$", badging, re.MULTILINE)
    assert native is not None
    assert sorted(re.findall(r"'([^']+)'", native[1])) == sorted(android_project.abis)
    for density in (160, 240, 320, 480, 640):
        assert f"application-icon-{density}:" in badging


def test_the_signature_holds_and_covers_everything(apk: BuiltApk, tmp_path: Path) -> None:
    said = call("apksigner", "verify", "--verbose", apk.path)
    assert said.startswith("Verifies")
    assert "Verified using v2 scheme (APK Signature Scheme v2): true" in said
    tampered = tmp_path / "tampered.apk"
    content = bytearray(apk.path.read_bytes())
    content[content.find(b"manifest.json") + 200] ^= 1
    tampered.write_bytes(content)
    done = subprocess.run(["apksigner", "verify", tampered], capture_output=True, text=True)
    assert done.returncode != 0


def test_all_classes_and_no_others_are_in_the_code(apk: BuiltApk) -> None:
    with zipfile.ZipFile(apk.path) as archive:
        code = apk.path.with_name("extracted.dex")
        code.write_bytes(archive.read("classes.dex"))
    found = set(re.findall(r"Class descriptor  : 'L([^;]+);'", call("dexdump", code)))
    compiled = {
        str(path.relative_to(apk.classes).with_suffix("")) for path in apk.classes.rglob("*.class")
    }
    assert compiled <= found
    assert {name.split("/")[0] for name in found - compiled} == {"com"}  # com.google.gson
    tree = call("aapt2", "dump", "xmltree", apk.path, "--file", "AndroidManifest.xml")
    activities = re.findall(r'E: activity.*?name\(0x\w+\)="([^"]+)"', tree, re.DOTALL)
    assert len(activities) == 5
    assert {name.replace(".", "/") for name in activities} <= compiled


def test_libraries_lie_where_their_processors_look(
    apk: BuiltApk, android_project: GradleProject
) -> None:
    with zipfile.ZipFile(apk.path) as archive:
        names = [name for name in archive.namelist() if name.startswith("lib/")]
        assert sorted(names) == sorted(
            f"lib/{abi}/{name}" for abi in android_project.abis for name in LIBRARIES
        )
        for name in names:
            content = archive.read(name)
            assert content[:4] == b"\x7fELF"
            assert struct.unpack_from("<H", content, 18)[0] == MACHINES[name.split("/")[1]]
            entry = archive.getinfo(name)
            assert entry.compress_type == zipfile.ZIP_STORED
            assert _data_offset(apk.path, entry) % PAGE == 0
    call("zipalign", "-c", "-p", "4", apk.path)


def _data_offset(path: Path, entry: zipfile.ZipInfo) -> int:
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
    return entry.header_offset + 30 + int(name) + int(extra)


def test_the_bundle_in_the_assets_is_whole(apk: BuiltApk, bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(apk.path) as archive:
        archive.extractall(tmp_path)
    packed = Bundle.load(tmp_path / "assets/bundle")
    assert packed.manifest == Bundle.load(bundle).manifest
    for path in bundle.iterdir():
        digests = [
            hashlib.sha256((folder / path.name).read_bytes()).hexdigest()
            for folder in (bundle, tmp_path / "assets/bundle")
        ]
        assert digests[0] == digests[1], path.name
    assert b"Apache License" in (tmp_path / "assets/licence/LICENSE").read_bytes()


@pytest.mark.parametrize("density", SIDES)
def test_the_old_icon_is_the_vector_drawn(density: str) -> None:
    path = RESOURCES / f"mipmap-{density}/ic_launcher.png"
    drawn = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert drawn is not None
    np.testing.assert_array_equal(drawn, draw_icon(SIDES[density]))


def test_every_problem_has_a_sentence_and_a_way_out(
    apk: BuiltApk, android_project: GradleProject, tmp_path: Path
) -> None:
    tests = android_project.folder / "app/src/test/java"
    # Not Android's classes: those of the app that need none of them run on any JVM.
    done = compile_java(java_sources(tests), [apk.classes, *JUNIT], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "OK (" in run_junit(tests, [tmp_path, apk.classes, GSON])
