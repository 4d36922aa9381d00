"""Whether a bundle is whole and computes, on this machine, what it did at export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import MANIFEST, Bundle, file_problems, read_manifest
from edge_dnq.errors import BundleError
from edge_dnq.kernels import KernelUse
from edge_dnq.manifest import Manifest, PolicySpec, ProgramSpec, TensorSpec, has_context
from edge_dnq.programs import Program
from edge_dnq.session import (
    POLICY,
    choose_runtime,
    load_from_bundle,
    open_bundle,
    program_key,
)
from edge_dnq.video.preprocess import input_encoder, network_frame

POLICY_TOLERANCE = 1e-4
"""Absolute. The policy's memory is float32, and processors add float32 numbers in different orders,
which changes the last bits; integer programs have no such excuse and must agree bit for bit."""

FLOAT_TOLERANCE = 1e-3
"""Of programs that are float32 throughout, relative to the largest output and at least absolute:
dozens of layers add up what one sum in another order changes."""

Load = Callable[..., Program]
""":func:`edge_dnq.session.load_from_bundle` with its last arguments given."""


@dataclass(frozen=True)
class FileCheck:
    """One file: whether size and sha256 are right, and what is wrong where they are not."""

    ok: bool
    problem: str | None = None


@dataclass(frozen=True)
class ProgramCheck:
    """One program on the golden frames.

    Attributes:
        ok: Whether every output agrees.
        mismatches: Outputs that do not; all of them where the program could not be loaded.
        outputs: Outputs expected; 0 where nothing was run.
        largest_difference: In int8 codes for integer programs, in real units for float32 ones and
            the policy; None where the program could not be run.
        problem: Why the program could not be run.
        kernels: Which kernels it ran on.
        tolerance: Largest difference that still agrees; 0 for integer programs.
        float_difference: Root mean square of the distance to the float arithmetic that the program
            was made from, in deviations of its logits, over the golden frames; None where the
            bundle does not carry that arithmetic's outputs.
    """

    ok: bool
    mismatches: int
    outputs: int
    largest_difference: float | None = None
    problem: str | None = None
    kernels: KernelUse | None = None
    tolerance: float = 0.0
    float_difference: float | None = None


@dataclass(frozen=True)
class Verification:
    """The outcome: ``ok`` when every file and every program is."""

    ok: bool
    runtime: str | None
    files: dict[str, FileCheck] = field(default_factory=dict)
    programs: dict[str, ProgramCheck] = field(default_factory=dict)


def verify_bundle(
    path: str | Path, *, runtime: str = "auto", threads: int = 1, kernels: str = "auto"
) -> Verification:
    """Check the files of a bundle, then run every program and the policy on the golden frames.

    Programs are run only when all files are as the manifest says.

    Args:
        path: The bundle's folder.
        runtime: The runtime to check on, or ``auto``.
        threads: Threads per program.
        kernels: Which kernels to check, one of :data:`edge_dnq.kernels.CHOICES`.

    Raises:
        BundleError: there is no usable manifest.
        RuntimeMissingError: no suitable runtime is installed, or not the kernels asked for.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    problems = {MANIFEST: None, **file_problems(folder, manifest)}
    files = {name: FileCheck(problem is None, problem) for name, problem in problems.items()}
    if not all(check.ok for check in files.values()):
        reason = "not run: the bundle has damaged files"
        return Verification(False, None, files, _not_run(manifest, reason))
    bundle = open_bundle(folder, runtime, kernels)
    chosen = choose_runtime(bundle, runtime)
    try:
        golden = bundle.golden()
    except BundleError as error:
        files[manifest.golden.file] = FileCheck(False, str(error))
        return Verification(False, chosen, files, _not_run(manifest, "not run: no golden vectors"))
    load = partial(load_from_bundle, runtime=chosen, threads=threads, kernels=kernels)
    programs = {}
    for spec in manifest.programs:
        key = golden_key(program_key(spec.files, chosen, kernels), spec.name)
        expected = golden.get(key, golden[f"program/{spec.name}"])
        programs[spec.name] = _check_program(bundle, spec, golden, expected, load)
    if manifest.policy is not None:
        programs[POLICY] = _check_policy(bundle, manifest.policy, golden, load)
    return Verification(all(check.ok for check in programs.values()), chosen, files, programs)


def _not_run(manifest: Manifest, reason: str) -> dict[str, ProgramCheck]:
    names = [program.name for program in manifest.programs]
    names += [POLICY] if manifest.policy is not None else []
    return {name: ProgramCheck(False, 0, 0, problem=reason) for name in names}


