"""Writing, running and checking the programs of an imported checkpoint, one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from edge_dnq.bundle import FileSpec, PolicySpec, ProgramSpec, TensorSpec, file_spec
from edge_dnq.errors import ExportError
from edge_dnq.manifest import FLOAT_BITS
from edge_dnq.nn.videoiq.model import IMAGENET_MEAN, IMAGENET_STD, ImportedModel
from edge_dnq.nn.videoiq.network import Backbone
from edge_dnq.nn.videoiq.policy import ImportedPolicy
from edge_dnq.programs import Program, load_program
from edge_dnq.programs.tflite_file import read_program_facts
from edge_dnq.verification import float_difference, float_key, float_tolerance
from edge_dnq.video.preprocess import FloatInputEncoder, InputEncoder
from edge_dnq_export import checks, reference
from edge_dnq_export.graph import Tensor
from edge_dnq_export.integer_program import write_integer_program
from edge_dnq_export.qdq import Cell
from edge_dnq_export.targets import Target
from edge_dnq_export.videoiq.float_program import FloatProgram
from edge_dnq_export.videoiq.lowering import LayerReport, Lowered, lower
from edge_dnq_export.videoiq.measure import measure

Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

BATCH = 8
POLICY = "policy"

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
        files: Sizes of its files by their names in the manifest.
        levels: Values a hidden activation takes; None in a float32 program.
        outputs: Outputs of each file compared with the integer reference (all equal) or with torch.
        stock_differences: See :class:`edge_dnq_export.integer_program.IntegerFiles`.
        float_difference: Root mean square of the distance to the checkpoint's float arithmetic, in
            deviations of its logits, over the golden frames.
        top1_agreement: Fraction of golden frames with the same likeliest class.
        layers: What became of every layer with truncated weights.
        seconds: Time to lower, convert and check it.
    """

    name: str
    macs: int
    files: dict[str, int]
    levels: int | None
    outputs: int
    stock_differences: tuple[int, int] | None
    float_difference: float
    top1_agreement: float
    layers: tuple[LayerReport, ...]
    seconds: float


@dataclass(frozen=True)
class ImportedPolicyReport:
    """What was found about the policy: MACs, sizes of files, largest difference to torch."""

    macs: int
    files: dict[str, int]
    difference: float


@dataclass
class ProgramWriter:
    """Writes, runs and checks programs of one checkpoint.

    Attributes:
        model: The checkpoint.
        targets: The kinds of programs to write.
        folder: Where programs are written.
        frames: Network frames that programs are checked on.
        shown: Network frames that show ranges.
        sum_limit: See :data:`edge_dnq_export.videoiq.lowering.SUM_LIMIT`.
        golden: Takes what every program gave, and what its float arithmetic gave.
    """

    model: ImportedModel
    targets: tuple[Target, ...]
    folder: Path
    frames: UInt8
    shown: UInt8
    sum_limit: float
    golden: dict[str, np.ndarray]

    def program(
        self, name: str, source_bits: int, bits: int
    ) -> tuple[ProgramSpec, ImportedProgramReport]:
        """Write, run and check the program ``name``.

        Args:
            name: Its name.
            source_bits: Width of the checkpoint's network.
            bits: Width of the program.

        Raises:
            ExportError: it does not equal its reference.
        """
        started = time.perf_counter()
        backbone = self.model.backbone(source_bits)
        source = torch.cat([backbone(batch) for batch in self._batches(self.frames)]).numpy()
        if bits == FLOAT_BITS:
            written = self._float_program(name, backbone, source)
        else:
            written = self._integer_program(name, backbone)
        self.golden[float_key(name)] = source
        same = written.logits.argmax(1) == source.argmax(1)
        report = ImportedProgramReport(
            name,
            written.macs,
            sizes(written.files),
            None if bits == FLOAT_BITS else 2**bits,
            written.logits.size,
            written.stock_differences,
            float_difference(source, written.logits),
            float(same.mean()),
            written.layers,
            time.perf_counter() - started,
        )
        made = ProgramSpec(
            name=name,
            weight_bits=bits,  # type: ignore[arg-type]
            activation_bits=bits,  # type: ignore[arg-type]
            macs=written.macs,
            input=written.input,
            output=written.output,
            files=written.files,
        )
        return made, report

    def _integer_program(self, name: str, backbone: Backbone) -> _Written:
        side = self.model.options.input_size
        seen = measure(backbone, self._batches(self.shown))
        lowered = lower(backbone, name, side, INPUT_SCALE, seen, self.sum_limit)
        graph = lowered.graph
        inputs = _int8_spec(graph.tensors[graph.input], "args_0")
        outputs = _int8_spec(graph.tensors[graph.output], "output_0")
        encode = InputEncoder(IMAGENET_MEAN, IMAGENET_STD, *inputs.grid)
        codes = np.concatenate([encode(frame) for frame in self.frames])
        expected = reference.run(graph, codes)[graph.output]
        files, differences = write_integer_program(
            graph,
            self.targets,
            codes,
            expected,
            (inputs, outputs),
            self.folder,
            self.golden,
            partial(require_widths, lowered),
        )
        scale, zero_point = outputs.grid
        logits = (expected.astype(np.float64) - zero_point) * scale
        return _Written(inputs, outputs, logits, lowered.layers, graph.macs, files, differences)

    def _float_program(self, name: str, backbone: Backbone, source: Float32) -> _Written:
        side = self.model.options.input_size
        network = FloatProgram(backbone)
        inputs = TensorSpec(name="args_0", shape=(1, side, side, 3), dtype="float32")
        classes = len(self.model.labels)
        outputs = TensorSpec(name="output_0", shape=(1, classes), dtype="float32")
        encode = FloatInputEncoder(IMAGENET_MEAN, IMAGENET_STD)
        files: dict[str, FileSpec] = {}
        found = []
        for file, program in self._written(network, name, (inputs,), (outputs,), files):
            found.append(np.concatenate([program.run(encode(frame))[0] for frame in self.frames]))
            _require_close(file, [source], [found[-1]])
        self.golden[f"program/{name}"] = found[0]
        logits = found[0].astype(np.float64)
        return _Written(inputs, outputs, logits, (), network.macs(side), files, None)

    def _written(
        self,
        network: nn.Module,
        name: str,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        files: dict[str, FileSpec],
    ) -> Iterator[tuple[str, Program]]:
        """Write a float32 network for every target that takes one; yield file name and program.

        Args:
            network: From NCHW image (and more) to outputs.
            name: The program's name.
            inputs: Its tensors.
            outputs: Its tensors.
            files: Takes the files.
        """
        example = tuple(torch.zeros(spec.shape) for spec in inputs)
        for target in self.targets:
            if target.write_float is None:
                continue
            path = self.folder / f"{name}{target.suffix}"
            target.write_float(network, example, path)
            content = path.read_bytes()
            yield (
                path.name,
                load_program(content, inputs, outputs, target.runtime, kernels=target.kernels),
            )
            files[target.key] = file_spec(self.folder, path.name)

    def policy(self, network: ImportedPolicy) -> tuple[PolicySpec, ImportedPolicyReport]:
        """Write, run and check the policy.

        Raises:
            ExportError: it differs from torch.
        """
        side, hidden = self.model.options.input_size, network.hidden
        shapes = ((1, side, side, 3), (1, hidden), (1, hidden))
        results = ((1, len(self.model.actions)), (1, hidden), (1, hidden))
        inputs = tuple(_float_spec(f"args_{i}", shape) for i, shape in enumerate(shapes))
        outputs = tuple(_float_spec(f"output_{i}", shape) for i, shape in enumerate(results))
        first, second, third = inputs
        one, two, three = outputs
        encode = FloatInputEncoder(IMAGENET_MEAN, IMAGENET_STD)
        codes = np.concatenate([encode(frame) for frame in self.frames])
        expected = _torch_policy_outputs(network, self.model.normalise(_torch(self.frames)))
        files: dict[str, FileSpec] = {}
        difference = 0.0
        for file, program in self._written(_Deployed(network), POLICY, inputs, outputs, files):
            actual = checks.policy_outputs(program, codes, hidden)
            pairs = [(expected[key], actual[key]) for key in expected]
            off = _require_close(file, *map(list, zip(*pairs, strict=True)))
            difference = max(difference, off)
            if not files:
                self.golden.update(actual)
        macs = network.macs()
        made = PolicySpec(
            macs=macs,
            inputs=(first, second, third),
            outputs=(one, two, three),
            files=files,
        )
        return made, ImportedPolicyReport(macs, sizes(files), difference)

    def _batches(self, frames: UInt8) -> Iterator[torch.Tensor]:
        for start in range(0, len(frames), BATCH):
            yield self.model.normalise(_torch(frames[start : start + BATCH]))


@dataclass(frozen=True)
class _Written:
    """A program as it was written and run: its tensors, and its outputs in real units."""

    input: TensorSpec
    output: TensorSpec
    logits: npt.NDArray[np.float64]
    layers: tuple[LayerReport, ...]
    macs: int
    files: dict[str, FileSpec]
    stock_differences: tuple[int, int] | None


class _Deployed(nn.Module):
    """The imported policy, its memory in operations that every runtime knows."""

    def __init__(self, policy: ImportedPolicy) -> None:
        super().__init__()
        self.policy = policy
        self.cell = Cell(policy.cell, policy.cell.input_size)

    def forward(self, frame: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Outputs:
        """See :class:`edge_dnq.nn.videoiq.policy.ImportedPolicy`."""
        hidden, cell = self.cell(self.policy.features(frame), (h, c))
        return self.policy.action_head(hidden), hidden, cell


def sizes(files: dict[str, FileSpec]) -> dict[str, int]:
    """Return the bytes of files."""
    return {key: spec.bytes for key, spec in files.items()}


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
