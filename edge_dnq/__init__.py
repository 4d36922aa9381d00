"""Dynamic network quantisation for video recognition on ARM and mobile CPUs.

The public API of the device side, imported on first use::

    bundle = Bundle.load("bundle/")
    session = Session(bundle)
    with open_source("video.mp4") as source:
        for frame in source:
            step = session.step(frame.image)
    print(session.result())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_dnq.bundle import Bundle
    from edge_dnq.session import Prediction, Session, StepResult
    from edge_dnq.video.sources import open_source

    __version__: str

__all__ = ["Bundle", "Prediction", "Session", "StepResult", "__version__", "open_source"]

_HOMES = {
    "Bundle": "edge_dnq.bundle",
    "Prediction": "edge_dnq.session",
    "Session": "edge_dnq.session",
    "StepResult": "edge_dnq.session",
    "open_source": "edge_dnq.video.sources",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        value: object = importlib.import_module("importlib.metadata").version("edge-dnq")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__version__ = "0.1.0"
