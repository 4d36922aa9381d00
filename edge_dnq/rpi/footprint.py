"""How much of the disk the package and all it needs take."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Sequence
from pathlib import Path

NAME = re.compile(r"^[A-Za-z0-9._-]+")
MARKER = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")

EXTRAS = ("rpi", "mqtt", "video", "serve")
"""All that a Pi may have of the package."""


def installed_bytes(
    extras: tuple[str, ...] = EXTRAS, path: Sequence[str] | None = None
) -> dict[str, int]:
    """Return the bytes of every installed distribution that ``edge-dnq[extras]`` asks for.

    Args:
        extras: Which extras; what is not installed counts nothing.
        path: Folders to look in, by default where Python itself looks.
    """
    folders = list(sys.path if path is None else path)
    sizes: dict[str, int] = {}
    wanted = [("edge-dnq", extras)]
    while wanted:
        current, chosen = wanted.pop()
        found = importlib.metadata.distributions(name=current, path=folders)
        distribution = next(iter(found), None)
        if distribution is None:
            continue
        key = distribution.metadata["Name"]
        for requirement in distribution.requires or ():
            needed, more = _parse(requirement)
            marker = MARKER.search(requirement)
            if marker is None or marker.group(1) in chosen:
                if needed == current:
                    wanted.append((current, (*more,)))
                elif needed not in sizes:
                    wanted.append((needed, more))
        if key not in sizes:
            sizes[key] = sum(_size(Path(str(file.locate()))) for file in distribution.files or ())
    return dict(sorted(sizes.items(), key=lambda entry: -entry[1]))


def _parse(requirement: str) -> tuple[str, tuple[str, ...]]:
    """Return a requirement's name and extras."""
    match = NAME.match(requirement)
    assert match is not None
    rest = requirement[match.end() :].lstrip()
    extras = rest[1:].partition("]")[0].split(",") if rest.startswith("[") else []
    return match.group(), tuple(extra.strip() for extra in extras)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
