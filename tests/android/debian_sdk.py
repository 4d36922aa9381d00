"""Android's build tools as Debian has them, and the Android platform of API level 23.

Debian 11 was the last release with an ``android.jar`` and with ``dx``: both are unpacked from its
packages, nothing is installed. The rest comes from this system's packages.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.debian import unpack_packages

PACKAGES = ("libandroid-23-java", "dalvik-exchange")
TOOLS = ("javac", "keytool", "aapt2", "zipalign", "apksigner", "dexdump")
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
PASSWORD = "password"


class DebianSdk:
    """The tools; every method raises an AssertionError with what a tool says.

    Args:
        folder: Where packages are unpacked, once.

    Raises:
        UnavailableError: the packages cannot be had.
    """

    def __init__(self, folder: Path) -> None:
        root = folder.resolve() / "bullseye"
        unpack_packages(root, PACKAGES, "amd64", suite="bullseye", dependencies=False)
        self.android_jar = root / "usr/lib/android-sdk/platforms/android-23/android.jar"
        self._dx = next((root / "usr/share/java").glob("com.android.dx-*.jar"))

    def compile_resources(self, folder: Path, output: Path) -> Path:
        """Compile a ``res`` folder; return the archive."""
        call("aapt2", "compile", "--dir", folder, "-o", output)
        return output

    def link(self, manifest: Path, resources: Path, output: Path, *options: str | Path) -> Path:
        """Link resources, checked against the framework's; return the package without code."""
        call(
            *("aapt2", "link", "-o", output, "-I", FRAMEWORK, "--manifest", manifest),
            *options,
            resources,
        )
        return output

    def dex(self, classes: Sequence[Path], output: Path, level: int) -> Path:
        """Translate class folders and jars to Dalvik's code."""
        call(
            *("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", self._dx, "--dex"),
            *(f"--min-sdk-version={level}", f"--output={output}", *classes),
        )
        return output

    def align(self, package: Path, output: Path) -> Path:
        """Align entries to 4 bytes, and libraries to pages."""
        call("zipalign", "-f", "-p", "4", package, output)
        return output

    def sign(self, package: Path, output: Path, level: int) -> Path:
        """Sign with a key made for this call."""
        key = output.with_suffix(".keystore")
        call(
            *("keytool", "-genkeypair", "-keystore", key, "-alias", "test", "-keyalg", "EC"),
            *("-storepass", PASSWORD, "-keypass", PASSWORD, "-dname", "CN=test", "-validity", "1"),
        )
        call(
            *("apksigner", "sign", "--ks", key, "--ks-pass", f"pass:{PASSWORD}"),
            *("--min-sdk-version", level, "--out", output, package),
        )
        return output


def call(*command: object) -> str:
    """Run a tool and return what it prints.

    Raises:
        AssertionError: it failed.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{words[:3]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout
