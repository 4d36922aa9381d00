"""The schema of a bundle's manifest, and what its types alone cannot say."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Literal

import msgspec

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
MAX_MANIFEST_BYTES = 4 << 20
MAX_FILE_BYTES = 512 << 20
MAX_SIDE = 4096
MAX_CLIP_FRAMES = 4096
CONTEXT_FEATURES = 5
"""Numbers in the context, see :mod:`edge_dnq.context`."""

FLOAT_BITS = 32

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
DType = Literal["int8", "float32"]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class FileSpec(_Record, frozen=True):
    """One file of the bundle: a relative POSIX path, its size in bytes and its sha256."""

    file: str
    bytes: PositiveInt
    sha256: Sha256


class TensorSpec(_Record, frozen=True):
    """An input or output tensor; ``scale`` and ``zero_point`` are set for int8 tensors only.

    A float32 frame holds ``(pixel - mean) / std`` itself.
    """

    name: str
    shape: tuple[PositiveInt, ...]
    dtype: DType
    scale: float | None = None
    zero_point: int | None = None

    @property
    def grid(self) -> tuple[float, int]:
        """Scale and zero point of an int8 tensor; in a checked manifest it has both."""
        assert self.scale is not None
        assert self.zero_point is not None
        return self.scale, self.zero_point


class InputSpec(_Record, frozen=True):
    """How a frame becomes the network frame: shorter side resized, centre cropped, RGB.

    ``mean`` and ``std`` are in pixel units: real value = (pixel - mean) / std.
    """

    height: PositiveInt
    width: PositiveInt
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    color: Literal["rgb"] = "rgb"
    resize: Literal["short_side_center_crop"] = "short_side_center_crop"


class ProgramSpec(_Record, frozen=True):
    """One precision of the recognition network; ``files`` maps a runtime's name to its file.

    A program of 32 bits is a float32 one: frame and logits are float32.
    """

    name: str
    weight_bits: Literal[32, 8, 4, 2]
    activation_bits: Literal[32, 8, 4, 2]
    macs: PositiveInt
    input: TensorSpec
    output: TensorSpec
    files: dict[str, FileSpec]


class PolicySpec(_Record, frozen=True):
    """The policy program: frame, float32 h, c in; float32 action logits, h, c out.

    The frame is int8, or float32 where the whole policy is. A fourth input is the float32 context
    (:mod:`edge_dnq.context`) of a policy that is told more than the frame.
    """

    macs: PositiveInt
    inputs: Annotated[tuple[TensorSpec, ...], msgspec.Meta(min_length=3, max_length=4)]
    outputs: tuple[TensorSpec, TensorSpec, TensorSpec]
    files: dict[str, FileSpec]


class ActionSpec(_Record, frozen=True):
    """One thing the policy may do: run ``program``, or (program None) skip ``skip`` frames."""

    name: str
    program: str | None = None
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def frames(self) -> int:
        """How many frames the action decides about."""
        return max(1, self.skip)


class Manifest(_Record, frozen=True):
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


def inconsistencies(manifest: Manifest) -> Iterable[str]:
    """Yield what the schema's types alone cannot rule out."""
    programs = {program.name for program in manifest.programs}
    names = [action.name for action in manifest.actions]
    for name in (*names, *(program.name for program in manifest.programs)):
        if not name.isprintable() or not name or set(name) & set(",: "):
            yield f"{name!r} cannot be a name: expected printable characters without , : or space"
    if not programs or len(programs) != len(manifest.programs):
        yield "programs must be there and have different names"
    if not manifest.labels:
        yield "labels must not be empty"
    if not names or len(set(names)) != len(names):
        yield "actions must be there and have different names"
    for action in manifest.actions:
        yield from _action_problems(action, programs)
    if all(action.program is None for action in manifest.actions):
        yield "no action runs a program"
    if manifest.input.height != manifest.input.width:
        yield f"input must be square, got {manifest.input.height}x{manifest.input.width}"
    if max(manifest.input.height, manifest.input.width) > MAX_SIDE:
        yield f"input must have at most {MAX_SIDE} pixels a side, got {manifest.input.height}"
    if manifest.clip_frames > MAX_CLIP_FRAMES:
        yield f"clip_frames must be at most {MAX_CLIP_FRAMES}, got {manifest.clip_frames}"
    if not all(map(math.isfinite, (*manifest.input.mean, *manifest.input.std))):
        yield "input mean and std must be finite"
    if min(manifest.input.std) <= 0:
        yield f"input std must be positive, got {manifest.input.std}"
    for program in manifest.programs:
        yield from _program_problems(program, len(manifest.labels))
    if manifest.policy is not None:
        yield from _policy_problems(manifest.policy, len(names))
    for spec in listed_files(manifest):
        if is_unsafe(spec.file):
            yield f"{spec.file!r} is not a plain path inside the bundle"
        if spec.bytes > MAX_FILE_BYTES:
            yield f"{spec.file} says {spec.bytes} bytes, more than {MAX_FILE_BYTES}"


