"""What the Python runtime answers on a bundle: frame by frame, with budgets and a simulated clock.

``python session_vectors.py BUNDLE FRAMES OUT KERNELS`` also runs in the emulated Python, which has
numpy, msgspec and the runtime only. FRAMES is uint8 [N, H, W, 3] as ``numpy.save`` writes it; OUT
becomes a JSON file, floats in it are hexadecimal texts so that no digit is lost.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np

from edge_dnq.budget import Budget, BudgetPicker
from edge_dnq.bundle import Bundle
from edge_dnq.cost_model import step_costs
from edge_dnq.policy import LearnedPicker, Picker, parse_policy
from edge_dnq.profiling.table import Cost, ThreadCosts, bundle_digest
from edge_dnq.programs import Program, load_program
from edge_dnq.session import POLICY, Session

TICK = 2.0**-14
"""Seconds that pass with every look at the clock."""


class SimulatedDevice:
    """A clock that programs move: each run takes what is written for it, over and over."""

    def __init__(self, bundle: Bundle, durations: dict[str, list[float]]) -> None:
        manifest = bundle.manifest
        owners = {program.name: program.files for program in manifest.programs}
        if manifest.policy is not None:
            owners[POLICY] = manifest.policy.files
        self._names = {bundle.read(files["litert"]): name for name, files in owners.items()}
        self._durations = durations
        self.now = 0.0

    def seconds(self) -> float:
        before, self.now = self.now, self.now + TICK
        return before

    def load(self, content: bytes, *rest: Any) -> Program:
        return TimedProgram(
            self, load_program(content, *rest), self._durations[self._names[content]]
        )


class TimedProgram:
    """A real program whose runs move the clock."""

    def __init__(self, device: SimulatedDevice, program: Program, durations: list[float]) -> None:
        self._device, self._program, self._durations = device, program, durations
        self._runs = 0
        self.kernels = program.kernels

    def run(self, *inputs: Any) -> tuple[Any, ...]:
        outputs = self._program.run(*inputs)
        self._device.now += self._durations[self._runs % len(self._durations)]
        self._runs += 1
        return outputs


def _costs(bundle: Bundle) -> ThreadCosts:
    """Costs that are near, not equal, to what the simulated device takes."""

    def cost(median: float) -> Cost:
        return Cost(mean_ms=median, median_ms=median, p95_ms=1.25 * median, runs=100)

    manifest = bundle.manifest
    programs = {program.name: 8.0 / (index + 1) for index, program in enumerate(manifest.programs)}
    policy = 0.75
    return ThreadCosts(
        threads=1,
        frame=cost(0.5),
        policy=cost(policy),
        programs={name: cost(median) for name, median in programs.items()},
        actions={
            action.name: cost(0.5 + policy + (programs[action.program] if action.program else 0.0))
            for action in manifest.actions
        },
        held=cost(0.25),
    )


def _durations(bundle: Bundle, seed: int) -> dict[str, list[float]]:
    random = np.random.default_rng(seed)
    costs = _costs(bundle)
    assert costs.policy is not None
    typical = {POLICY: costs.policy.median_ms}
    typical |= {name: cost.median_ms for name, cost in costs.programs.items()}
    # A slow stretch in the middle, as of a processor that got hot.
    shape = np.concatenate([np.ones(13), np.full(11, 1.9), np.ones(7)])
    return {
        name: (1e-3 * median * shape * random.lognormal(0, 0.2, len(shape))).tolist()
        for name, median in typical.items()
    }


BUDGETS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ms", {"unit": "ms", "value": 3.1, "window": 24}),
    ("fps", {"unit": "fps", "value": 140.0, "window": 32, "outside_ms": 2.25}),
    ("cost", {"unit": "cost", "value": 0.45, "window": 16}),
    ("deadline", {"unit": "ms", "value": 6.0, "window": 40, "deadline_ms": 7.5}),
    ("moved", {"unit": "ms", "value": 2.0, "window": 20, "then": {"unit": "cost", "value": 0.8}}),
)


def vectors(bundle: Bundle, frames: np.ndarray, kernels: str, seed: int = 0) -> dict[str, Any]:
    """Run everything; see the module."""
    names = [action.name for action in bundle.manifest.actions]
    program = bundle.manifest.programs[-1].name
    policies = ["learned", f"uniform:{program}", ",".join([*names, program])]
    durations = _durations(bundle, seed)
    runs = [
        {"policy": policy, "steps": _run(bundle, frames, kernels, durations, policy)}
        for policy in policies
    ]
    price, costs = 0.7, [1.0 / (index + 1) for index in range(len(names))]

    def priced(_: Bundle) -> Picker:
        return LearnedPicker(price, costs)

    steps = _run(bundle, frames, kernels, durations, priced)
    runs.append({"price": price.hex(), "costs": _hex(costs), "steps": steps})
    for name, settings in BUDGETS:
        steps = _run(bundle, frames, kernels, durations, _budget(settings), settings)
        runs.append({"name": name, "budget": settings, "steps": steps})
    return {
        "digest": bundle_digest(bundle.manifest),
        "frames": frames.shape[:3],
        "costs": msgspec.to_builtins(_costs(bundle)),
        "tick": TICK.hex(),
        "durations": {name: _hex(values) for name, values in durations.items()},
        "runs": runs,
    }


def _budget(settings: dict[str, Any]) -> Callable[[Bundle], Picker]:
    def make(bundle: Bundle) -> Picker:
        return BudgetPicker(
            bundle.manifest.actions,
            step_costs(bundle.manifest, _costs(bundle)),
            Budget(settings["unit"], settings["value"]),
            deadline_ms=settings.get("deadline_ms"),
            window=settings["window"],
        )

    return make


def _run(
    bundle: Bundle,
    frames: np.ndarray,
    kernels: str,
    durations: dict[str, list[float]],
    policy: str | Callable[[Bundle], Picker],
    settings: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Two videos: the frames forwards, then backwards after a reset."""
    device = SimulatedDevice(bundle, durations)
    with (
        patch("edge_dnq.session.load_program", device.load),
        patch("edge_dnq.session.perf_counter", device.seconds),
    ):
        picker = (
            parse_policy(policy, bundle.manifest.actions)
            if isinstance(policy, str)
            else policy(bundle)
        )
        session = Session(bundle, runtime="litert", policy=picker, kernels=kernels)
        steps: list[dict[str, Any]] = []
        for video in (frames, frames[::-1]):
            session.reset()
            for frame in video:
                steps.append(_step(session, frame))
                if settings is not None:
                    _meddle(picker, settings, len(steps))
    return steps


