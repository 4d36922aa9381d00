"""The library of kernels, where it could be built."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_dnq.kernels import CHOICE_VARIABLE, MISSING, litert_delegate_path


@pytest.fixture(scope="session")
def kernel_library() -> Path:
    """The delegate's file; the machine that guards the project may not be without it."""
    path = litert_delegate_path()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    assert CHOICE_VARIABLE not in os.environ, f"unset {CHOICE_VARIABLE} to test the kernels"
    return path
