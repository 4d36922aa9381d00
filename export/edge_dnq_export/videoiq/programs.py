"""Writing, running and checking the programs of an imported checkpoint, one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from edge_dnq.bundle import PolicySpec, ProgramSpec, TensorSpec, file_spec
from edge_dnq.errors import ExportError
from edge_dnq.manifest import FLOAT_BITS
from edge_dnq.nn.videoiq.model import IMAGENET_MEAN, IMAGENET_STD, ImportedModel
from edge_dnq.nn.videoiq.network import Backbone
from edge_dnq.nn.videoiq.policy import ImportedPolicy
from edge_dnq.programs import load_program
from edge_dnq.programs.tflite_file import read_program_facts
from edge_dnq.verification import float_difference, float_key, float_tolerance
from edge_dnq.video.preprocess import FloatInputEncoder, InputEncoder
from edge_dnq_export import checks, litert, reference
from edge_dnq_export.graph import Tensor
from edge_dnq_export.videoiq.float_program import FloatProgram
from edge_dnq_export.videoiq.lowering import LayerReport, Lowered, lower
from edge_dnq_export.videoiq.measure import measure

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

RUNTIME = "litert"
BATCH = 8
POLICY_FILE = "policy.tflite"

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
class ProgramWriter:
    """Writes, runs and checks programs of one checkpoint.

    Attributes:
        model: The checkpoint.
        folder: Where programs are written.
        frames: Network frames that programs are checked on.
        shown: Network frames that show ranges.
        sum_limit: See :data:`edge_dnq_export.videoiq.lowering.SUM_LIMIT`.
        golden: Takes what every program gave, and what its float arithmetic gave.
    """

    model: ImportedModel
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
        path = self.folder / f"{name}.tflite"
        if bits == FLOAT_BITS:
            written = self._float_program(name, backbone, path, source)
        else:
            written = self._integer_program(name, backbone, path)
        self.golden[f"program/{name}"] = written.expected
        self.golden[float_key(name)] = source
        spec = file_spec(self.folder, path.name)
        facts = read_program_facts(path.read_bytes())
        same = written.logits.argmax(1) == source.argmax(1)
        report = ImportedProgramReport(
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
        made = ProgramSpec(
            name=name,
            weight_bits=bits,  # type: ignore[arg-type]
            activation_bits=bits,  # type: ignore[arg-type]
            macs=facts.macs,
            input=written.input,
            output=written.output,
            files={RUNTIME: spec},
        )
        return made, report

    def _integer_program(self, name: str, backbone: Backbone, path: Path) -> _Written:
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

    def policy(self, network: ImportedPolicy) -> tuple[PolicySpec, ImportedPolicyReport]:
        """Write, run and check the policy.

        Raises:
            ExportError: it differs from torch.
        """
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
        made = PolicySpec(
            macs=macs,
            inputs=(first, second, third),
            outputs=(one, two, three),
            files={RUNTIME: spec},
        )
        return made, ImportedPolicyReport(macs, spec.bytes, difference)

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
