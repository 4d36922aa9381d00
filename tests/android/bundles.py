"""A bundle made by hand: float32 and int8 programs, odd grids, a policy that takes a context."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from edge_dnq.bundle import (
    ActionSpec,
    FileSpec,
    InputSpec,
    Manifest,
    PolicySpec,
    ProgramSpec,
    TensorSpec,
    file_spec,
    write_manifest,
)
from edge_dnq.manifest import CONTEXT_FEATURES
from tests.edge_dnq.programs.tflite_models import FLOAT32, INT8, Fused, Model, Op

LABELS = ("bow", "clap", "kick", "squat", "wave")
SIDE = 40
SMALL_SIDE = 23
POLICY_SIDE = 19
HIDDEN = 6
ACTIONS = (
    ActionSpec(name="full", program="full"),
    ActionSpec(name="w4a4r23", program="w4a4r23"),
    ActionSpec(name="skip", skip=1),
    ActionSpec(name="skip3", skip=3),
)


def write_odd_bundle(folder: Path, seed: int = 30) -> Path:
    """Write the bundle into ``folder``; its golden vectors are none.

    With the default seed the policy takes every action on rendered clips.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    full, full_tensors = _full(random)
    low, low_tensors = _low_bits(random)
    policy, inputs, outputs = _policy(random)
    for name, content in (
        ("full.tflite", full),
        ("low.tflite", low),
        ("policy.tflite", policy),
        ("golden.npz", b"none"),
    ):
        (folder / name).write_bytes(content)
    files = {
        name: {"litert": file_spec(folder, f"{name}.tflite")} for name in ("full", "low", "policy")
    }
    programs = (
        _program("full", 32, full_tensors, files["full"]),
        _program("w4a4r23", 4, low_tensors, files["low"]),
    )
    manifest = Manifest(
        schema_version=1,
        name='odd "one"\tof two €',
        created_by="the tests",
        labels=LABELS,
        clip_frames=8,
        input=InputSpec(
            height=SIDE, width=SIDE, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)
        ),
        policy=PolicySpec(macs=100, inputs=inputs, outputs=outputs, files=files["policy"]),
        actions=ACTIONS,
        programs=programs,
        golden=file_spec(folder, "golden.npz"),
    )
    write_manifest(folder, manifest)
    return folder


def _program(
    name: str,
    bits: Literal[32, 4],
    tensors: tuple[TensorSpec, TensorSpec],
    files: dict[str, FileSpec],
) -> ProgramSpec:
    return ProgramSpec(
        name=name,
        weight_bits=bits,
        activation_bits=bits,
        macs=1000,
        input=tensors[0],
        output=tensors[1],
        files=files,
    )


def _real(model: Model, index: int) -> TensorSpec:
    made = model.tensors[index]
    return TensorSpec(name=made.name, shape=tuple(made.shape), dtype="float32")


def _connected(
    model: Model, random: np.random.Generator, source: int, width: int, spread: float
) -> int:
    """A fully connected layer of float32 numbers."""
    depth = model.tensors[source].shape[-1]
    weights = model.constant(random.normal(0, spread, (width, depth)), FLOAT32)
    bias = model.constant(random.normal(0, spread, width), FLOAT32)
    output = model.tensor((1, width), dtype=FLOAT32)
    return model.add(Op.FULLY_CONNECTED, [source, weights, bias], output)


def _mean(model: Model, source: int) -> int:
    output = model.tensor((1, model.tensors[source].shape[-1]), dtype=FLOAT32)
    return model.add(Op.MEAN, [source, model.constant([1, 2])], output, keepDims=False)


def _full(random: np.random.Generator) -> tuple[bytes, tuple[TensorSpec, TensorSpec]]:
    """A float32 program: convolution, mean, classifier."""
    model = Model()
    frame = model.tensor((1, SIDE, SIDE, 3), dtype=FLOAT32)
    weights = model.constant(random.normal(0, 0.3, (8, 3, 3, 3)), FLOAT32)
    bias = model.constant(random.normal(0, 0.3, 8), FLOAT32)
    inside = (SIDE - 3) // 2 + 1
    hidden = model.tensor((1, inside, inside, 8), dtype=FLOAT32)
    model.add(
        Op.CONV_2D, [frame, weights, bias], hidden, padding=1, strideH=2, strideW=2,
        fusedActivationFunction=Fused.RELU,
    )  # fmt: skip
    logits = _connected(model, random, _mean(model, hidden), len(LABELS), 1.5)
    return model.build([frame], [logits]), (_real(model, frame), _real(model, logits))


