"""What a session adds to its programs, per frame, and where it goes.

Runs a session of BUNDLE frame by frame, in turns with its programs alone (on codes that lie ready),
and times every part of a step by itself. "Overhead" is a step less the bare runs of its policy and
its program. Medians, one thread; frames of several sizes, because shrinking them is most of it. A
copy of the square that is shrunk says what moving its bytes takes, without any arithmetic.

Run: python -m benchmarks.session_overhead BUNDLE [--sizes 640x480 ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dnq.budget import Budget, BudgetPicker
from edge_dnq.bundle import Bundle
from edge_dnq.cost_model import step_costs
from edge_dnq.host import read_cpu
from edge_dnq.policy import LearnedPicker
from edge_dnq.profiling.measure import Rota, quick_costs
from edge_dnq.programs import Program
from edge_dnq.session import Session, load_from_bundle
from edge_dnq.video.pixels import halved
from edge_dnq.video.preprocess import InputEncoder, check_frame, network_frame

UInt8 = NDArray[np.uint8]
BLOCK = 20


class Timer:
    """Durations by name, in microseconds."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}

    def time(self, name: str, action: Callable[[], Any], repeat: int = BLOCK) -> None:
        for _ in range(repeat):
            started = perf_counter()
            action()
            self.add(name, (perf_counter() - started) * 1e6)

    def add(self, name: str, microseconds: float) -> None:
        self.values.setdefault(name, []).append(microseconds)

    def median(self, name: str) -> float:
        return median(self.values[name])


class Bare:
    """One program on inputs that lie ready."""

    def __init__(self, program: Program, inputs: tuple[NDArray[Any], ...]) -> None:
        self._program, self._inputs = program, inputs

    def __call__(self) -> None:
        self._program.run(*self._inputs)


def bare_programs(bundle: Bundle, runtime: str) -> dict[str, Bare]:
    """Return every program, and the policy, loaded once more."""
    manifest = bundle.manifest
    specs = {spec.name: (spec.files, (spec.input,), (spec.output,)) for spec in manifest.programs}
    policy = manifest.policy
    if policy is not None:
        specs["policy"] = (policy.files, policy.inputs, policy.outputs)  # type: ignore[assignment]
    return {
        name: Bare(
            load_from_bundle(bundle, files, inputs, outputs, runtime, 1),
            tuple(np.zeros(tensor.shape, tensor.dtype) for tensor in inputs),
        )
        for name, (files, inputs, outputs) in specs.items()
    }


def parts(bundle: Bundle, session: Session, image: UInt8) -> dict[str, Callable[[], Any]]:
    """Return the parts of a step outside its programs, to be timed one by one."""
    manifest = bundle.manifest
    size = manifest.input.height
    network = network_frame(image, size)
    spec = manifest.programs[0]
    encode = InputEncoder(manifest.input.mean, manifest.input.std, *spec.input.grid)
    codes = np.zeros(spec.output.shape, np.int8)
    scale, zero = spec.output.grid
    logits = np.zeros(len(manifest.actions), np.float32)
    allowed = np.ones(len(manifest.actions), np.bool_)
    learned = LearnedPicker()
    held = BudgetPicker(
        manifest.actions, step_costs(manifest, quick_costs(session)), Budget("ms", 1e-3)
    )

    def pick_in_budget() -> None:
        held.pick(logits, allowed)
        held.observe(0, 0.1)

    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    room = np.empty(square.shape, np.uint8)
    times = max(1, (side // size).bit_length() - 1)
    halves = halved(square, times)

    found: dict[str, Callable[[], Any]] = {
        "check the frame": lambda: check_frame(image),
        f"shrink it to {size}": lambda: network_frame(image, size),
        f"of that, halve it to {len(halves)}": lambda: halved(square, times),
        "(copy its square)": lambda: np.copyto(room, square),
        "encode it": lambda: encode(network),
        "decode logits": lambda: (codes[0].astype(np.float32) - zero) * np.float32(scale),
        "choose": lambda: learned.pick(logits, allowed),
        "choose and observe within a budget": pick_in_budget,
    }
    if manifest.policy is not None:
        tensor = manifest.policy.inputs[0]
        side = tensor.shape[1]
        small = network_frame(network, side)
        encode_policy = InputEncoder(manifest.input.mean, manifest.input.std, *tensor.grid)
        found[f"policy: shrink to {side}"] = lambda: network_frame(network, side)
        found["policy: encode"] = lambda: encode_policy(small)
    return found


def measure(bundle: Bundle, height: int, width: int, rounds: int) -> None:
    manifest = bundle.manifest
    rota = Rota(manifest.actions, needs_policy=manifest.policy is not None)
    session = Session(bundle, policy=rota)
    bare = bare_programs(bundle, session.runtime_name)
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    pieces = parts(bundle, session, image)
    session.picker = rota
    timer = Timer()
    for turn in range(rounds + 1):
        if turn == 1:
            timer.values.clear()
        for rota.action, action in enumerate(manifest.actions):
            timer.time(f"step {action.name}", lambda: session.step(image))
            session.reset()
            session.step(image)
        for name, run in bare.items():
            timer.time(f"bare {name}", run)
        for name, piece in pieces.items():
            timer.time(name, piece)
    print(f"\nframes {width}x{height}, network {manifest.input.height}; microseconds\n")
    print("| action | step | bare policy + program | overhead |\n|---|---|---|---|")
    for action in manifest.actions:
        if action.skip > 1:
            continue  # Its held frames would be averaged in.
        step = timer.median(f"step {action.name}")
        inside = timer.median("bare policy") if manifest.policy is not None else 0.0
        if action.program is not None:
            inside += timer.median(f"bare {action.program}")
        print(f"| {action.name} | {step:.0f} | {inside:.0f} | {step - inside:.0f} |")
    print("\n| part | |\n|---|---|")
    for name in pieces:
        print(f"| {name} | {timer.median(name):.1f} |")


def size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(height), int(width)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--sizes", type=size, nargs="+", default=[(480, 640), (1080, 1920)])
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    bundle = Bundle.load(arguments.bundle)
    cpu = read_cpu()
    print(f"{cpu.model} ({cpu.architecture}, {' '.join(cpu.features)})")
    for height, width in arguments.sizes:
        measure(bundle, height, width, arguments.rounds)


if __name__ == "__main__":
    main()
