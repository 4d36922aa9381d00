"""What the layers of a bundle's programs hold, and how far lower precisions depart from the first.

Everything comes from the TFLite files and from running them; no training framework is needed.

Programs differ by a gain per channel (each precision has its own batch norm, folded into its
scales), so a lower precision is compared with the reference up to that gain: the one that leaves
the least squared error. The signal-to-quantisation-noise ratio (SQNR) is what remains,
``10 log10(sum(reference^2) / sum((reference - gain * other)^2))``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import Bundle
from edge_dnq.errors import BundleError
from edge_dnq.manifest import FLOAT_BITS, ProgramSpec
from edge_dnq.programs.litert_tensors import TensorObserver
from edge_dnq.programs.tflite_file import WEIGHTED, graph_facts
from edge_dnq.programs.tflite_graph import DAMAGE, Graph, damaged, read_graph
from edge_dnq.video.preprocess import InputEncoder, network_frame

UInt8 = NDArray[np.uint8]
Float64 = NDArray[np.float64]

TFLITE = "litert"
SHOWN = (*sorted(WEIGHTED), "ADD")
"""Operations that count as a layer: they compute new values."""

MOST_BINS = 64


@dataclass(frozen=True)
class Histogram:
    """How codes are spread.

    Attributes:
        low: Left edge of the first bin, as a fraction of the largest code.
        high: Right edge of the last.
        shares: Fraction of the values in each bin.
        zero: Fraction that is exactly zero.
        largest: Fraction at the largest code, where clipping puts what is above.
        levels: Codes that can occur.
    """

    low: float
    high: float
    shares: tuple[float, ...]
    zero: float
    largest: float
    levels: int


@dataclass(frozen=True)
class LayerValues:
    """One layer in one program.

    Attributes:
        weights: Of its stored integers; None where it has no weights.
        activations: Of its output's integers over the example frames.
        weight_sqnr: dB, against the reference program; infinite where equal up to a gain; None
            for the reference itself.
        activation_sqnr: Likewise of its output on the same frames, with what all layers before it
            added; None also where the output has another size.
    """

    weights: Histogram | None
    activations: Histogram
    weight_sqnr: float | None
    activation_sqnr: float | None


@dataclass(frozen=True)
class Layer:
    """One layer of the network.

    Attributes:
        place: Its number, from 1.
        op: Operation.
        role: ``stem``, ``body``, ``classifier``, or ``sum`` of an addition.
        shape: Of its weights as [out, height, width, in]; of its output for an addition.
        signed: Whether its output is signed (no rectifier).
        programs: What it is in each program.
    """

    place: int
    op: str
    role: str
    shape: tuple[int, ...]
    signed: bool
    programs: dict[str, LayerValues] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkLayers:
    """The layers of all programs of one topology.

    Attributes:
        reference: The program that others are compared with: the one of the most bits.
        layers: In the order they run.
        frames: How many example frames ran.
        left_out: Programs of another topology.
    """

    reference: str
    layers: tuple[Layer, ...]
    frames: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Step:
    """One layer as a program's file states it."""

    op: str
    role: str
    shape: tuple[int, ...]
    signed: bool
    output: int
    zero_point: int
    levels: int
    codes: NDArray[np.int64] | None
    scales: Float64 | None
    weight_bits: int

    @property
    def likeness(self) -> tuple[str, str, tuple[int, ...]]:
        return self.op, self.role, self.shape if self.op != "ADD" else self.shape[-1:]


