"""The policies that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.budget import Budget, BudgetPicker, deciding_price
from edge_dnq.cost_model import step_costs
from edge_dnq.manifest import ActionSpec, Manifest
from edge_dnq.policy import CyclePicker, LearnedPicker, Picker, RandomPicker, UniformPicker
from edge_dnq.profiling.table import ThreadCosts, reference_program

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

CYCLES = (1, 3, 7)
"""Skips between two executed frames."""

PRICE_QUANTILES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
"""Of the prices at which frames go over to a cheap action: the sweep's lambdas."""

CONFIDENCE_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the cheapest program's confidence: the cascade's thresholds."""

RANDOM_SEEDS = 8
BISECTIONS = 40


@dataclass(frozen=True)
class Candidate:
    """A policy to walk through the clips.

    Attributes:
        family: What it belongs to: ``uniform``, ``cycle``, ``random``, ``learned`` or ``budget``.
        policy: Its description.
        setting: Lambda, or the budget; None for others.
        make: Makes its picker from a seed.
        seeds: How many walks to average.
        rehearse: Whether to walk once before: a controller has to settle.
    """

    family: str
    policy: str
    setting: float | None
    make: Callable[[int], Picker]
    seeds: int = 1
    rehearse: bool = False


def blind_candidates(manifest: Manifest, frames: int) -> Iterator[Candidate]:
    """Yield the policies that look at nothing: uniform programs and every n-th frame.

    Args:
        manifest: Of the bundle.
        frames: Frames of a clip; a cycle that runs only once in it is left out.
    """
    actions = manifest.actions
    skips = [index for index, action in enumerate(actions) if action.program is None]
    shortest = min(skips, key=lambda index: actions[index].skip, default=None)
    for index, action in enumerate(actions):
        if action.program is None:
            continue
        yield Candidate("uniform", f"uniform:{action.name}", None, _uniform(index))
        if shortest is None:
            continue
        for count in CYCLES:
            if 1 + count * actions[shortest].skip < frames:
                yield Candidate("cycle", *_cycle(actions, index, shortest, count))


def _uniform(index: int) -> Callable[[int], Picker]:
    return lambda seed: UniformPicker(index)


def _cycle(
    actions: Sequence[ActionSpec], program: int, skip: int, count: int
) -> tuple[str, None, Callable[[int], Picker]]:
    indices = [program, *[skip] * count]
    name = ",".join(actions[index].name for index in indices)
    return name, None, lambda seed: CyclePicker(indices)


def sweep_prices(policy_logits: Float32, relative: NDArray[np.float64]) -> list[float]:
    """Return the lambdas to try: 0, and then so that cost falls in about even steps.

    Args:
        policy_logits: Of all frames, float32 [frames, A].
        relative: Costs of the actions, in reference frames, [A].
    """
    costs = relative.tolist()
    prices = np.array([deciding_price(row.tolist(), costs) for row in policy_logits])
    dear = prices[prices > 0]
    if not len(dear):
        return [0.0]
    found = {float(np.quantile(dear, quantile)) for quantile in PRICE_QUANTILES}
    # Just above the price at which the last frame goes over.
    return [0.0, *sorted(found), 1.01 * float(dear.max())]


def learned_candidate(price: float, relative: NDArray[np.float64]) -> Candidate:
    """Return the learned policy at a price."""
    name = "learned" if price == 0 else f"lambda {price:.3g}"
    costs = relative.tolist()
    return Candidate("learned", name, price, lambda seed: LearnedPicker(price, costs))


def budget_candidate(manifest: Manifest, costs: ThreadCosts, target: float) -> Candidate:
    """Return the learned policy with the controller that holds a relative cost."""

    def make(seed: int) -> Picker:
        return BudgetPicker(manifest.actions, step_costs(manifest, costs), Budget("cost", target))

    return Candidate("budget", f"budget {target:.3g}", target, make, rehearse=True)


def random_candidate(
    manifest: Manifest,
    shares: Sequence[float],
    costs_ms: Sequence[float],
    budget_ms: float,
    frames: int,
) -> Candidate:
    """Return a random mix like ``shares`` that costs as much as ``budget_ms``.

    A random mix needs no policy. What that saves goes into the reference program, so that the
    comparison with the policy of these shares is one at equal cost.

    Args:
        manifest: Of the bundle.
        shares: Fraction of the frames by action.
        costs_ms: What a frame of each action costs without a policy.
        budget_ms: Mean cost to reach.
        frames: Frames of a clip, the first of which is always executed.
    """
    names = [action.program for action in manifest.actions]
    programs = np.array([name is not None for name in names])
    pure = np.zeros(len(names))
    pure[names.index(reference_program(manifest))] = 1.0
    own, costs = np.asarray(shares, np.float64), np.asarray(costs_ms, np.float64)

    def mixed(part: float) -> Float64:
        mix: Float64 = (1 - part) * own + part * pure
        return mix

    def expected_ms(part: float) -> float:
        mix = mixed(part)
        first = np.where(programs, mix, 0.0)
        first = first / first.sum() if first.sum() else pure
        return float((first + (frames - 1) * mix) @ costs) / frames

    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if expected_ms(middle) < budget_ms else (low, middle)
    # A policy may execute the first frame alone; drawn then, too, there must be something to draw.
    mix = mixed(max(low, 1e-6))
    name = "random:" + ",".join(f"{share:.3f}" for share in mix)
    probabilities = mix.tolist()
    return Candidate(
        "random", name, None, lambda seed: RandomPicker(probabilities, seed), RANDOM_SEEDS
    )
