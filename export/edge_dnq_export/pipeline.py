"""Checkpoint in, checked bundle out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

import edge_dnq
from edge_dnq.bundle import (
    GOLDEN,
    MANIFEST,
    ActionSpec,
    Bundle,
    FileSpec,
    InputSpec,
    Manifest,
    PolicySpec,
    ProgramSpec,
    TensorSpec,
    file_spec,
    write_manifest,
)
from edge_dnq.context import FEATURES
from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.config import PolicyConfig, ProgramConfig, skip_name
from edge_dnq.nn.model import VideoModel
from edge_dnq.programs import load_program
from edge_dnq.staging import staged_folder
from edge_dnq.synthetic import render_clip
from edge_dnq.video.preprocess import InputEncoder, network_frame
from edge_dnq_export import checks, reference
from edge_dnq_export.graph import Tensor
from edge_dnq_export.integer_program import write_integer_program
from edge_dnq_export.lowering import lower, lower_policy
from edge_dnq_export.targets import RuntimeChoice, Target, checked_targets

UInt8 = npt.NDArray[np.uint8]
Progress = Callable[[str], None]

GOLDEN_FRAMES = 8
POLICY = "policy"


@dataclass(frozen=True)
class ProgramReport:
    """What was found about one program.

    Attributes:
        name: The program's name.
        macs: Multiply-accumulates per frame.
        ops: Operations of the integer graph by kind.
        files: Sizes of its files by their names in the manifest.
        levels: Values a hidden activation takes: 256, 16 or 4.
        outputs: int8 outputs of each file compared with the reference, all equal.
        stock_differences: Of stock ExecuTorch: outputs that differ from the other programs'
            because it rounds additions by another rule, and by how many codes at most.
        rounding: Elements per kind of operation where torch rounds a tie the other way.
        seconds: Time to lower, convert and check it.
    """

    name: str
    macs: int
    ops: dict[str, int]
    files: dict[str, int]
    levels: int
    outputs: int
    stock_differences: tuple[int, int] | None
    rounding: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class PolicyReport:
    """What was found about the policy.

    Attributes:
        macs: Multiply-accumulates per frame.
        files: Sizes of its files by their names in the manifest.
        difference: Largest difference of logits and state to torch, over the golden frames.
        rounding: As in :class:`ProgramReport`, for the encoder.
    """

    macs: int
    files: dict[str, int]
    difference: float
    rounding: dict[str, int]


@dataclass
class ExportReport:
    """What an export wrote and saw."""

    path: Path
    programs: list[ProgramReport] = field(default_factory=list)
    policy: PolicyReport | None = None
    seconds: float = 0.0


def export_bundle(
    model: VideoModel,
    out: Path,
    *,
    name: str,
    runtime: RuntimeChoice = "litert",
    golden_frames: UInt8 | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportReport:
    """Write ``model`` as a bundle, after running every program that goes into it.

    Args:
        model: A trained, or random and calibrated, model.
        out: The bundle's folder; it appears whole or not at all.
        name: The bundle's name in its manifest.
        runtime: Whose programs go into it.
        golden_frames: RGB frames [N, H, W, 3] to check on; None renders a clip.
        overwrite: Replace an existing bundle (never another kind of folder).
        progress: Told what is being done.

    Raises:
        ExportError: a program does not equal its reference.
        EdgeDnqError: ``out`` exists, or cannot be written.
        RuntimeMissingError: the converter or the runtime is not installed.
    """
    say = progress or (lambda _: None)
    started = time.perf_counter()
    if overwrite and out.exists() and not (out / MANIFEST).is_file():
        raise EdgeDnqError(f"{out} is not a bundle: it is left alone, choose another output")
    model = model.eval()
    report = ExportReport(out)
    size = model.config.backbone.input_size
    frames = _golden_frames(size, golden_frames)
    golden: dict[str, np.ndarray] = {"frames": frames}
    targets = checked_targets(runtime)
    with staged_folder(out, overwrite=overwrite) as folder:
        programs = []
        for config in model.config.backbone.programs:
            say(f"program {config.name}")
            programs.append(_export_program(model, config, targets, folder, frames, golden, report))
        policy = None
        if model.policy is not None:
            say("policy")
            policy = _export_policy(model, targets, folder, frames, golden, report)
        say("checking the bundle")
        np.savez_compressed(folder / GOLDEN, allow_pickle=False, **golden)
        write_manifest(folder, _manifest(model, name, tuple(programs), policy, folder))
        Bundle.load(folder)
    report.seconds = time.perf_counter() - started
    return report


def _golden_frames(size: int, frames: UInt8 | None) -> UInt8:
    """Return network frames [N, size, size, 3]."""
    if frames is None:
        frames = render_clip(0, frames=GOLDEN_FRAMES, size=max(size, 64)).frames
    return np.stack([network_frame(frame, size) for frame in frames[:GOLDEN_FRAMES]])


def _export_program(
    model: VideoModel,
    config: ProgramConfig,
    targets: tuple[Target, ...],
    folder: Path,
    frames: UInt8,
    golden: dict[str, np.ndarray],
    report: ExportReport,
) -> ProgramSpec:
    started = time.perf_counter()
    graph = lower(model.backbone, config.name)
    side = model.backbone.resolution(config.name)
    resized = np.stack([network_frame(frame, side) for frame in frames])
    inputs = _tensor_spec(graph.tensors[graph.input], "args_0")
    outputs = _tensor_spec(graph.tensors[graph.output], "output_0")
    encoder = InputEncoder(model.config.mean, model.config.std, *inputs.grid)
    codes = np.concatenate([encoder(frame) for frame in resized])
    values = reference.run(graph, codes)
    expected = values[graph.output]
    require_widths = partial(checks.require_widths, graph)
    files, differences = write_integer_program(
        graph, targets, codes, expected, (inputs, outputs), folder, golden, require_widths
    )
    normalised = model.normalise(torch.from_numpy(resized))
    rounding = checks.torch_differences(
        graph, values, lambda tap: model.backbone.deployed(normalised, config.name, tap)
    )
    report.programs.append(
        ProgramReport(
            config.name,
            graph.macs,
            dict(Counter(type(node).__name__ for node in graph.nodes)),
            {key: spec.bytes for key, spec in files.items()},
            checks.hidden_levels(graph),
            expected.size,
            differences,
            dict(rounding),
            time.perf_counter() - started,
        )
    )
    return ProgramSpec(
        name=config.name,
        weight_bits=config.weight_bits,
        activation_bits=config.activation_bits,
        macs=graph.macs,
        input=inputs,
        output=outputs,
        files=files,
    )


def _export_policy(
    model: VideoModel,
    targets: tuple[Target, ...],
    folder: Path,
    frames: UInt8,
    golden: dict[str, np.ndarray],
    report: ExportReport,
) -> PolicySpec:
    policy = model.policy
    assert policy is not None
    size, hidden = policy.config.input_size, policy.config.hidden
    lowered = lower_policy(policy)
    frame = _tensor_spec(lowered.encoder.tensors[lowered.encoder.input], "args_0")
    inputs = (frame, *_state_specs("args", hidden), *_context_specs(policy.config))
    logits = TensorSpec(name="output_0", shape=(1, len(model.config.actions)), dtype="float32")
    outputs = (logits, *_state_specs("output", hidden))
    small = np.stack([network_frame(frame, size) for frame in frames])
    encoder = InputEncoder(model.config.mean, model.config.std, *frame.grid)
    codes = np.concatenate([encoder(frame) for frame in small])
    normalised = model.normalise(torch.from_numpy(small))
    values = reference.run(lowered.encoder, codes)
    rounding = checks.torch_differences(
        lowered.encoder, values, lambda tap: policy.deployed(normalised, tap)
    )
    contexts = _golden_contexts(len(frames)) if policy.config.context else None
    expected = checks.torch_policy_outputs(policy, normalised, contexts)
    files: dict[str, FileSpec] = {}
    difference = 0.0
    for target in targets:
        path = folder / f"{POLICY}{target.suffix}"
        target.write_policy(policy, lowered, path)
        program = load_program(
            path.read_bytes(), inputs, outputs, target.runtime, kernels=target.kernels
        )
        actual = checks.policy_outputs(program, codes, hidden, contexts)
        difference = max(difference, checks.require_close(path.name, expected, actual))
        if not files:
            golden.update(actual)
            golden.update({} if contexts is None else {"policy/context": contexts})
        files[target.key] = file_spec(folder, path.name)
    sizes = {key: spec.bytes for key, spec in files.items()}
    report.policy = PolicyReport(policy.macs(), sizes, difference, dict(rounding))
    return PolicySpec(macs=policy.macs(), inputs=inputs, outputs=outputs, files=files)


def _tensor_spec(tensor: Tensor, name: str) -> TensorSpec:
    return TensorSpec(
        name=name,
        shape=(1, *tensor.shape),
        dtype="int8",
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


def _state_specs(prefix: str, hidden: int) -> tuple[TensorSpec, TensorSpec]:
    first, second = (
        TensorSpec(name=f"{prefix}_{index}", shape=(1, hidden), dtype="float32") for index in (1, 2)
    )
    return first, second


def _context_specs(config: PolicyConfig) -> tuple[TensorSpec, ...]:
    if not config.context:
        return ()
    return (TensorSpec(name="args_3", shape=(1, FEATURES), dtype="float32"),)


def _golden_contexts(frames: int) -> npt.NDArray[np.float32]:
    """Return a context per golden frame, [N, FEATURES]: any values in 0..1 will do."""
    return np.random.default_rng(0).random((frames, FEATURES), np.float32)


def _manifest(
    model: VideoModel,
    name: str,
    programs: tuple[ProgramSpec, ...],
    policy: PolicySpec | None,
    folder: Path,
) -> Manifest:
    config = model.config
    actions = [ActionSpec(name=program.name, program=program.name) for program in programs]
    if config.policy is not None:
        actions += [
            ActionSpec(name=skip_name(length), skip=length) for length in config.policy.skip_lengths
        ]
    size = config.backbone.input_size
    return Manifest(
        schema_version=1,
        name=name,
        created_by=f"edge-dnq {edge_dnq.__version__}",
        labels=config.labels,
        clip_frames=config.clip_frames,
        input=InputSpec(height=size, width=size, mean=config.mean, std=config.std),
        policy=policy,
        actions=tuple(actions),
        programs=programs,
        golden=file_spec(folder, GOLDEN),
    )