def study_layers(bundle: Bundle, frames: Sequence[UInt8] | UInt8) -> NetworkLayers:
    """Look into the programs of a bundle.

    Args:
        bundle: Has TFLite programs.
        frames: Example frames, RGB uint8 [H, W, 3].

    Raises:
        BundleError: the bundle has no TFLite programs, or one is damaged.
        RuntimeMissingError: no runtime for them is installed.
    """
    specs = [
        program
        for program in bundle.manifest.programs
        if TFLITE in program.files and program.weight_bits < FLOAT_BITS
    ]
    if not specs:
        raise BundleError(f"{bundle.path} has no integer TFLite programs to look into")
    reference = max(specs, key=lambda spec: (spec.weight_bits, spec.activation_bits))
    ordered = [reference, *(spec for spec in specs if spec is not reference)]
    base = _steps(bundle, reference)
    steps = {spec.name: _steps(bundle, spec) for spec in ordered}
    alike = [
        spec
        for spec in ordered
        if [s.likeness for s in steps[spec.name]] == [s.likeness for s in base]
    ]
    observed = _observe(bundle, alike, steps, frames)
    layers = []
    for place, first in enumerate(base):
        layer = Layer(place + 1, first.op, first.role, first.shape, first.signed)
        for spec in specs:
            if spec in alike:
                step = steps[spec.name][place]
                layer.programs[spec.name] = LayerValues(
                    _weight_histogram(step),
                    observed[spec.name][place].histogram(step),
                    None if spec is reference else weight_sqnr(first, step),
                    None if spec is reference else observed[spec.name][place].sqnr(),
                )
        layers.append(layer)
    left_out = tuple(spec.name for spec in specs if spec not in alike)
    return NetworkLayers(reference.name, tuple(layers), len(frames), left_out)


def _steps(bundle: Bundle, spec: ProgramSpec) -> list[_Step]:
    content = bundle.read(spec.files[TFLITE])
    graph = read_graph(content)
    try:
        return [_step(graph, position, spec) for position in _shown(graph)]
    except DAMAGE as error:
        raise damaged(error) from error


def _shown(graph: Graph) -> list[int]:
    return [
        position
        for position, operator in enumerate(graph.operators)
        if operator.op in SHOWN and graph.tensors[operator.outputs[0]].dtype == "INT8"
    ]


def _step(graph: Graph, position: int, spec: ProgramSpec) -> _Step:
    facts = graph_facts(graph)
    operator = graph.operators[position]
    made = graph.tensors[operator.outputs[0]]
    activation = next(a for a in facts.activations if a.operator == position)
    weights = next((w for w in facts.weights if w.operator == position), None)
    codes = scales = None
    if weights is not None:
        rows, per_row = graph.tensors[operator.inputs[1]].channel_rows()
        codes, scales = rows.astype(np.int64), per_row.astype(np.float64)
    largest = 2**spec.weight_bits - 1
    low = weights is not None and weights.role == "body" and weights.odd
    low = low and weights is not None and -largest <= weights.low and weights.high <= largest
    return _Step(
        operator.op,
        weights.role if weights is not None else "sum",
        weights.shape if weights is not None else made.shape,
        activation.fused not in ("RELU", "RELU6"),
        operator.outputs[0],
        made.zero_point,
        activation.levels,
        codes,
        scales,
        spec.weight_bits if low else 8,
    )


