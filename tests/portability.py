"""What libraries in wheels may ask of the system they are installed on."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

SYSTEM_LIBRARIES = {
    "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0",
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
}  # fmt: skip
# Of the executorch package, which is loaded first.
EXECUTORCH_LIBRARIES = {"libexecutorch.so", "libexecutorch_threadpool.so"}
# What the platform tag manylinux_2_28 promises.
NEWEST = {"GLIBC": "2.28", "GLIBCXX": "3.4.24", "CXXABI": "1.3.11"}


def check_portable(wheel: Path, folder: Path) -> list[str]:
    """Unpack a wheel's libraries, see that the platform tag holds for each; return their names."""
    with zipfile.ZipFile(wheel) as archive:
        inside = [name for name in archive.namelist() if name.startswith("edge_dnq/_native/")]
        libraries = [Path(archive.extract(name, folder)) for name in inside]
    for library in libraries:
        needed = set(re.findall(r"NEEDED.*\[(.+)\]", _readelf("-d", library)))
        more = EXECUTORCH_LIBRARIES if "executorch" in library.name else set()
        assert needed <= SYSTEM_LIBRARIES | more, library
        versions = re.findall(r"Name: ([A-Z]+)_([0-9.]+)", _readelf("-VW", library))
        assert versions
        too_new = [
            f"{name}_{text}"
            for name, text in versions
            if name in NEWEST and _version(text) > _version(NEWEST[name])
        ]
        assert too_new == [], library
        machine = "AArch64" if "aarch64" in wheel.name else "X86-64"
        assert machine in _readelf("-h", library), library
    return sorted(library.name for library in libraries)


def _readelf(option: str, library: Path) -> str:
    words = ["readelf", option, str(library)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
