"""What every policy did on every clip: kept in a file, pooled over data sets."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import DataError
from edge_dnq.staging import staged_file

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

VERSION = 1


@dataclass(frozen=True)
class Tried:
    """A policy's outcome on S segments in V videos; means over its walks.

    Attributes:
        family: What it belongs to; see :data:`edge_dnq.sweep.front.FAMILIES`.
        key: Its place in the family, the same for any bundle and any videos.
        policy: Its description.
        setting: Lambda, confidence or budget; None for others.
        shares: Fraction of the frames by action; of a cascade by the program that answered.
        bit_operations: Of a frame, relative to the costliest program's.
        hits: Right predictions, [S].
        changes: Changes of the running prediction within a segment, [S].
        cost_ms: Of all frames of a video together, [V].
    """

    family: str
    key: str
    policy: str
    setting: float | None
    shares: dict[str, float]
    bit_operations: float
    hits: Float64
    changes: Float64
    cost_ms: Float64


@dataclass(frozen=True)
class Outcomes:
    """Of all policies on the same S segments in V videos.

    Attributes:
        reference: The policy that cost and accuracy are compared with.
        reference_ms: What a frame of it costs.
        clips: Name of every segment's clip.
        steps: Frames of every segment after its first one, [S].
        segment_groups: Every segment's group, an index into ``groups``; [S].
        frames: Frames of every video, [V].
        video_groups: Every video's group, [V].
        groups: Names of what is resampled as one: a clip, a recording, or a stream.
        tried: The policies.
    """

    reference: str
    reference_ms: float
    clips: tuple[str, ...]
    steps: Int64
    segment_groups: Int64
    frames: Int64
    video_groups: Int64
    groups: tuple[str, ...]
    tried: tuple[Tried, ...]


_ARRAYS = ("steps", "segment_groups", "frames", "video_groups")
_BY_POLICY = ("hits", "changes", "cost_ms")


def save_outcomes(path: Path, outcomes: Outcomes) -> None:
    """Write outcomes as ``.npz``, whole or not at all.

    Raises:
        EdgeDnqError: the file system refuses.
    """
    facts = {
        "version": VERSION,
        "reference": outcomes.reference,
        "reference_ms": outcomes.reference_ms,
        "clips": outcomes.clips,
        "groups": outcomes.groups,
        "tried": [
            {
                name: getattr(tried, name)
                for name in Tried.__dataclass_fields__
                if name not in _BY_POLICY
            }
            for tried in outcomes.tried
        ],
    }
    arrays = {name: getattr(outcomes, name) for name in _ARRAYS}
    for name in _BY_POLICY:
        arrays[name] = np.stack([getattr(tried, name) for tried in outcomes.tried])
    arrays["facts"] = np.frombuffer(msgspec.json.encode(facts), np.uint8)
    with staged_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_outcomes(path: Path) -> Outcomes:
    """Read outcomes.

    Raises:
        DataError: the file is missing or is not what :func:`save_outcomes` writes.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in (*_ARRAYS, *_BY_POLICY, "facts")}
        facts = msgspec.json.decode(arrays.pop("facts").tobytes())
        return _assembled(facts, arrays)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        zipfile.BadZipFile,
        msgspec.DecodeError,
    ) as error:
        raise DataError(
            f"{path} is not what `edge-dnq eval --sweep --outcomes` writes: {error}"
        ) from error


def _assembled(facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Outcomes:
    if facts["version"] != VERSION:
        raise ValueError(f"version {facts['version']}, expected {VERSION}")
    segments, videos, policies = len(facts["clips"]), len(arrays["frames"]), len(facts["tried"])
    shapes = {
        "steps": (segments,),
        "segment_groups": (segments,),
        "frames": (videos,),
        "video_groups": (videos,),
        "hits": (policies, segments),
        "changes": (policies, segments),
        "cost_ms": (policies, videos),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has the shape {arrays[name].shape}, expected {shape}")
    tried = tuple(
        Tried(**entry, **{name: arrays[name][place] for name in _BY_POLICY})
        for place, entry in enumerate(facts["tried"])
    )
    return Outcomes(
        reference=facts["reference"],
        reference_ms=facts["reference_ms"],
        clips=tuple(facts["clips"]),
        groups=tuple(facts["groups"]),
        tried=tried,
        **{name: arrays[name] for name in _ARRAYS},
    )


def pool_outcomes(parts: Sequence[Outcomes]) -> Outcomes:
    """Take the outcomes of several data sets, each with a bundle of its own, as one.

    Policies are matched by family and key; those that a part lacks are left out. Groups of
    different parts stay apart.

    Args:
        parts: At least one, of the same reference policy.

    Raises:
        DataError: the references differ.
    """
    first = parts[0]
    if any(part.reference != first.reference for part in parts):
        names = ", ".join(sorted({part.reference for part in parts}))
        raise DataError(f"cannot pool outcomes with different references: {names}")
    known = [{(tried.family, tried.key): tried for tried in part.tried} for part in parts]
    common = [key for key in known[0] if all(key in part for part in known)]
    weights = np.array([part.frames.sum() for part in parts], np.float64)
    weights /= weights.sum()
    offsets = np.cumsum([0, *(len(part.groups) for part in parts[:-1])])

    def shifted(name: str) -> Int64:
        pairs = zip(parts, offsets, strict=True)
        return np.concatenate([getattr(part, name) + offset for part, offset in pairs])

    return Outcomes(
        reference=first.reference,
        reference_ms=float(weights @ [part.reference_ms for part in parts]),
        clips=tuple(clip for part in parts for clip in part.clips),
        steps=np.concatenate([part.steps for part in parts]),
        segment_groups=shifted("segment_groups"),
        frames=np.concatenate([part.frames for part in parts]),
        video_groups=shifted("video_groups"),
        groups=tuple(
            f"{place}: {name}" for place, part in enumerate(parts) for name in part.groups
        ),
        tried=tuple(_pooled([part[key] for part in known], weights) for key in common),
    )


def _pooled(tried: Sequence[Tried], weights: Float64) -> Tried:
    first = tried[0]
    names = dict.fromkeys(name for one in tried for name in one.shares)
    same = all(one.policy == first.policy for one in tried)
    settings = [one.setting for one in tried if one.setting is not None]
    return replace(
        first,
        policy=first.policy if same else f"{first.family} {first.key}",
        setting=float(np.mean(settings)) if settings else None,
        shares={
            name: float(weights @ [one.shares.get(name, 0.0) for one in tried]) for name in names
        },
        bit_operations=float(weights @ [one.bit_operations for one in tried]),
        hits=np.concatenate([one.hits for one in tried]),
        changes=np.concatenate([one.changes for one in tried]),
        cost_ms=np.concatenate([one.cost_ms for one in tried]),
    )