def _weight_histogram(step: _Step) -> Histogram | None:
    if step.codes is None:
        return None
    bits = step.weight_bits
    largest = 127 if bits == 8 else 2**bits - 1
    # Nested codes of 4 and 2 bits are odd: every second integer cannot occur, nor can zero.
    stride = 1 if bits == 8 else 2
    places = (step.codes.ravel() + largest) // stride
    counts = np.bincount(places, minlength=2 * largest // stride + 1)
    return histogram(counts, -1.0, 1.0, largest if bits == 8 else None)


def histogram(counts: NDArray[np.integer], low: float, high: float, zero: int | None) -> Histogram:
    """Return the histogram of codes.

    Args:
        counts: How often each code occurs, from the smallest to the largest.
        low: The smallest code as a fraction of the largest.
        high: The largest.
        zero: The place in ``counts`` of the code of real zero; None where there is none.
    """
    levels, total = len(counts), max(1, int(counts.sum()))
    code = (high - low) / max(1, levels - 1)
    width = -(-levels // MOST_BINS)
    bins = -(-levels // width)
    padded = np.zeros(bins * width, np.int64)
    padded[:levels] = counts
    left = low - code / 2
    return Histogram(
        left,
        left + bins * width * code,
        tuple(float(share) for share in padded.reshape(bins, width).sum(1) / total),
        float(counts[zero] / total) if zero is not None else 0.0,
        float(counts[-1] / total),
        levels,
    )


def weight_sqnr(reference: _Step, other: _Step) -> float | None:
    """Return the SQNR of a layer's weights in dB; None where it has none."""
    if reference.codes is None or other.codes is None or reference.scales is None:
        return None
    r = reference.codes * reference.scales[:, None]
    q = other.codes.astype(np.float64)
    return sqnr(*(np.einsum("cn,cn->c", a, b) for a, b in ((r, r), (r, q), (q, q))))


def sqnr(rr: Float64, rq: Float64, qq: Float64) -> float:
    """Return the SQNR in dB after the best gain per channel.

    Args:
        rr: Sums of squares of the reference, per channel.
        rq: Sums of products of reference and other.
        qq: Sums of squares of the other.
    """
    explained = np.divide(rq * rq, qq, out=np.zeros_like(rr), where=qq > 0)
    signal, noise = float(rr.sum()), float((rr - explained).sum())
    # Equal up to a gain: what is left is the rounding of the sums.
    if noise <= 1e-10 * signal:
        return math.inf
    return 10 * math.log10(signal / noise)


class _Observed:
    """Counts and sums of one layer's output over the example frames."""

    def __init__(self) -> None:
        self.counts = np.zeros(256, np.int64)
        self._sums: list[Float64] | None = None
        self.comparable = True

    def add(self, values: NDArray[np.int8], zero_point: int, reference: Float64 | None) -> Float64:
        """Take a frame's output; return it as numbers [positions, channels]."""
        self.counts += np.bincount(values.ravel().astype(np.int64) + 128, minlength=256)
        real = values.astype(np.float64).reshape(-1, values.shape[-1]) - zero_point
        if reference is not None and reference.shape == real.shape:
            pairs = ((reference, reference), (reference, real), (real, real))
            sums = [np.einsum("nc,nc->c", a, b) for a, b in pairs]
            old = self._sums
            self._sums = sums if old is None else [a + b for a, b in zip(old, sums, strict=True)]
        elif reference is not None:
            self.comparable = False
        return real

    def sqnr(self) -> float | None:
        if self._sums is None or not self.comparable:
            return None
        return sqnr(*self._sums)

    def histogram(self, step: _Step) -> Histogram:
        if step.signed:
            largest = 127 - step.zero_point
            low = (-128 - step.zero_point) / largest
            return histogram(self.counts, low, 1.0, step.zero_point + 128)
        first = step.zero_point + 128
        return histogram(self.counts[first : first + step.levels], 0.0, 1.0, 0)


def _observe(
    bundle: Bundle,
    specs: Iterable[ProgramSpec],
    steps: dict[str, list[_Step]],
    frames: Sequence[UInt8] | UInt8,
) -> dict[str, list[_Observed]]:
    """Run all programs on every frame, the reference (first) before the others."""
    observers = {spec.name: TensorObserver(bundle.read(spec.files[TFLITE])) for spec in specs}
    observed = {name: [_Observed() for _ in steps[name]] for name in observers}
    given = bundle.manifest.input
    for frame in frames:
        network = network_frame(frame, given.height)
        reference: list[Float64] | None = None
        for spec in specs:
            encode = InputEncoder(given.mean, given.std, *spec.input.grid)
            codes = encode(network_frame(network, spec.input.shape[1]))
            outputs = [step.output for step in steps[spec.name]]
            values = []
            for place, (_, tensor) in enumerate(observers[spec.name].run(codes, outputs)):
                base = reference[place] if reference is not None else None
                zero_point = steps[spec.name][place].zero_point
                values.append(observed[spec.name][place].add(tensor, zero_point, base))
            reference = reference if reference is not None else values
    return observed
