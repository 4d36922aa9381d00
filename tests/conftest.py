"""Fixtures shared by the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.bundle_fixtures"]

# A deadline would time the machine, not the code.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips that lies beside the checkout on the project's own machines."""
    if not (SHARED / "jhmdb128" / "clips.csv").is_file():
        pytest.skip("the real clips beside the checkout are missing")
    return SHARED
