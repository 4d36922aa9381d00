"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.bundle_fixtures", "tests.kernel_fixtures", "tests.browser"]

# A deadline would time the machine, not the code.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def require_tools() -> Callable[..., None]:
    """Skips where a tool is missing; the machine that guards the project may not skip."""

    def require(*names: str) -> None:
        missing = " ".join(name for name in names if shutil.which(name) is None)
        if missing:
            stop = pytest.fail if os.environ.get("CI") else pytest.skip
            stop(f"missing: {missing}; 'make system-packages' installs it")

    return require


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips that lies beside the checkout on the project's own machines."""
    if not (SHARED / "jhmdb128" / "clips.csv").is_file():
        pytest.skip("the real clips beside the checkout are missing")
    return SHARED
