"""The app's package, built as Gradle builds it, but for the native libraries.

Debian has no NDK. In their place stand libraries of the right kind that hold nothing, so that
their places, kinds and alignment can be checked; such a package is never shipped.
"""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.android.debian_sdk import DebianSdk
from tests.android.gradle_project import MODULES, GradleProject
from tests.android.java import GSON, compile_java, java_sources

COMPILERS = {"arm64-v8a": "aarch64-linux-gnu-gcc", "x86_64": "gcc"}
LIBRARIES = ("libedge_dnq_jni.so", "libLiteRt.so")


@dataclass(frozen=True)
class BuiltApk:
    """What came out.

    Attributes:
        path: The signed package.
        classes: Folder of the classes of all modules.
    """

    path: Path
    classes: Path


def generate_resources(sdk: DebianSdk, project: GradleProject, folder: Path, assets: Path) -> Path:
    """Make ``resources.apk`` and ``gen/.../R.java`` in ``folder``; return the former."""
    archive = sdk.compile_resources(project.folder / "app/src/main/res", folder / "resources.zip")
    manifest = project.write_manifest(folder / "AndroidManifest.xml")
    options: list[str | Path] = [*project.link_options(), "-A", assets, "--java", folder / "gen"]
    return sdk.link(manifest, archive, folder / "resources.apk", *options)


def compile_app(
    sdk: DebianSdk, project: GradleProject, folder: Path, extra: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Compile all modules, and a file more, against Android's API level 23 into ``classes``.

    ``generate_resources`` comes first.
    """
    sources = java_sources(*project.sources(*MODULES), folder / "gen")
    more = [] if extra is None else [extra]
    return compile_java([*sources, *more], [GSON], folder / "classes", boot=sdk.android_jar)


def build_apk(sdk: DebianSdk, project: GradleProject, bundle: Path, folder: Path) -> BuiltApk:
    """Build the package with a bundle in its assets."""
    assets = folder / "assets"
    shutil.copytree(bundle, assets / "bundle")
    (assets / "licence").mkdir()
    shutil.copy(project.folder.parent / "LICENSE", assets / "licence")
    package = generate_resources(sdk, project, folder, assets)
    done = compile_app(sdk, project, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    classes = folder / "classes"
    level = project.minimum_level
    code = sdk.dex([classes, GSON], folder / "classes.dex", level)
    with zipfile.ZipFile(package, "a") as archive:
        archive.write(code, "classes.dex", zipfile.ZIP_DEFLATED)
        for abi in project.abis:
            for name in LIBRARIES:
                library = empty_library(abi, folder / abi / name)
                archive.write(library, f"lib/{abi}/{name}", zipfile.ZIP_STORED)
    aligned = sdk.align(package, folder / "aligned.apk")
    return BuiltApk(sdk.sign(aligned, folder / "app.apk", level), classes)


def empty_library(abi: str, path: Path) -> Path:
    """Link a library without any content for a processor."""
    path.parent.mkdir(exist_ok=True)
    source = path.with_suffix(".c")
    source.write_text("")
    flags = ["-shared", "-nostdlib", f"-Wl,-soname,{path.name}", "-o"]
    subprocess.run([COMPILERS[abi], *flags, path, source], check=True)
    return path
