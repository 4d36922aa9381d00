"""A Java for 64-bit ARM, as Debian has it, on emulated processors."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.debian import unpack_packages
from tests.emulation.machine import Machine, Processor

PACKAGES = ("default-jre-headless", "libstdc++6", "libgcc-s1", "zlib1g")
# Compiling to code that is then translated once more takes longer than it saves.
OPTIONS = ("-Xint", "-Xshare:off", "-XX:+UseSerialGC")


class ArmJvm:
    """The Java, kept in the machine's folder.

    Args:
        machine: Whose emulator and folder to use.

    Raises:
        UnavailableError: the packages cannot be had.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        with machine.lock():
            self._root = machine.folder / "jre"
            known = self._root.is_dir()
            unpack_packages(self._root, PACKAGES, "arm64")
            if not known:
                _keep_links_inside(self._root)
        (self._java,) = {path.resolve() for path in self._root.glob("usr/lib/jvm/*/bin/java")}

    def run(self, processor: Processor, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run ``java`` with ``words``."""
        seen = self._machine.folder / f"jre-{processor.name.partition(',')[0]}"
        with self._machine.lock():
            # LiteRT reads what the processor is from there and crashes on another one's.
            (seen / "proc").mkdir(parents=True, exist_ok=True)
            (seen / "proc/cpuinfo").write_text(processor.cpuinfo)
            # No more than this: all else, such as jars, is this system's.
            (seen / "usr").mkdir(exist_ok=True)
            for name in ("lib", "etc", "usr/lib"):
                if not (seen / name).is_symlink():
                    (seen / name).symlink_to(self._root / name)
        emulator = [self._machine.emulator, "-cpu", processor.name, "-L", seen]
        return subprocess.run(
            [*emulator, self._java, *OPTIONS, *words],
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "LD_LIBRARY_PATH": ""},
        )


def _keep_links_inside(root: Path) -> None:
    """Let absolute links of Java's configuration lead into ``root``, not into this system."""
    for folder, folders, files in os.walk(root / "usr/lib/jvm"):
        for name in (*folders, *files):
            path = Path(folder) / name
            if path.is_symlink() and path.readlink().is_absolute():
                target = root / path.readlink().relative_to("/")
                path.unlink()
                path.symlink_to(target)