def _low_bits(random: np.random.Generator) -> tuple[bytes, tuple[TensorSpec, TensorSpec]]:
    """An int8 program with a 4-bit layer, of another resolution and with odd grids."""
    model = Model()
    in_scale, in_zero = 0.0173, -9
    frame = model.tensor((1, SMALL_SIDE, SMALL_SIDE, 3), in_scale, in_zero)
    source, scale, depth, side = frame, in_scale, 3, SMALL_SIDE
    for limit, width in ((127, 16), (15, 16)):
        scales = random.uniform(0.5, 2, width).astype(np.float32) * np.float32(2 / limit / depth)
        weights = random.integers(-limit, limit + 1, (width, 3, 3, depth)) | 1
        bias = np.rint(random.normal(0, 0.5, width) / (scale * scales))
        kernel = model.constant(weights, INT8, scale=scales)
        model.tensors[kernel].quantization.quantizedDimension = 0
        side = (side - 3) // 2 + 1
        output = model.tensor((1, side, side, width), 6 / 15, -128)
        model.add(
            Op.CONV_2D, [source, kernel, model.constant(bias, scale=scale * scales)], output,
            padding=1, strideH=2, strideW=2, fusedActivationFunction=Fused.RELU6,
        )  # fmt: skip
        source, scale, depth = output, 6 / 15, width
    mean = model.tensor((1, depth), scale, -128)
    model.add(Op.MEAN, [source, model.constant([1, 2])], mean, keepDims=False)
    scales = np.full(1, 0.01, np.float32)
    kernel = model.constant(random.integers(-127, 128, (len(LABELS), depth)), INT8, scale=scales)
    logits = model.tensor((1, len(LABELS)), 0.0731, 11)
    model.add(Op.FULLY_CONNECTED, [mean, kernel], logits)
    specs = (
        TensorSpec(
            name=model.tensors[frame].name,
            shape=(1, SMALL_SIDE, SMALL_SIDE, 3),
            dtype="int8",
            scale=in_scale,
            zero_point=in_zero,
        ),
        TensorSpec(
            name=model.tensors[logits].name,
            shape=(1, len(LABELS)),
            dtype="int8",
            scale=0.0731,
            zero_point=11,
        ),
    )
    return model.build([frame], [logits]), specs


def _policy(
    random: np.random.Generator,
) -> tuple[bytes, tuple[TensorSpec, ...], tuple[TensorSpec, TensorSpec, TensorSpec]]:
    """Logits of frame, state and context; a state that remembers both."""
    model = Model()
    frame = model.tensor((1, POLICY_SIDE, POLICY_SIDE, 3), dtype=FLOAT32)
    h, c = (model.tensor((1, HIDDEN), dtype=FLOAT32) for _ in range(2))
    context = model.tensor((1, CONTEXT_FEATURES), dtype=FLOAT32)

    def plus(first: int, second: int, width: int) -> int:
        return model.add(Op.ADD, [first, second], model.tensor((1, width), dtype=FLOAT32))

    seen = plus(
        _connected(model, random, _mean(model, frame), HIDDEN, 3.0),
        _connected(model, random, context, HIDDEN, 3.0),
        HIDDEN,
    )
    new_h = model.add(
        Op.LOGISTIC, [plus(seen, c, HIDDEN)], model.tensor((1, HIDDEN), dtype=FLOAT32)
    )
    new_c = _connected(model, random, plus(h, new_h, HIDDEN), HIDDEN, 0.7)
    logits = _connected(model, random, new_h, len(ACTIONS), 4.0)
    # In an order that is not the manifest's: tensors are found by their names.
    content = model.build([context, c, frame, h], [new_c, logits, new_h])
    inputs = tuple(_real(model, tensor) for tensor in (frame, h, c, context))
    return content, inputs, (_real(model, logits), _real(model, new_h), _real(model, new_c))
