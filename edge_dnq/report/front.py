"""Accuracy and cost of policies, read from what ``edge-dnq eval --json`` printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from edge_dnq.errors import DataError
from edge_dnq.sweep.comparison import upper_hull
from edge_dnq.sweep.front import RIVALS
from edge_dnq.sweep.plot import STYLES

MAX_BYTES = 64 << 20
Z95 = 1.959964
"""Of the normal distribution: 95 % lie within so many deviations."""


@dataclass(frozen=True)
class FrontPoint:
    """One policy.

    Attributes:
        name: Its description.
        family: What it is drawn with, a key of :data:`edge_dnq.sweep.plot.STYLES`.
        named: Whether its name is written beside its mark.
        cost: Mean cost of a frame, relative to the reference.
        accuracy: Fraction of clips that were right.
        low: Lower end of the 95 % interval of the accuracy.
        high: Upper end.
        clips: Clips it was measured on.
        milliseconds: Mean milliseconds per frame.
    """

    name: str
    family: str
    named: bool
    cost: float
    accuracy: float
    low: float
    high: float
    clips: int
    milliseconds: float


def wilson(hits: float, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson, 1927)."""
    share, z = hits / total, Z95
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + (z / 2 / total) ** 2)
    # At 0 and 1 rounding would leave the share just outside.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def read_front(paths: Sequence[Path]) -> list[FrontPoint]:
    """Read evaluations from files.

    Raises:
        DataError: a file is missing or is not what ``eval --json`` prints.
    """
    return [point for path in paths for point in _read(path)]


def _read(path: Path) -> list[FrontPoint]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is too large for an evaluation")
        value = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    try:
        return _sweep(value) if "points" in value else [_evaluation(value)]
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise DataError(
            f"{path} is not what `edge-dnq eval --json` prints: {type(error).__name__} {error}"
        ) from error


def _evaluation(value: dict[str, Any]) -> FrontPoint:
    accuracy, clips = float(value["accuracy_top1"]), int(value["clips"])
    low, high = wilson(accuracy * clips, clips)
    policy = str(value["policy"])
    return FrontPoint(
        policy,
        _family(policy),
        True,
        float(value["relative_cost"]),
        accuracy,
        low,
        high,
        clips,
        float(value["mean_ms_per_frame"]),
    )


def _family(policy: str) -> str:
    kind = policy.partition(":")[0]
    return kind if kind in ("learned", "uniform", "random") else "cycle"


def _sweep(value: dict[str, Any]) -> list[FrontPoint]:
    clips = int(value["clips"])
    found: dict[str, list[FrontPoint]] = {}
    for point in value["points"]:
        read = _sweep_point(point, clips)
        found.setdefault(read.family, []).append(read)
    return [point for family, own in found.items() for point in _shown(family, own)]


def _shown(family: str, points: list[FrontPoint]) -> list[FrontPoint]:
    """Leave out the settings of a rival that others of its family make needless."""
    if family not in RIVALS or family == "uniform":
        return points
    return [points[place] for place in upper_hull([(p.cost, p.accuracy) for p in points])]


def _sweep_point(point: dict[str, Any], clips: int) -> FrontPoint:
    accuracy, family, setting = point["accuracy_top1"], str(point["family"]), point["setting"]
    if family not in STYLES:
        raise ValueError(f"unknown family {family!r}")
    return FrontPoint(
        str(point["policy"]),
        family,
        family == "uniform" or setting == 0,
        float(point["relative_cost"]["mean"]),
        float(accuracy["mean"]),
        float(accuracy["low"]),
        float(accuracy["high"]),
        clips,
        float(point["ms_per_frame"]),
    )
