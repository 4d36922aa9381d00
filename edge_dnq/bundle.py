"""The bundle on disk: its schema, and reading it without trusting it.

A bundle is a folder with ``manifest.json``, the programs it names, and ``golden.npz``. Nothing in it
is handed to native code before its size and sha256 were checked against the manifest, and no path
leads out of the folder.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import msgspec

from edge_dnq.errors import BundleError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
GOLDEN = "golden.npz"

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class FileSpec(_Record):
    """One file of the bundle: a relative POSIX path, its size in bytes and its sha256."""

    file: str
    bytes: PositiveInt
    sha256: Sha256


class TensorSpec(_Record):
    """An input or output tensor; ``scale`` and ``zero_point`` are set for int8 tensors only."""

    name: str
    shape: tuple[PositiveInt, ...]
    dtype: Literal["int8", "float32"]
    scale: float | None = None
    zero_point: int | None = None


class InputSpec(_Record):
    """How a frame becomes the network frame: shorter side resized, centre cropped, RGB.

    ``mean`` and ``std`` are in pixel units: real value = (pixel - mean) / std.
    """

    height: PositiveInt
    width: PositiveInt
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    color: Literal["rgb"] = "rgb"
    resize: Literal["short_side_center_crop"] = "short_side_center_crop"


class ProgramSpec(_Record):
    """One precision of the recognition network; ``files`` maps a runtime's name to its file."""

    name: str
    weight_bits: Literal[8, 4, 2]
    activation_bits: Literal[8, 4, 2]
    macs: PositiveInt
    input: TensorSpec
    output: TensorSpec
    files: dict[str, FileSpec]


class PolicySpec(_Record):
    """The policy program: float32 (frame, h, c) in, (action logits, h, c) out."""

    macs: PositiveInt
    inputs: tuple[TensorSpec, TensorSpec, TensorSpec]
    outputs: tuple[TensorSpec, TensorSpec, TensorSpec]
    files: dict[str, FileSpec]


class ActionSpec(_Record):
    """One thing the policy may do: run ``program``, or (program None) skip ``skip`` frames."""

    name: str
    program: str | None = None
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0


class Manifest(_Record):
    """``manifest.json``: everything a runtime needs to know; see the class's fields."""

    schema_version: Literal[1]
    name: str
    created_by: str
    labels: tuple[str, ...]
    clip_frames: PositiveInt
    input: InputSpec
    policy: PolicySpec | None
    actions: tuple[ActionSpec, ...]
    programs: tuple[ProgramSpec, ...]
    golden: FileSpec
