"""What the Python package computes without any program: vectors for android_demo/core.

Pictures are not written but made by a rule that both sides know, :func:`noise`. Floats are
hexadecimal texts, so that no digit is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_dnq.budget import Budget, BudgetPicker, Unit
from edge_dnq.context import Context
from edge_dnq.cost_model import StepCosts
from edge_dnq.manifest import ActionSpec, InputSpec, TensorSpec
from edge_dnq.video.preprocess import input_encoder, network_frame

UInt8 = NDArray[np.uint8]

SIZES = (
    (480, 640, 96), (480, 640, 224), (640, 480, 112), (1080, 1920, 224), (720, 1280, 96),
    (96, 96, 48), (224, 224, 224), (1, 1, 5), (2, 3, 7), (7, 2, 1), (191, 191, 96), (193, 400, 96),
)  # fmt: skip
RANDOM_SIZES = 120

YUV_FACTORS = {
    "BT601_FULL": (0, 1.0, 1.402, -0.344136, -0.714136, 1.772),
    "BT601_LIMITED": (16, 1.164, 1.596, -0.391, -0.813, 2.018),
    "BT709_LIMITED": (16, 1.164384, 1.792741, -0.213249, -0.532909, 2.112402),
    "BT709_FULL": (0, 1.0, 1.5748, -0.187324, -0.468124, 1.8556),
}
"""Black level, then what brightness gives, red of V, green of U, green of V, blue of U."""

CHROMA_STEP = 5
BUDGET_STEPS = 700


def noise(seed: int, *shape: int) -> UInt8:
    """Return bytes: the highest eight bits of ``index * 0x9E3779B1 + seed * 0x85EBCA6B``."""
    index = np.arange(int(np.prod(shape)), dtype=np.uint32)
    mixed = index * np.uint32(0x9E3779B1) + np.uint32((seed * 0x85EBCA6B) % 2**32)
    return (mixed >> np.uint32(24)).astype(np.uint8).reshape(shape)


def write_core_vectors(folder: Path) -> None:
    """Write ``core.json``, ``shrunk.bin`` and ``rgb.bin`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    vectors = {
        "shrunk": _shrunk(folder / "shrunk.bin"),
        "yuv": _yuv(folder / "rgb.bin"),
        "encoders": _encoders(),
        "contexts": [_context(seed) for seed in range(3)],
        "budgets": [_budget(index, *case) for index, case in enumerate(_budget_cases())],
        "numbers": _numbers(),
    }
    (folder / "core.json").write_text(json.dumps(vectors))


def _hex(values: Sequence[float]) -> list[str]:
    return [float(value).hex() for value in values]


def _shrunk(path: Path) -> list[dict[str, int]]:
    random = np.random.default_rng(1)
    drawn = random.integers(1, (330, 330, 200), (RANDOM_SIZES, 3)).tolist()
    sizes = [*SIZES, *map(tuple, drawn)]
    with path.open("wb") as file:
        for seed, (height, width, size) in enumerate(sizes):
            file.write(network_frame(noise(seed, height, width, 3), size).tobytes())
    return [{"height": height, "width": width, "size": size} for height, width, size in sizes]


def _yuv(path: Path) -> dict[str, Any]:
    """All brightnesses with every fifth colour difference, as one I420 picture, in every colour."""
    steps = np.arange(0, 256, CHROMA_STEP, dtype=np.uint8)
    u, v = np.meshgrid(steps, steps, indexing="ij")
    # A pair of colour differences fills a row of 64 blocks, whose 256 pixels have all brightnesses.
    planes = [np.repeat(plane.reshape(-1, 1), 64, axis=1) for plane in (u, v)]
    y = np.tile(np.arange(256, dtype=np.uint8).reshape(2, 128), (u.size, 1))
    with path.open("wb") as file:
        for name in YUV_FACTORS:
            file.write(yuv_to_rgb(name, y, *planes).tobytes())
    packed = np.concatenate([y.reshape(-1), planes[0].reshape(-1), planes[1].reshape(-1)])
    picture = packed.reshape(y.shape[0] * 3 // 2, y.shape[1])
    theirs = cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)
    assert (yuv_to_rgb("BT601_LIMITED", y, *planes) == theirs).all(), "OpenCV converts otherwise"
    return {"step": CHROMA_STEP, "colors": list(YUV_FACTORS)}


def yuv_to_rgb(name: str, y: UInt8, u: UInt8, v: UInt8) -> UInt8:
    """Convert planes, [H, W] and twice [H / 2, W / 2], in fixed point with 20 bits."""
    black, *factors = YUV_FACTORS[name]
    gray, red_v, green_u, green_v, blue_u = (round(factor * 2**20) for factor in factors)
    blue, red = (
        np.repeat(np.repeat(plane.astype(np.int64) - 128, 2, axis=0), 2, axis=1) for plane in (u, v)
    )
    base = np.maximum(y.astype(np.int64) - int(black), 0) * gray + 2**19
    mixed = (base + red_v * red, base + green_u * blue + green_v * red, base + blue_u * blue)
    channels = [np.clip(channel >> 20, 0, 255) for channel in mixed]
    return np.stack(channels, axis=-1).astype(np.uint8)


def _encoders() -> list[dict[str, Any]]:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1)[np.newaxis]
    settings = (
        ((128.0,) * 3, (128.0,) * 3, 1 / 128, 0),
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 0.0186584, -14),
        ((0.0, 127.5, 255.0), (1.0, 127.5, 3.0), 0.5, 127),
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), None, None),
    )
    found = []
    for mean, std, scale, zero_point in settings:
        dtype = "float32" if scale is None else "int8"
        tensor = TensorSpec(
            name="x", shape=(1, 16, 16, 3), dtype=dtype, scale=scale, zero_point=zero_point
        )
        spec = InputSpec(height=16, width=16, mean=mean, std=std)
        values = input_encoder(spec, tensor)(ramp).reshape(-1).tolist()
        found.append(
            {
                "mean": mean,
                "std": std,
                "scale": scale,
                "zero_point": zero_point,
                "values": _hex(values),
            }
        )
    return found


def _context(seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    context, side = Context(), 11
    steps = []
    for index in range(40):
        # Some frames stay as they were; some are executed, with logits near and far.
        picture = 100 * seed + index // (1 + seed)
        values = context.look(noise(picture, side, side, 3))[0]
        logits = None
        if random.random() < 0.5:
            logits = random.normal(0, 4, 1 if seed == 2 else 7).astype(np.float32)
            context.execute(logits)
        steps.append(
            {
                "picture": picture,
                "context": _hex(values.tolist()),
                "logits": None if logits is None else _hex(logits.tolist()),
            }
        )
    return {"side": side, "steps": steps}


def _budget_cases() -> list[tuple[StepCosts, Unit, float, int, float | None]]:
    plain = StepCosts((9.0, 5.0, 3.0, 1.0), (1, 1, 1, 1), 0.0, 8.0, 1.2)
    skips = StepCosts((20.0, 11.0, 2.0, 2.0, 2.0), (1, 1, 1, 2, 4), 0.5, 19.0, 1.1)
    alike = StepCosts((4.0, 3.9, 3.85, 1.0), (1, 1, 1, 1), 0.0, 3.9, 1.3)
    return [
        (plain, "ms", 4.0, 256, None),
        (plain, "ms", 0.5, 32, None),
        (plain, "fps", 120.0, 64, None),
        (skips, "cost", 0.3, 128, None),
        (skips, "ms", 6.0, 8, 12.0),
        (alike, "ms", 2.5, 64, 1.0),
        (plain, "ms", 5.0, 1, None),
    ]


def _budget(
    seed: int, costs: StepCosts, unit: Unit, value: float, window: int, deadline_ms: float | None
) -> dict[str, Any]:
    """One picker against random logits and a device that slows down for a while."""
    random = np.random.default_rng(seed)
    count = len(costs.first_ms)
    actions = [ActionSpec(name=f"a{index}", program="p") for index in range(count)]
    picker = BudgetPicker(
        actions, costs, Budget(unit, value), deadline_ms=deadline_ms, window=window
    )
    steps = []
    for index in range(BUDGET_STEPS):
        # Rounded, so that equal logits occur.
        logits = np.round(random.normal(0, 3, count), int(random.integers(0, 4))).astype(np.float32)
        allowed = np.ones(count, np.bool_)
        allowed[0 if index % 50 else count - 1] = index % 7 > 0
        action = picker.pick(logits, allowed)
        slow = 2.5 if BUDGET_STEPS // 3 < index < BUDGET_STEPS // 2 else 1.0
        latency = costs.first_ms[action] * slow * float(random.lognormal(0, 0.25))
        latency *= 40.0 if random.random() < 0.01 else 1.0
        held = bool(random.random() < 0.1)
        picker.observe(None if held else action, latency)
        outside = float(random.uniform(0, 3)) if unit == "fps" else None
        if outside is not None:
            picker.spent_outside(outside)
        had = picker.held
        steps.append(
            {
                "logits": _hex(logits.tolist()),
                "allowed": allowed.tolist(),
                "action": action,
                "latency": latency.hex(),
                "held": held,
                "outside": None if outside is None else outside.hex(),
                "price": picker.cost_bias.hex(),
                "least": picker.least_ms.hex(),
                "slowdown": picker.costs.slowdown.hex(),
                "had": None if had is None else had.value,
            }
        )
    settings = {"unit": unit, "value": value, "window": window, "deadline": deadline_ms}
    return {"costs": asdict(costs), **settings, "steps": steps}


def _numbers() -> list[list[str]]:
    random = np.random.default_rng(2)
    values = [
        0.0, -0.0, 1.0, -1.5, 0.0078125, 1e-5, 9.99e-6, 1e15, 1e16, 123456789012345680.0, 5e-324,
        1.7976931348623157e308, 0.1 + 0.2, 100.0, 2.0**-1074 * 3, 9007199254740993.0,
    ]  # fmt: skip
    values += (10.0 ** random.uniform(-30, 30, 300) * random.normal(size=300)).tolist()
    return [[value.hex(), msgspec.json.encode(value).decode()] for value in values]
