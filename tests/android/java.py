"""Compiling Java 8 as strictly as it goes, and running JUnit tests on this machine's JVM."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ANDROID_DEMO = Path(__file__).resolve().parents[2] / "android_demo"
DEBIAN_JARS = Path("/usr/share/java")
GSON = DEBIAN_JARS / "gson.jar"
JUNIT = (DEBIAN_JARS / "junit4.jar", DEBIAN_JARS / "hamcrest-core.jar")

# Newer compilers say that Java 8 is old; there is no annotation processor.
LINT = "-Xlint:all,-options,-processing"
# Short programs: starting fast beats running fast.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def java_sources(*folders: Path) -> list[Path]:
    """Return the Java files below folders."""
    return sorted(path for folder in folders for path in folder.rglob("*.java"))


def compile_java(
    sources: Sequence[Path],
    classpath: Sequence[Path],
    output: Path,
    *,
    boot: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Compile Java 8; every warning is an error.

    Args:
        sources: Files.
        classpath: Jars and folders of classes.
        output: Folder for the classes; made when missing.
        boot: What ``java.lang`` and all the platform come from instead of this JDK.
    """
    output.mkdir(parents=True, exist_ok=True)
    level = ["-source", "8", "-target", "8", LINT, "-Werror", "-encoding", "UTF-8"]
    platform: list[str | Path] = [] if boot is None else ["-bootclasspath", boot]
    path: list[str] = [] if not classpath else ["-classpath", joined(classpath)]
    return subprocess.run(
        ["javac", *level, *platform, *path, "-d", output, *sources],
        capture_output=True,
        text=True,
        timeout=600,
    )


def run_junit(
    tests: Path,
    classpath: Sequence[Path],
    properties: Mapping[str, object] | None = None,
    *,
    names: str = "*Test",
    java: Callable[[Sequence[str]], subprocess.CompletedProcess[str]] | None = None,
) -> str:
    """Run all test classes below ``tests``.

    Args:
        tests: Root of test sources.
        classpath: Their classes and what they need, JUnit excepted.
        properties: System properties.
        names: Pattern of the classes' names.
        java: Runs another Java than this machine's.

    Returns:
        What JUnit prints.
    """
    classes = [
        ".".join(path.relative_to(tests).with_suffix("").parts)
        for path in sorted(tests.rglob(f"{names}.java"))
    ]
    assert classes, f"no tests below {tests}"
    settings = [f"-D{name}={value}" for name, value in (properties or {}).items()]
    path = joined([*classpath, *JUNIT])
    options = ["-Djava.awt.headless=true", *settings, "-classpath", path]
    done = (java or _run_java)([*options, "org.junit.runner.JUnitCore", *classes])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def _run_java(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = ["java", *QUICK_START, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def joined(paths: Sequence[Path]) -> str:
    """Return paths as Java takes them."""
    return ":".join(str(path) for path in paths)
