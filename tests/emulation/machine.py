"""An AArch64 Linux machine in a folder: Debian's Python, the runtime's wheels, QEMU's CPUs."""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.debian import UnavailableError as MachineUnavailableError
from tests.debian import call, unpack_packages

DEBIAN_PACKAGES = ("python3", "libstdc++6", "libgcc-s1", "zlib1g", "libgomp1", "libatomic1")
WHEELS = ("numpy", "ai-edge-litert")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")


@dataclass(frozen=True)
class Processor:
    """One of QEMU's processors, as /proc/cpuinfo names it.

    Attributes:
        name: QEMU's name for it, options included.
        part: Arm's part number.
        features: The kernel's names of its features.
        isa: The kernels that must be chosen on it.
    """

    name: str
    part: str
    features: str
    isa: str

    @property
    def cpuinfo(self) -> str:
        """Two cores of it."""
        core = (
            "processor\t: {}\nBogoMIPS\t: 108.00\n"
            f"Features\t: {self.features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
            f"CPU variant\t: 0x0\nCPU part\t: {self.part}\nCPU revision\t: 3\n\n"
        )
        return "".join(core.format(index) for index in range(2))


_ARMV80 = "fp asimd evtstrm crc32 cpuid"
_ARMV82 = f"{_ARMV80} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"

PROCESSORS = (
    Processor("cortex-a53", "0xd03", _ARMV80, "neon"),
    Processor("cortex-a72", "0xd08", _ARMV80, "neon"),
    Processor("cortex-a76", "0xd0b", _ARMV82, "neondot"),
    # With 8-bit matrix products; the runtime's SVE paths are wrong under QEMU 7.2.
    Processor("max,sve=off,sme=off", "0xd41", f"{_ARMV82} i8mm", "neondot"),
)


class Machine:
    """The machine, kept in ``folder`` from run to run.

    Args:
        folder: Where everything is put; made when missing.
        suite: Debian's release, by default this system's own.

    Raises:
        MachineUnavailableError: no emulator, or the packages cannot be had.
    """

    def __init__(self, folder: Path, suite: str | None = None) -> None:
        self.folder, self._suite = folder.resolve(), suite
        self.folder.mkdir(parents=True, exist_ok=True)
        self.emulator = find_emulator()

    def run(
        self, processor: Processor, command: Sequence[str | Path], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run an AArch64 program against the cross compiler's libraries."""
        return self._run(processor, Path("/usr/aarch64-linux-gnu"), command, environment)

    def python(
        self,
        processor: Processor,
        command: Sequence[str | Path],
        plugin: Path | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run the machine's Python, which has the runtime and numpy.

        Args:
            processor: On which.
            command: Its arguments.
            plugin: A plugin of the emulator to run it under.
            environment: Variables to set.
        """
        with self.lock():
            environment |= {"PYTHONPATH": str(self.unpacked(*WHEELS))}
        options = [] if plugin is None else ["-plugin", plugin]
        return self.bare_python(processor, command, *options, **environment)

    def bare_python(
        self, processor: Processor, command: Sequence[str | Path], *options: str | Path, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the machine's Python with its standard library; ``options`` are the emulator's."""
        with self.lock():
            seen = self._seen_by(processor, self._system())
        env |= {"PYTHONDONTWRITEBYTECODE": "1"}
        return self._run(processor, seen, [*options, self._interpreter(), *command], env)

    @property
    def python_version(self) -> str:
        """Such as 3.11."""
        return self._interpreter().name.removeprefix("python")

    def compile(self, folder: Path) -> None:
        """Compile what lies in a folder, if this Python's bytecode is the machine's.

        Emulated, that takes as long as all the rest of a short program.
        """
        if self.same_bytecode:
            command = [sys.executable, "-m", "compileall", "-q", folder]
            subprocess.run(command, capture_output=True, check=False)

    @property
    def same_bytecode(self) -> bool:
        """Whether this Python compiles for the machine's."""
        return self.python_version == f"{sys.version_info.major}.{sys.version_info.minor}"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder against other processes."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _run(
        self,
        processor: Processor,
        root: Path,
        command: Sequence[str | Path],
        environment: dict[str, str],
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.emulator, "-cpu", processor.name, "-L", root, *command],
            capture_output=True,
            text=True,
            timeout=600,
            env=os.environ | environment,
        )

    def _system(self) -> Path:
        root = self.folder / "root"
        if not root.is_dir():
            unpack_packages(root, DEBIAN_PACKAGES, "arm64", suite=self._suite)
            if not (root / "lib").exists():
                # Since Trixie a package of its own makes this link.
                (root / "lib").symlink_to("usr/lib")
            self.compile(root / "usr/lib" / f"python{self.python_version}")
        return root

    def _interpreter(self) -> Path:
        return next((self._system() / "usr/bin").glob("python3.*[0-9]"))

    def unpacked(self, *names: str) -> Path:
        """Unpack wheels, in the versions that this Python has; the lock must be held."""
        # Without local parts: those name builds for other processors.
        versions = [
            f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in names
        ]
        site = self.folder / "_".join(["site", *versions])
        if not site.is_dir():
            self._system()
            wheels = self.folder / "wheels"
            platforms = [option for name in PLATFORMS for option in ("--platform", name)]
            target = ["--python-version", self.python_version, *platforms]
            pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
            only = ["--only-binary=:all:", "--no-deps", "-d", wheels]
            shutil.rmtree(wheels, ignore_errors=True)
            call([*pip, *only, *target, *versions], "download AArch64 wheels")
            partial = self.folder / "site.partial"
            shutil.rmtree(partial, ignore_errors=True)
            for wheel in wheels.glob("*.whl"):
                zipfile.ZipFile(wheel).extractall(partial)
            self.compile(partial)
            partial.rename(site)
        return site

    def _seen_by(self, processor: Processor, root: Path) -> Path:
        """Return the root with the processor's own /proc/cpuinfo, without which LiteRT crashes."""
        seen = self.folder / f"root-{processor.name.partition(',')[0]}"
        (seen / "proc").mkdir(parents=True, exist_ok=True)
        (seen / "proc/cpuinfo").write_text(processor.cpuinfo)
        for entry in root.iterdir():
            link = seen / entry.name
            if entry.name != "proc" and not link.is_symlink():
                link.symlink_to(entry)
        return seen


def find_emulator() -> str:
    """Return QEMU's user-mode emulator.

    Raises:
        MachineUnavailableError: there is none.
    """
    for name in ("qemu-aarch64", "qemu-aarch64-static"):
        found = shutil.which(name)
        if found:
            return found
    raise MachineUnavailableError("missing: qemu-aarch64; 'make system-packages' installs it")
