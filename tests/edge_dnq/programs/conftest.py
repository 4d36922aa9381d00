from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.edge_dnq.programs.delegates import Delegate


@pytest.fixture
def delegate(kernel_library: Path, request: pytest.FixtureRequest) -> Callable[..., Delegate]:
    """Load the delegate with the given options."""
    from tests.edge_dnq.programs.delegates import Delegate

    return lambda **options: Delegate(kernel_library, request.node.nodeid, **options)
