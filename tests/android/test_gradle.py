"""The Gradle files: Gradle itself cannot be had here, but the language they are written in can."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.manifest import MANIFEST, listed_files
from tests.android.bundles import write_odd_bundle
from tests.android.gradle_project import MODULES, GradleProject
from tests.android.java import DEBIAN_JARS, QUICK_START

GROOVY = DEBIAN_JARS / "groovy-all.jar"
# Up to the syntax tree: what the names mean only Gradle knows.
PARSE = """import org.codehaus.groovy.control.*
args.each { new CompilationUnit().with { unit ->
  addSource(new File(it)); unit.compile(Phases.CONVERSION) } }"""


def parse(*files: Path) -> subprocess.CompletedProcess[str]:
    command = ["java", *QUICK_START, "-cp", GROOVY, "groovy.ui.GroovyMain", "-e", PARSE, *files]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture
def groovy(require_tools: Callable[..., None]) -> None:
    require_tools("java")
    if not GROOVY.is_file():
        pytest.skip(f"missing: {GROOVY}; 'make system-packages' installs it")


def test_the_build_files_are_groovy(
    groovy: None, android_project: GradleProject, tmp_path: Path
) -> None:
    files = sorted(android_project.folder.rglob("*.gradle"))
    assert len(files) == len(MODULES) + 2
    done = parse(*files)
    assert done.returncode == 0, done.stderr
    broken = tmp_path / "build.gradle"
    broken.write_text((android_project.folder / "app/build.gradle").read_text()[:-3])
    assert parse(broken).returncode != 0


def test_the_modules_are_those_that_are_checked(android_project: GradleProject) -> None:
    settings = (android_project.folder / "settings.gradle").read_text()
    assert tuple(re.findall(r"':(\w+)'", settings)) == MODULES
    for module in MODULES:
        text = (android_project.folder / module / "build.gradle").read_text()
        android = text.count("Compatibility = JavaVersion.VERSION_1_8") == 2
        assert android or "options.release = 8" in text, module


def test_the_assets_get_what_the_app_reads_and_no_more(
    android_project: GradleProject, tmp_path: Path
) -> None:
    manifest = Bundle.load(write_odd_bundle(tmp_path / "odd")).manifest
    text = (android_project.folder / "app/build.gradle").read_text()
    include = re.search(r"^    include\((.+)\)$", text, re.MULTILINE)
    assert include is not None
    patterns = re.findall(r"'([^']+)'", include[1])
    # '**/' is also no folder at all.
    taken = {
        name
        for name in [
            MANIFEST,
            *(spec.file for spec in listed_files(manifest)),
            "w8a8.pte",
            "report.html",
        ]
        if any(PurePosixPath(name).match(pattern.removeprefix("**/")) for pattern in patterns)
    }
    assert taken == {MANIFEST, *(spec.file for spec in listed_files(manifest))}


def test_the_readme_names_the_versions(android_project: GradleProject) -> None:
    readme = (android_project.folder / "README.md").read_text()
    wrapper = (android_project.folder / "gradle/wrapper/gradle-wrapper.properties").read_text()
    gradle = re.search(r"gradle-([\d.]+)-bin\.zip", wrapper)
    plugin = re.search(
        r"application' version '([\d.]+)'", (android_project.folder / "build.gradle").read_text()
    )
    assert gradle is not None
    assert plugin is not None
    shared = android_project.shared
    for version in (
        f"Gradle {gradle[1]}",
        f"Android Gradle Plugin {plugin[1]}",
        f"NDK {shared['ndkRelease'].strip(chr(39))}",
        f"platform {shared['compileLevel']}",
        f"LiteRT {shared['litert'].strip(chr(39)).rpartition(':')[2]}",
    ):
        assert version in readme, version
