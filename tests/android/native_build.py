"""Building android_demo/native for this machine's Java and for an emulated ARM one."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.android.java import ANDROID_DEMO

REPOSITORY = ANDROID_DEMO.parent
SOURCE = ANDROID_DEMO / "native/src/main/cpp"
NATIVE_TESTS = ANDROID_DEMO / "native/src/jvmTest/java"
LIBRARY = "libedge_dnq_jni.so"
TOOLCHAIN = REPOSITORY / "kernels/cmake/aarch64-linux-gnu.cmake"


def build_native(name: str, targets: Sequence[str], *options: str) -> Path:
    """Build targets in ``build/NAME``, again where sources changed; return the folder.

    Raises:
        AssertionError: CMake or the compiler failed; the message is what they say.
    """
    folder = REPOSITORY / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        call(
            *("cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja"),
            *(f"-DEDGE_DNQ_JDK={jdk_folder()}", "-DEDGE_DNQ_WERROR=ON", *options),
        )
        call("cmake", "--build", folder, "--target", *targets)
    return folder


def jdk_folder() -> Path:
    """Return the folder of the JDK whose ``javac`` is on the path."""
    compiler = shutil.which("javac")
    assert compiler is not None
    return Path(compiler).resolve().parents[1]


def call(*words: str | Path, **environment: str) -> str:
    """Run a command; return what it prints."""
    done = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout
