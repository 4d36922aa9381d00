"""The product as a device has it: the AArch64 wheel and all it needs, installed for its Python."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_dnq.rpi.footprint import installed_bytes
from tests.emulation.machine import PLATFORMS, Machine, MachineUnavailableError, Processor

REPOSITORY = Path(__file__).resolve().parents[2]
TAG = "py3-none-manylinux_2_28_aarch64"
BOOKWORM = REPOSITORY / "rpi" / "constraints.txt"

BOOTSTRAP = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
answers = []
for module, words in json.loads(sys.argv[2]):
    main = __import__(module, fromlist=["main"]).main
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(words)
    answers.append([code, out.getvalue()])
print(json.dumps(answers))
"""
"""One emulated process runs several commands: importing takes longer than most of them."""


class Device:
    """What ``pip install 'edge-dnq[rpi,mqtt,video]'`` leaves on the machine.

    Args:
        machine: Where it is installed.
        wheel: The wheel, where it is built already.
        constraints: Which versions of what it needs.

    Attributes:
        wheel: The wheel.
        site: Folder of the installed packages.
        executorch: Folder of the ExecuTorch package that the wheel was built against.

    Raises:
        MachineUnavailableError: the packages cannot be had.
    """

    def __init__(
        self, machine: Machine, wheel: Path | None = None, constraints: Path = BOOKWORM
    ) -> None:
        self.machine, self._constraints = machine, constraints
        version = importlib.metadata.version("executorch")
        self.executorch = machine.folder / f"executorch-{version}"
        with machine.lock():
            self.wheel = wheel or self._build()
            self.site = self._install()

    def run(self, processor: Processor, *commands: Sequence[str | Path]) -> list[tuple[int, str]]:
        """Run commands of ``edge-dnq`` one after the other; return exit codes and outputs."""
        words = [("edge_dnq.cli.main", [str(word) for word in command]) for command in commands]
        # -E: nothing but what was installed can be imported.
        command = ["-E", "-B", "-c", BOOTSTRAP, self.site, json.dumps(words)]
        done = self.machine.bare_python(processor, command)
        assert done.returncode == 0, f"{processor.name}: {done.stderr[-3000:]}"
        return [(code, output) for code, output in json.loads(done.stdout.splitlines()[-1])]

    def json(self, processor: Processor, *commands: Sequence[str | Path]) -> list[Any]:
        """Run commands with ``--json``; return what they print."""
        answers = self.run(processor, *([*command, "--json"] for command in commands))
        for command, (code, output) in zip(commands, answers, strict=True):
            assert code == 0, f"{command} on {processor.name}: exit code {code}, {output[:2000]}"
        return [json.loads(output) for _, output in answers]

    def unattended(self, processor: Processor, *words: str | Path) -> list[dict[str, Any]]:
        """Run ``edge-dnq-rpi`` to the end of its source; return its events."""
        begin = "import sys; sys.path.insert(0, sys.argv.pop(1)); import edge_dnq.rpi.entry as e"
        command = ["-E", "-B", "-c", f"{begin}; e.process()", self.site, *words]
        done = self.machine.bare_python(processor, command)
        assert done.returncode == 0, f"{processor.name}: {done.stderr[-3000:]}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def script(self, processor: Processor, text: str) -> str:
        """Run a script that imports what is installed; return what it prints."""
        begin = "import sys; sys.path.insert(0, sys.argv[1]); "
        command = ["-E", "-B", "-c", f"{begin}exec(sys.argv[2])", self.site, text]
        done = self.machine.bare_python(processor, command)
        assert done.returncode == 0, f"{processor.name}: {done.stderr[-3000:]}"
        return done.stdout.strip()

    def sizes(self, *extras: str) -> dict[str, int]:
        """Return the installed bytes of ``edge-dnq[extras]`` by package, the largest first."""
        return installed_bytes(extras, [str(self.site)])

    def _build(self) -> Path:
        """Build the wheel by ``make``, without what it would install for that."""
        folder = self.machine.folder / "dist"
        shutil.rmtree(folder, ignore_errors=True)
        settings = {"DIST": folder, "BIN": Path(sys.executable).parent}
        settings |= {"ARM_EXECUTORCH": self.executorch}
        words = [f"{name}={value}" for name, value in settings.items()]
        make = ["make", "-s", "-C", REPOSITORY, "-o", "install", *words]
        _call([*make, self.executorch])
        built = subprocess.run([*make, "wheel-aarch64"], capture_output=True, text=True)
        assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
        (wheel,) = folder.glob(f"edge_dnq-*-{TAG}.whl")
        return wheel

    def _install(self) -> Path:
        """Install the wheel; what it needs is kept until the requirements change."""
        wanted = self._constraints.read_bytes() + (REPOSITORY / "pyproject.toml").read_bytes()
        site = self.machine.folder / f"device-{hashlib.sha256(wanted).hexdigest()[:16]}"
        if not site.is_dir():
            for old in self.machine.folder.glob("device-*"):
                shutil.rmtree(old)
            partial = self.machine.folder / "partial-device"
            shutil.rmtree(partial, ignore_errors=True)
            self._pip(partial, f"{self.wheel}[rpi,mqtt,video]", "-c", self._constraints)
            partial.rename(site)
        else:
            self._pip(site, self.wheel, "--no-deps", "--upgrade")
        return site

    def _pip(self, target: Path, *words: str | Path) -> None:
        platforms = [word for name in (*PLATFORMS, "any") for word in ("--platform", name)]
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        options = ["--only-binary=:all:", "--python-version", self.machine.python_version]
        if not self.machine.same_bytecode:
            options.append("--no-compile")
        _call([*pip, *options, *platforms, "--target", target, *words])


def _call(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MachineUnavailableError(f"{' '.join(map(str, command[:4]))} failed: {reason}")
