"""The libraries of kernels, where they could be built."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from edge_dnq.executorch_library import PACKAGE, library_status
from edge_dnq.kernels import CHOICE_VARIABLE, MISSING, litert_delegate_path


@pytest.fixture(scope="session")
def kernel_library() -> Path:
    """The delegate's file; the machine that guards the project may not be without it."""
    path = litert_delegate_path()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    assert CHOICE_VARIABLE not in os.environ, f"unset {CHOICE_VARIABLE} to test the kernels"
    return path


@pytest.fixture(scope="session")
def executorch_library(kernel_library: Path) -> Path:
    """The ExecuTorch library's file; it may not be missing where executorch is installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip("executorch is not installed")
    status = library_status()
    if status.path is None or status.problem is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(status.problem))
    return Path(str(status.path))