def _meddle(picker: Picker, settings: dict[str, Any], steps: int) -> None:
    assert isinstance(picker, BudgetPicker)
    if "outside_ms" in settings:
        picker.spent_outside(settings["outside_ms"] * (1 + steps % 3))
    if "then" in settings and steps == 20:
        picker.budget = Budget(settings["then"]["unit"], settings["then"]["value"])
    if "then" in settings and steps == 36:
        picker.budget = None


def _step(session: Session, frame: np.ndarray) -> dict[str, Any]:
    step = session.step(frame)
    prediction = session.result(top=3)
    picker = session.picker
    return {
        "index": step.index,
        "action": step.action,
        "logits": None if step.logits is None else _hex(step.logits.tolist()),
        "policy_logits": None if step.policy_logits is None else _hex(step.policy_logits.tolist()),
        "times": _hex([step.latency_ms, step.policy_ms, step.program_ms]),
        "price": picker.cost_bias.hex() if isinstance(picker, BudgetPicker) else None,
        "least": picker.least_ms.hex() if isinstance(picker, BudgetPicker) else None,
        "mean": _hex(session._walk.mean_logits().tolist()),
        "top": [[label, score.hex()] for label, score in prediction.top],
        "executed": prediction.executed,
        "frames": prediction.frames,
    }


def _hex(values: Sequence[float]) -> list[str]:
    return [float(value).hex() for value in values]


def main(folder: str, frames: str, out: str, kernels: str) -> None:
    """See the module."""
    found = vectors(Bundle.load(folder), np.load(frames), kernels)
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
