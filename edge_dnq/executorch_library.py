"""The package's ExecuTorch library: the integer kernels as a backend, and a C interface to run
programs with.

The executorch package's Python module needs torch, its C++ libraries do not. This library calls
them; both are loaded with ctypes, and torch is never imported. They share C++ classes, so the
library serves the minor version of ExecuTorch that it was built for.

``EDGE_DNQ_EXECUTORCH_LIBRARY`` names another build of the library.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edge_dnq.errors import RuntimeMissingError

LIBRARY = Path(__file__).parent / "_native" / "libedge_dnq_executorch.so"
"""Where the installation puts it; absent where executorch was not there to build against."""

LIBRARY_VARIABLE = "EDGE_DNQ_EXECUTORCH_LIBRARY"
PACKAGE = "executorch"
INSTALL = "pip install --no-deps 'executorch>=1.5,<1.6'"
"""All that a device needs; the exporter needs torch, too."""

BUILD = "pip install --force-reinstall --no-deps .  (in the checkout, with a C++17 compiler)"
RUNTIME_LIBRARIES = (
    "libexecutorch.so",
    "libexecutorch_threadpool.so",
    "libexecutorch_kernels_optimized.so",
    "libexecutorch_backend_xnnpack.so",
)
"""Of the executorch package, in the order in which they need each other."""

MISSING = (
    "this installation has no ExecuTorch library: install edge-dnq again with a C++17 compiler "
    "where executorch is installed already, or from one of the wheels of 'make wheels'"
)


@dataclass(frozen=True)
class LibraryStatus:
    """Whether programs can run on the library.

    Attributes:
        path: The library's file; None where there is none.
        built_for: Version of ExecuTorch that it was built for.
        installed: Version of ExecuTorch that is installed.
        problem: Why it cannot be used; None where it can.
    """

    path: str | None = None
    built_for: str | None = None
    installed: str | None = None
    problem: str | None = None

    @property
    def available(self) -> bool:
        """Whether it can be used."""
        return self.problem is None


def executorch_library_path() -> Path | None:
    """Return the library's file, or None where this installation has none.

    Loading it into any process that runs ExecuTorch makes programs for the kernels run there.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return Path(named)
    return LIBRARY if LIBRARY.is_file() else None


def executorch_folder() -> Path | None:
    """Return the folder of the executorch package without importing it, or None."""
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):
        return None
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    return next((Path(folder) for folder in folders if _libraries(Path(folder))), None)


def _libraries(folder: Path) -> list[Path]:
    paths = [folder / "lib" / name for name in RUNTIME_LIBRARIES]
    return paths if all(path.is_file() for path in paths) else []


def installed_version(folder: Path) -> str | None:
    """Return the version of the package in ``folder``."""
    try:
        text = (folder / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(
        r"^__version__\s*(?::\s*\w+\s*)?=\s*['\"](\d+\.\d+[\d.]*)", text, re.MULTILINE
    )
    return match[1] if match else None


def library_status() -> LibraryStatus:
    """Tell whether the library can be used, loading it where that has a chance."""
    folder, path = executorch_folder(), executorch_library_path()
    installed = installed_version(folder) if folder is not None else None
    if path is None:
        return LibraryStatus(installed=installed, problem=MISSING)
    if folder is None:
        problem = f"executorch is not installed: {INSTALL}"
        return LibraryStatus(str(path), problem=problem)
    try:
        library = load_library(str(path), str(folder))
        built_for = library.edge_dnq_executorch_version().decode()
    except (OSError, AttributeError) as error:
        return LibraryStatus(str(path), None, installed, f"cannot load {path}: {error}")
    mismatch = None
    if _minor(built_for) != _minor(installed or ""):
        mismatch = (
            f"{path} was built for ExecuTorch {built_for}, installed is {installed or 'another'}: "
            "install edge-dnq again"
        )
    return LibraryStatus(str(path), built_for, installed, mismatch)


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


@lru_cache(maxsize=8)
def load_library(path: str, folder: str) -> ctypes.CDLL:
    """Load ExecuTorch's libraries from the package's folder, then the library.

    Raises:
        OSError: one of them cannot be loaded.
        AttributeError: it is another library.
    """
    for runtime in _libraries(Path(folder)):
        ctypes.CDLL(str(runtime))
    library = ctypes.CDLL(path)
    text, size, handle = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p
    signatures: dict[str, tuple[object, tuple[object, ...]]] = {
        "version": (text, ()),
        "load": (handle, (text, size, text, ctypes.c_int, text, text, size)),
        "close": (None, (handle,)),
        "count": (size, (handle, ctypes.c_int)),
        "tensor": (size, (handle, ctypes.c_int, size, *[handle] * 3)),
        "backend": (text, (handle, size)),
        "run": (ctypes.c_int, (handle, handle, handle, text, size)),
        "report": (size, (text, text, size)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"edge_dnq_executorch_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def require_library() -> ctypes.CDLL:
    """Return the library, ready to be called.

    Raises:
        RuntimeMissingError: it cannot be used here.
    """
    status = library_status()
    folder = executorch_folder()
    if status.problem is not None or status.path is None or folder is None:
        raise RuntimeMissingError(status.problem or MISSING)
    return load_library(status.path, str(folder))