def _action_problems(action: ActionSpec, programs: set[str]) -> Iterable[str]:
    if action.program is None and action.skip < 1:
        yield f"action {action.name} neither runs a program nor skips frames"
    if action.program is not None and action.skip != 0:
        yield f"action {action.name} both runs a program and skips frames"
    if action.program is not None and action.program not in programs:
        known = ", ".join(sorted(programs))
        yield f"action {action.name} runs the unknown program {action.program!r}; known: {known}"


def _program_problems(program: ProgramSpec, classes: int) -> Iterable[str]:
    shape = program.input.shape
    if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3:
        yield f"program {program.name} takes {list(shape)}, expected [1, S, S, 3]"
    if program.output.shape != (1, classes):
        yield (
            f"program {program.name} gives {list(program.output.shape)}, "
            f"expected [1, {classes}] for {classes} labels"
        )
    if not program.files:
        yield f"program {program.name} has no file"
    widths = {program.weight_bits, program.activation_bits}
    if FLOAT_BITS in widths and len(widths) > 1:
        yield f"program {program.name} is 32-bit in one half only"
    expected: DType = "float32" if FLOAT_BITS in widths else "int8"
    for tensor in (program.input, program.output):
        yield from _tensor_problems(tensor, f"program {program.name}", (expected,))


def _tensor_problems(tensor: TensorSpec, owner: str, allowed: tuple[DType, ...]) -> Iterable[str]:
    scale = tensor.scale
    if tensor.dtype not in allowed or (tensor.dtype == "float32") != (scale is None):
        kinds = {"int8": "int8 with a scale", "float32": "float32 without a scale"}
        expected = " or ".join(kinds[dtype] for dtype in allowed)
        yield f"tensor {tensor.name!r} of {owner} must be {expected}"
    elif scale is None:
        return
    elif tensor.zero_point is None:
        yield f"tensor {tensor.name!r} of {owner} must be int8 with a scale and a zero point"
    elif not (math.isfinite(scale) and scale > 0 and -128 <= tensor.zero_point <= 127):
        yield f"tensor {tensor.name!r} of {owner} has no usable scale"


def _policy_problems(policy: PolicySpec, actions: int) -> Iterable[str]:
    frame, h, c, *context = policy.inputs
    state = (h, c)
    logits, *next_state = policy.outputs
    shape = frame.shape
    if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3:
        yield f"the policy takes {list(shape)}, expected [1, P, P, 3]"
    if logits.shape != (1, actions):
        yield (
            f"the policy gives {list(logits.shape)}, expected [1, {actions}] for {actions} actions"
        )
    shapes = {tensor.shape for tensor in (*state, *next_state)}
    if len(shapes) != 1 or any(len(shape) != 2 or shape[0] != 1 for shape in shapes):
        yield "the policy's states must all have one shape [1, H]"
    if any(tensor.dtype != "float32" for tensor in (*state, *policy.outputs)):
        yield "the policy's states and logits must be float32"
    for tensor in context:
        if tensor.shape != (1, CONTEXT_FEATURES) or tensor.dtype != "float32":
            yield f"the policy's context must be float32 [1, {CONTEXT_FEATURES}]"
    yield from _tensor_problems(frame, "the policy", ("int8", "float32"))
    if not policy.files:
        yield "the policy has no file"


def has_context(policy: PolicySpec) -> bool:
    """Tell whether the policy takes a context beside frame and state."""
    return len(policy.inputs) == 4


def listed_files(manifest: Manifest) -> Iterable[FileSpec]:
    """Yield every file that the manifest names."""
    for program in manifest.programs:
        yield from program.files.values()
    if manifest.policy is not None:
        yield from manifest.policy.files.values()
    yield manifest.golden


def is_unsafe(name: str) -> bool:
    """Tell whether ``name`` could mean anything but a file inside the folder."""
    path = PurePosixPath(name)
    return (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or str(path) != name
        or "\\" in name
        or ":" in name
        or not name.isprintable()
    )
