"""Patched copies of installed packages, and the environment in which they run."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

CPUID, UD2 = b"\x0f\xa2", b"\x0f\x0b"
MASK_SOURCE = Path(__file__).with_name("cpuid_mask.cpp")
_PT_LOAD = 1
_CPUID_LINE = re.compile(rb"^\s*([0-9a-f]+):\s+cpuid\s*$")


def environment(packages: Sequence[tuple[str, str]], folder: Path) -> dict[str, str]:
    """Return the variables under which a process sees an AVX2 machine.

    Args:
        packages: Import name and distribution of every package to patch.
        folder: Where the patched copies are kept; a copy is made once per version.
    """
    paths = [str(patched_package(*package, folder)) for package in packages]
    inherited = [path for path in (os.environ.get("PYTHONPATH"),) if path]
    return {
        "LD_PRELOAD": str(build_mask(folder)),
        "PYTHONPATH": os.pathsep.join([*paths, *inherited]),
        # oneDNN (inside OpenVINO) has a switch of its own.
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    }


def build_mask(folder: Path) -> Path:
    """Compile the library that answers CPUID; return its path."""
    library = folder / "cpuid_mask.so"
    if not library.exists() or library.stat().st_mtime < MASK_SOURCE.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        words = ["c++", "-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden"]
        subprocess.run([*words, str(MASK_SOURCE), "-o", str(library)], check=True)
    return library


def patched_package(module: str, distribution: str, folder: Path) -> Path:
    """Copy the package ``module`` with its libraries patched; return the folder to import from."""
    target = folder / f"{distribution}-{importlib.metadata.version(distribution)}"
    if target.exists():
        return target
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(module)
    package = Path(next(iter(spec.submodule_search_locations)))
    # Wheels keep bundled libraries either inside the package or beside it.
    sources = [package, package.with_name(f"{distribution}.libs")]
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, draft / source.name, copy_function=_link)
    for path in draft.rglob("*"):
        if path.is_file() and ".so" in path.name:
            patch(path)
    draft.rename(target)
    return target


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def patch(library: Path) -> int:
    """Replace every CPUID instruction in ``library``, leaving other names of the file alone.

    Returns:
        How many there were.
    """
    content = bytearray(library.read_bytes())
    if not content.startswith(b"\x7fELF") or CPUID not in content:
        return 0
    offsets = list(cpuid_offsets(library, bytes(content[:64]), content))
    for offset in offsets:
        if content[offset : offset + 2] != CPUID:
            raise ValueError(f"{library.name}: no CPUID at file offset {offset:#x}")
        content[offset : offset + 2] = UD2
    # A new file: the old one may be a hard link to the installed library.
    library.unlink()
    library.write_bytes(content)
    return len(offsets)


def cpuid_offsets(library: Path, header: bytes, content: bytes | bytearray) -> Iterator[int]:
    """Yield the file offsets of the CPUID instructions that the disassembler finds.

    The two bytes alone would not do: they also occur inside longer instructions and in data.
    """
    segments = list(_segments(header, content))
    words = ["objdump", "-d", "--no-show-raw-insn", str(library)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        for line in listing.stdout:
            if found := _CPUID_LINE.match(line):
                address = int(found[1], 16)
                yield next(
                    offset + address - start
                    for start, offset, size in segments
                    if start <= address < start + size
                )


def _segments(header: bytes, content: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    """Yield virtual address, file offset and file size of a 64-bit ELF file's loaded segments."""
    (table,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    for index in range(count):
        fields = struct.unpack_from("<IIQQQQ", content, table + index * size)
        kind, _, offset, address, _, length = fields
        if kind == _PT_LOAD:
            yield address, offset, length