def _check_program(
    bundle: Bundle,
    spec: ProgramSpec,
    golden: dict[str, NDArray[np.generic]],
    outputs: NDArray[np.generic],
    load: Load,
) -> ProgramCheck:
    whole = spec.output.dtype == "int8"
    kind = np.int16 if whole else np.float32
    expected = outputs.astype(kind)
    try:
        program = load(bundle, spec.files, (spec.input,), (spec.output,))
    except BundleError as error:
        return ProgramCheck(False, expected.size, expected.size, problem=str(error))
    encode, side = input_encoder(bundle.manifest.input, spec.input), spec.input.shape[1]
    frames = golden["frames"].astype(np.uint8, copy=False)
    rows = [program.run(encode(network_frame(frame, side)))[0] for frame in frames]
    actual = np.concatenate(rows).astype(kind)
    tolerance = 0.0 if whole else float_tolerance([expected])
    check = _compare([expected], [actual], tolerance, program.kernels)
    source = golden.get(float_key(spec.name))
    if source is None:
        return check
    return replace(check, float_difference=float_difference(source, _real(actual, spec.output)))


def golden_key(file_key: str, program: str) -> str:
    """Return where the golden vectors hold what one kind of program gives where others differ.

    Args:
        file_key: The kind's name in the manifest's ``files``.
        program: The program's name.
    """
    return f"{file_key}/{program}"


def float_key(program: str) -> str:
    """Return where the golden vectors hold the outputs of a program's float arithmetic."""
    return f"float/{program}"


def float_tolerance(expected: Sequence[NDArray[np.generic]]) -> float:
    """Return how far outputs of a float32 program may be from the expected ones."""
    return FLOAT_TOLERANCE * max(1.0, *(float(np.abs(array).max()) for array in expected))


def float_difference(source: NDArray[np.generic], logits: NDArray[np.floating]) -> float:
    """Return the root mean square of ``logits - source`` in deviations of ``source``."""
    reference = source.astype(np.float64)
    distance = float(np.sqrt(np.square(logits - reference).mean()))
    return distance / max(float(reference.std()), 1e-12)


def _real(outputs: NDArray[np.generic], tensor: TensorSpec) -> NDArray[np.floating]:
    scale, zero_point = tensor.grid if tensor.dtype == "int8" else (1.0, 0)
    real: NDArray[np.float64] = (outputs.astype(np.float64) - zero_point) * scale
    return real


def _check_policy(
    bundle: Bundle,
    spec: PolicySpec,
    golden: dict[str, NDArray[np.generic]],
    load: Load,
) -> ProgramCheck:
    expected = [golden[f"policy/{part}"].astype(np.float32) for part in ("logits", "h", "c")]
    total = sum(array.size for array in expected)
    try:
        program = load(bundle, spec.files, spec.inputs, spec.outputs)
    except BundleError as error:
        return ProgramCheck(False, total, total, problem=str(error))
    frame_spec = spec.inputs[0]
    encode, side = input_encoder(bundle.manifest.input, frame_spec), frame_spec.shape[1]
    h, c = (np.zeros(tensor.shape, np.float32) for tensor in spec.inputs[1:3])
    contexts = golden["policy/context"].astype(np.float32) if has_context(spec) else None
    rows = []
    for index, frame in enumerate(golden["frames"].astype(np.uint8, copy=False)):
        more = () if contexts is None else (contexts[index : index + 1],)
        logits, h, c = program.run(encode(network_frame(frame, side)), h, c, *more)
        rows.append(logits)
    actual = [np.concatenate(rows), h, c]
    whole = frame_spec.dtype == "float32"
    tolerance = float_tolerance(expected) if whole else POLICY_TOLERANCE
    return _compare(expected, actual, tolerance, program.kernels)


def _compare(
    expected: Sequence[NDArray[np.generic]],
    actual: Sequence[NDArray[np.generic]],
    tolerance: float,
    kernels: KernelUse,
) -> ProgramCheck:
    outputs = mismatches = 0
    largest = 0.0
    for want, got in zip(expected, actual, strict=True):
        distance = np.abs(want.astype(np.float64) - got.astype(np.float64))
        outputs += distance.size
        # Written so that NaN counts as a mismatch.
        mismatches += int(np.count_nonzero(~(distance <= tolerance)))
        largest = max(largest, float(np.nan_to_num(distance, nan=np.inf).max()))
    return ProgramCheck(
        mismatches == 0, mismatches, outputs, largest, kernels=kernels, tolerance=tolerance
    )
