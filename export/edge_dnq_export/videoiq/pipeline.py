"""Imported checkpoint in, checked bundle out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
    InputSpec,
    Manifest,
    PolicySpec,
    ProgramSpec,
    TensorSpec,
    file_spec,
    write_manifest,
)
from edge_dnq.errors import EdgeDnqError, ExportError
from edge_dnq.manifest import FLOAT_BITS
from edge_dnq.nn.config import skip_name
from edge_dnq.nn.videoiq.model import IMAGENET_MEAN, IMAGENET_STD, ImportedModel, program_name
from edge_dnq.nn.videoiq.network import Backbone
from edge_dnq.nn.videoiq.policy import ImportedPolicy
from edge_dnq.programs import load_program
from edge_dnq.programs.tflite_file import read_program_facts
from edge_dnq.staging import staged_folder
from edge_dnq.synthetic import render_clip
from edge_dnq.verification import float_difference, float_key, float_tolerance
from edge_dnq.video.preprocess import FloatInputEncoder, InputEncoder, network_frame
from edge_dnq_export import checks, litert, reference
from edge_dnq_export.graph import Tensor
from edge_dnq_export.videoiq.float_program import FloatProgram
from edge_dnq_export.videoiq.lowering import SUM_LIMIT, LayerReport, Lowered, lower
from edge_dnq_export.videoiq.measure import measure

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Progress = Callable[[str], None]

RUNTIME = "litert"
GOLDEN_FRAMES = 8
BATCH = 8
POLICY_FILE = "policy.tflite"
TOP_BITS = 8
"""Width of a 32-bit program that is made an integer one."""

INPUT_SCALE = max(
    max(m / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)) / 128,
    max((255 - m) / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)) / 127,
)
"""Real size of one input code: the smallest that spans all pixel values."""


@dataclass(frozen=True)
class ImportedProgramReport:
    """What was found about one program.

    Attributes:
        name: The program's name.
        macs: Multiply-accumulates per frame.
        bytes: Size of the file.
        levels: Values a hidden activation takes; None in a float32 program.
        outputs: Outputs compared with the integer reference (all equal) or with torch.
        float_difference: Root mean square of the distance to the checkpoint's float arithmetic, in
            deviations of its logits, over the golden frames.
        top1_agreement: Fraction of golden frames with the same likeliest class.
        layers: What became of every layer with truncated weights.
        seconds: Time to lower, convert and check it.
    """

    name: str
    macs: int
    bytes: int
    levels: int | None
    outputs: int
    float_difference: float
    top1_agreement: float
    layers: tuple[LayerReport, ...]
    seconds: float


@dataclass(frozen=True)
class ImportedPolicyReport:
    """What was found about the policy: MACs, size, largest difference to torch."""

    macs: int
    bytes: int
    difference: float


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
    report = ImportReport(out, calibration is not None)
    side = model.options.input_size
    frames = _network_frames(golden_frames, side, GOLDEN_FRAMES)
    shown = frames if calibration is None else _network_frames(calibration, side, None)
    golden: dict[str, np.ndarray] = {"frames": frames}
    with staged_folder(out, overwrite=overwrite) as folder:
        work = _Work(model, folder, frames, shown, sum_limit, golden, report)
        programs = []
        for program, (source, width) in bits.items():
            say(f"program {program}")
            programs.append(work.program(program, source, width))
        policy = None
        network = model.policy()
        if network is not None:
            say("policy")
            policy = work.policy(network)
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


@dataclass
class _Work:
    """One export in progress."""

    model: ImportedModel
    folder: Path
    frames: UInt8
    shown: UInt8
    sum_limit: float
    golden: dict[str, np.ndarray]
    report: ImportReport

    def program(self, name: str, source_bits: int, bits: int) -> ProgramSpec:
        """Write, run and check one program."""
        started = time.perf_counter()
        backbone = self.model.backbone(source_bits)
        source = torch.cat([backbone(batch) for batch in self._batches(self.frames)]).numpy()
        path = self.folder / f"{name}.tflite"
        make = self._float_program if bits == FLOAT_BITS else self._integer_program
        written = make(name, backbone, path, source)
        self.golden[f"program/{name}"] = written.expected
        self.golden[float_key(name)] = source
        spec = file_spec(self.folder, path.name)
        facts = read_program_facts(path.read_bytes())
        same = written.logits.argmax(1) == source.argmax(1)
        self.report.programs.append(
            ImportedProgramReport(
                name,
                facts.macs,
                spec.bytes,
                None if bits == FLOAT_BITS else 2**bits,
                written.expected.size,
                float_difference(source, written.logits),
                float(same.mean()),
                written.layers,
                time.perf_counter() - started,
            )
        )
        width = {32: 32, 8: 8, 4: 4, 2: 2}[bits]
        return ProgramSpec(
            name=name,
            weight_bits=width,  # type: ignore[arg-type]
            activation_bits=width,  # type: ignore[arg-type]
            macs=facts.macs,
            input=written.input,
            output=written.output,
            files={RUNTIME: spec},
        )

    def _integer_program(
        self, name: str, backbone: Backbone, path: Path, source: Float32
    ) -> _Written:
        side = self.model.options.input_size
        seen = measure(backbone, self._batches(self.shown))
        lowered = lower(backbone, name, side, INPUT_SCALE, seen, self.sum_limit)
        graph = lowered.graph
        litert.write_program(graph, path)
        require_widths(lowered, path.read_bytes())
        inputs = _int8_spec(graph.tensors[graph.input], "args_0")
        outputs = _int8_spec(graph.tensors[graph.output], "output_0")
        encode = InputEncoder(IMAGENET_MEAN, IMAGENET_STD, *inputs.grid)
        codes = np.concatenate([encode(frame) for frame in self.frames])
        expected = reference.run(graph, codes)[graph.output]
        program = load_program(path.read_bytes(), (inputs,), (outputs,), RUNTIME)
        checks.require_equal(name, expected, checks.program_outputs(program, codes))
        scale, zero_point = outputs.grid
        logits = (expected.astype(np.float64) - zero_point) * scale
        return _Written(inputs, outputs, expected, logits, lowered.layers)

    def _float_program(
        self, name: str, backbone: Backbone, path: Path, source: Float32
    ) -> _Written:
        side = self.model.options.input_size
        example = torch.zeros(1, side, side, 3)
        litert.write_float(FloatProgram(backbone), (example,), path)
        inputs = TensorSpec(name="args_0", shape=(1, side, side, 3), dtype="float32")
        classes = len(self.model.labels)
        outputs = TensorSpec(name="output_0", shape=(1, classes), dtype="float32")
        program = load_program(path.read_bytes(), (inputs,), (outputs,), RUNTIME)
        encode = FloatInputEncoder(IMAGENET_MEAN, IMAGENET_STD)
        actual = np.concatenate([program.run(encode(frame))[0] for frame in self.frames])
        _require_close(f"program {name}", [source], [actual])
        return _Written(inputs, outputs, actual, actual.astype(np.float64), ())

    def policy(self, network: ImportedPolicy) -> PolicySpec:
        """Write, run and check the policy."""
        side, hidden = self.model.options.input_size, network.hidden
        state = torch.zeros(1, hidden)
        path = self.folder / POLICY_FILE
        litert.write_float(network, (torch.zeros(1, side, side, 3), state, state.clone()), path)
        shapes = ((1, side, side, 3), (1, hidden), (1, hidden))
        results = ((1, len(self.model.actions)), (1, hidden), (1, hidden))
        inputs = tuple(_float_spec(f"args_{i}", shape) for i, shape in enumerate(shapes))
        outputs = tuple(_float_spec(f"output_{i}", shape) for i, shape in enumerate(results))
        first, second, third = inputs
        one, two, three = outputs
        program = load_program(path.read_bytes(), inputs, outputs, RUNTIME)
        encode = FloatInputEncoder(IMAGENET_MEAN, IMAGENET_STD)
        codes = np.concatenate([encode(frame) for frame in self.frames])
        actual = checks.policy_outputs(program, codes, hidden)
        expected = _torch_policy_outputs(network, self.model.normalise(_torch(self.frames)))
        pairs = [(expected[key], actual[key]) for key in expected]
        difference = _require_close("the policy", *map(list, zip(*pairs, strict=True)))
        self.golden.update(actual)
        spec = file_spec(self.folder, path.name)
        macs = network.macs()
        self.report.policy = ImportedPolicyReport(macs, spec.bytes, difference)
        return PolicySpec(
            macs=macs,
            inputs=(first, second, third),
            outputs=(one, two, three),
            files={RUNTIME: spec},
        )

    def _batches(self, frames: UInt8) -> Iterator[torch.Tensor]:
        for start in range(0, len(frames), BATCH):
            yield self.model.normalise(_torch(frames[start : start + BATCH]))


@dataclass(frozen=True)
class _Written:
    """A program as it was written and run: its tensors, golden outputs, and those as numbers."""

    input: TensorSpec
    output: TensorSpec
    expected: np.ndarray
    logits: npt.NDArray[np.float64]
    layers: tuple[LayerReport, ...]


def require_widths(lowered: Lowered, content: bytes) -> None:
    """Read the written file back and prove the widths of its activations and of narrow layers.

    Raises:
        ExportError: the converter lost one.
    """
    facts = read_program_facts(content)
    graph = lowered.graph
    expected = sorted(
        graph.tensors[node.output].levels for node in graph.nodes if getattr(node, "relu", False)
    )
    found = sorted(activation.levels for activation in facts.hidden)
    if found != expected:
        raise ExportError(
            f"program {graph.program} lost its precision in conversion: hidden activations take "
            f"{sorted(set(found))} values, expected {sorted(set(expected))}"
        )
    narrow = sum(layer.narrow for layer in lowered.layers)
    odd = sum(w.odd and max(-w.low, w.high) < 16 for w in facts.weights if w.role == "body")
    if odd < narrow:
        raise ExportError(
            f"program {graph.program} lost its precision in conversion: {odd} layers have few odd "
            f"weights, expected {narrow}"
        )


def _require_close(what: str, expected: list[Float32], actual: list[Float32]) -> float:
    """Return the largest difference between a float32 program's outputs and torch's.

    Raises:
        ExportError: it exceeds :func:`edge_dnq.verification.float_tolerance`.
    """
    largest = max(float(np.abs(e - a).max()) for e, a in zip(expected, actual, strict=True))
    if not largest <= float_tolerance(expected):
        raise ExportError(
            f"{what} differs from torch by {largest:.2g}, more than "
            f"{float_tolerance(expected):.2g}: please report it with the output of `edge-dnq env`"
        )
    return largest


@torch.no_grad()
def _torch_policy_outputs(policy: ImportedPolicy, frames: torch.Tensor) -> dict[str, Float32]:
    h = c = torch.zeros(1, policy.hidden)
    logits = []
    for index in range(len(frames)):
        output, h, c = policy(frames[index : index + 1], h, c)
        logits.append(output[0].numpy())
    return {"policy/logits": np.stack(logits), "policy/h": h.numpy(), "policy/c": c.numpy()}


def _torch(frames: UInt8) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames))


def _float_spec(name: str, shape: tuple[int, ...]) -> TensorSpec:
    return TensorSpec(name=name, shape=shape, dtype="float32")


def _int8_spec(tensor: Tensor, name: str) -> TensorSpec:
    return TensorSpec(
        name=name,
        shape=(1, *tensor.shape),
        dtype="int8",
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


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
