"""Imported checkpoint in, checked bundle out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

import edge_dnq
from edge_dnq.bundle import (
    GOLDEN,
    MANIFEST,
    ActionSpec,
    Bundle,
    InputSpec,
    Manifest,
    PolicySpec,
    ProgramSpec,
    file_spec,
    write_manifest,
)
from edge_dnq.errors import EdgeDnqError, ExportError
from edge_dnq.manifest import FLOAT_BITS
from edge_dnq.nn.config import skip_name
from edge_dnq.nn.videoiq.model import IMAGENET_MEAN, IMAGENET_STD, ImportedModel, program_name
from edge_dnq.staging import staged_folder
from edge_dnq.synthetic import render_clip
from edge_dnq.video.preprocess import network_frame
from edge_dnq_export.targets import RuntimeChoice, checked_targets
from edge_dnq_export.videoiq.lowering import SUM_LIMIT
from edge_dnq_export.videoiq.programs import (
    ImportedPolicyReport,
    ImportedProgramReport,
    ProgramWriter,
)

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Progress = Callable[[str], None]

GOLDEN_FRAMES = 8
TOP_BITS = 8
"""Width of a 32-bit program that is made an integer one."""


@dataclass
class ImportReport:
    """What an import wrote and saw."""

    path: Path
    calibrated: bool
    programs: list[ImportedProgramReport] = field(default_factory=list)
    policy: ImportedPolicyReport | None = None
    seconds: float = 0.0


def export_imported(
    model: ImportedModel,
    out: Path,
    *,
    name: str,
    runtime: RuntimeChoice = "litert",
    golden_frames: UInt8 | None = None,
    calibration: UInt8 | None = None,
    integer_top: bool = False,
    sum_limit: float = SUM_LIMIT,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Write an imported checkpoint as a bundle, after running every program that goes into it.

    Args:
        model: The checkpoint.
        out: The bundle's folder; it appears whole or not at all.
        name: The bundle's name in its manifest.
        runtime: Whose programs go into it.
        golden_frames: RGB frames [N, H, W, 3] to check on; None renders a clip.
        calibration: RGB frames [N, H, W, 3] that show the ranges of tensors without a clip value;
            None takes the golden frames.
        integer_top: Make the 32-bit program an 8-bit integer one; needs ``calibration``.
        sum_limit: See :data:`edge_dnq_export.videoiq.lowering.SUM_LIMIT`.
        overwrite: Replace an existing bundle (never another kind of folder).
        progress: Told what is being done.

    Raises:
        ExportError: a program does not equal its reference, or what was asked for cannot be made.
        CheckpointError: weights without a quantised form.
        EdgeDnqError: ``out`` exists, or cannot be written.
        RuntimeMissingError: the converter or the runtime is not installed.
    """
    say = progress or (lambda _: None)
    started = time.perf_counter()
    if overwrite and out.exists() and not (out / MANIFEST).is_file():
        raise EdgeDnqError(f"{out} is not a bundle: it is left alone, choose another output")
    bits = _program_bits(model, integer_top, calibration is not None)
    targets = checked_targets(runtime)
    report = ImportReport(out, calibration is not None)
    side = model.options.input_size
    frames = _network_frames(golden_frames, side, GOLDEN_FRAMES)
    shown = frames if calibration is None else _network_frames(calibration, side, None)
    golden: dict[str, np.ndarray] = {"frames": frames}
    with staged_folder(out, overwrite=overwrite) as folder:
        write = ProgramWriter(model, targets, folder, frames, shown, sum_limit, golden)
        programs = []
        for program, (source, width) in bits.items():
            say(f"program {program}")
            made, found = write.program(program, source, width)
            programs.append(made)
            report.programs.append(found)
        policy = None
        network = model.policy()
        if network is not None:
            say("policy")
            policy, report.policy = write.policy(network)
        say("checking the bundle")
        np.savez_compressed(folder / GOLDEN, allow_pickle=False, **golden)
        write_manifest(folder, _manifest(model, name, tuple(programs), policy, folder))
        Bundle.load(folder)
    report.seconds = time.perf_counter() - started
    return report


def _program_bits(
    model: ImportedModel, integer_top: bool, calibrated: bool
) -> dict[str, tuple[int, int]]:
    """Return, by program name, the checkpoint's width and the program's."""
    bits = {name: (width, width) for name, width in model.programs.items()}
    if not integer_top:
        return bits
    if FLOAT_BITS not in model.layout.program_bits:
        raise ExportError(f"{model.path} has no 32-bit program to make an integer one of")
    if TOP_BITS in model.layout.program_bits:
        raise ExportError(f"{model.path} has an 8-bit program already: leave --top as it is")
    if not calibrated:
        raise ExportError("an integer program for 32 bits needs --calibrate CLIPS: their frames "
                          "show the ranges of its activations")  # fmt: skip
    return {
        program_name(TOP_BITS) if width == FLOAT_BITS else name: (
            (width, TOP_BITS) if width == FLOAT_BITS else (width, width)
        )
        for name, width in model.programs.items()
    }


def _network_frames(frames: UInt8 | None, side: int, limit: int | None) -> UInt8:
    """Return network frames [N, side, side, 3]."""
    if frames is None:
        frames = render_clip(0, frames=GOLDEN_FRAMES, size=max(side, 64)).frames
    return np.stack([network_frame(frame, side) for frame in frames[:limit]])


def _manifest(
    model: ImportedModel,
    name: str,
    programs: tuple[ProgramSpec, ...],
    policy: PolicySpec | None,
    folder: Path,
) -> Manifest:
    actions = [ActionSpec(name=program.name, program=program.name) for program in programs]
    actions += [ActionSpec(name=skip_name(n), skip=n) for n in model.skip_lengths]
    size = model.options.input_size
    return Manifest(
        schema_version=1,
        name=name,
        created_by=f"edge-dnq {edge_dnq.__version__}",
        labels=model.labels,
        clip_frames=model.options.clip_frames,
        input=InputSpec(height=size, width=size, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        policy=policy,
        actions=tuple(actions),
        programs=programs,
        golden=file_spec(folder, GOLDEN),
    )
