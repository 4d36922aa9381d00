"""What the tests of android_demo/native are given: bundles, frames, Python's answers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.manifest import FileSpec, TensorSpec

Answer = Callable[[Path, Path, Path], None]
"""Writes the vectors of (bundle, frames, output file), see session_vectors.py."""

LITERT = "libLiteRt.so"

TYPES = {"float32": 1, "int8": 9}
"""TFLite's numbers of the element types."""


def write_case(folder: Path, bundle: Path, frames: np.ndarray, answer: Answer) -> None:
    """Write a case: ``bundle``, ``frames.bin`` and ``vectors.json``.

    Args:
        folder: Made here.
        bundle: A bundle; linked to.
        frames: uint8 [N, H, W, 3].
        answer: Asks the Python runtime.
    """
    folder.mkdir(parents=True)
    (folder / "bundle").symlink_to(bundle.resolve())
    frames.tofile(folder / "frames.bin")
    np.save(folder / "frames.npy", frames)
    answer(folder / "bundle", folder / "frames.npy", folder / "vectors.json")


def write_programs(folder: Path, bundle: Bundle) -> None:
    """Write every program of a bundle with its specs, as the C++ tests read them.

    Programs are named by what they take: ``float32`` and ``int8``; the policy is ``policy``.
    """
    folder.mkdir(parents=True)
    manifest = bundle.manifest
    for program in manifest.programs:
        _write(
            folder, program.input.dtype, bundle, program.files, [program.input], [program.output]
        )
    assert manifest.policy is not None
    policy = manifest.policy
    _write(folder, "policy", bundle, policy.files, policy.inputs, policy.outputs)


def _write(
    folder: Path,
    name: str,
    bundle: Bundle,
    files: dict[str, FileSpec],
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
) -> None:
    (folder / f"{name}.tflite").write_bytes(bundle.read(files["litert"]))
    sides = [("input", tensor) for tensor in inputs] + [("output", tensor) for tensor in outputs]
    lines = [
        f"{side} {tensor.name} {TYPES[tensor.dtype]} {tensor.scale or 0!r} {tensor.zero_point or 0}"
        f" {' '.join(map(str, tensor.shape))}\n"
        for side, tensor in sides
    ]
    (folder / f"{name}.specs").write_text("".join(lines))


def litert_library() -> Path:
    """Return the installed runtime's library; the emulated one is in its own wheel."""
    spec = importlib.util.find_spec("ai_edge_litert")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("ai-edge-litert is not installed")
    return Path(spec.submodule_search_locations[0]) / LITERT
