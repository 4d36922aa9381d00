"""The policies that choose an action a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dnq.budget import Budget, BudgetPicker, deciding_price
from edge_dnq.cost_model import step_costs
from edge_dnq.manifest import Manifest
from edge_dnq.policy import CyclePicker, LearnedPicker, Picker, RandomPicker, UniformPicker
from edge_dnq.profiling.table import ThreadCosts, reference_program

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

CYCLES = (2, 3, 4, 6, 8, 12, 16)
"""Of so many frames one is executed."""

PRICE_QUANTILES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
"""Of the prices at which frames go over to a cheap action: the sweep's lambdas."""

BOUNTY_QUANTILES = (0.05, 0.1, 0.2, 0.4)
"""Of the lambdas below 0 at which frames go over to a dear action, to be more accurate."""

RANDOM_WALKS = 4000
RANDOM_SEEDS = 8
"""A random mix walks every video until there are this many walks, with this many seeds at most."""

BISECTIONS = 40


@dataclass(frozen=True)
class Candidate:
    """A policy to walk through the videos.

    Attributes:
        family: What it belongs to: ``uniform``, ``cycle``, ``random``, ``learned`` or ``budget``.
        key: Its place in the family, the same for any bundle and any videos.
        policy: Its description.
        setting: Lambda, or the budget; None for others.
        make: Makes its picker from a seed.
        seeds: How many walks to average.
        rehearse: Whether to walk once before: a controller has to settle.
    """

    family: str
    key: str
    policy: str
    setting: float | None
    make: Callable[[int], Picker]
    seeds: int = 1
    rehearse: bool = False


def blind_candidates(manifest: Manifest, frames: int) -> Iterator[Candidate]:
    """Yield the policies that look at nothing: uniform programs and every n-th frame.

    Args:
        manifest: Of the bundle.
        frames: Of a video; cycles are no longer.
    """
    actions = manifest.actions
    skips = [index for index, action in enumerate(actions) if action.program is None]
    shortest = min(skips, key=lambda index: actions[index].skip, default=None)
    for index, action in enumerate(actions):
        if action.program is None:
            continue
        name = f"uniform:{action.name}"
        yield Candidate("uniform", name, name, None, _uniform(index))
        if shortest is None:
            continue
        skip = actions[shortest]
        for length in CYCLES:
            if length <= frames and (length - 1) % skip.skip == 0:
                indices = [index, *[shortest] * ((length - 1) // skip.skip)]
                name = ",".join(actions[place].name for place in indices)
                yield Candidate("cycle", name, name, None, _cycle(indices))


def _uniform(index: int) -> Callable[[int], Picker]:
    return lambda seed: UniformPicker(index)


def _cycle(indices: Sequence[int]) -> Callable[[int], Picker]:
    return lambda seed: CyclePicker(indices)


def sweep_prices(policy_logits: Float32, relative: Float64) -> dict[str, float]:
    """Return the lambdas to try, by key: 0, then so that cost falls in even steps, or rises.

    Args:
        policy_logits: Of decided frames, float32 [frames, A].
        relative: Costs of the actions, in reference frames, [A].
    """
    found = {"0": 0.0}
    prices = _deciding_prices(policy_logits, relative)
    if len(prices):
        found |= {f"{part:g}": float(np.quantile(prices, part)) for part in PRICE_QUANTILES}
        # Just above the price at which the last frame goes over.
        found["1"] = 1.01 * float(prices.max())
    # A negative price is a price of what is not spent.
    bounties = _deciding_prices(policy_logits, -relative)
    if len(bounties):
        found |= {f"-{part:g}": -float(np.quantile(bounties, part)) for part in BOUNTY_QUANTILES}
    return found


def _deciding_prices(policy_logits: Float32, costs: Float64) -> Float64:
    """Return the prices, above 0, at which frames go over to one of the cheapest actions."""
    of_actions = costs.tolist()
    prices = np.array([deciding_price(row.tolist(), of_actions) for row in policy_logits])
    return prices[prices > 0]


def learned_candidate(key: str, price: float, relative: Float64) -> Candidate:
    """Return the learned policy at a price."""
    name = "learned" if price == 0 else f"lambda {price:.3g}"
    costs = relative.tolist()
    return Candidate("learned", key, name, price, lambda seed: LearnedPicker(price, costs))


def budget_candidate(key: str, manifest: Manifest, costs: ThreadCosts, target: float) -> Candidate:
    """Return the learned policy with the controller that holds a relative cost."""

    def make(seed: int) -> Picker:
        return BudgetPicker(manifest.actions, step_costs(manifest, costs), Budget("cost", target))

    return Candidate("budget", key, f"budget {target:.3g}", target, make, rehearse=True)


def random_candidate(
    key: str,
    manifest: Manifest,
    shares: Sequence[float],
    costs_ms: Sequence[float],
    budget_ms: float,
    frames: Sequence[int],
) -> Candidate:
    """Return a random mix like ``shares`` that costs as much as ``budget_ms``.

    A random mix needs no policy. What that saves goes into the reference program, so that the
    comparison with the policy of these shares is one at equal cost. It skips by the shortest skip.

    Args:
        key: Of the policy that it is compared with.
        manifest: Of the bundle.
        shares: Fraction of the frames by action.
        costs_ms: What a frame of each action costs on average without a policy.
        budget_ms: Mean cost of a frame to reach.
        frames: Frames of every video, the first of which is always executed.
    """
    names = [action.program for action in manifest.actions]
    programs = np.array([name is not None for name in names])
    pure = np.zeros(len(names))
    pure[names.index(reference_program(manifest))] = 1.0
    lengths = np.array([action.frames for action in manifest.actions])
    own, costs = np.array(shares, np.float64), np.asarray(costs_ms, np.float64)
    if not programs.all():
        shortest = int(np.argmin(np.where(programs, np.inf, lengths)))
        skipped = own[~programs].sum()
        own[~programs] = 0.0
        own[shortest] = skipped
    length = float(np.mean(frames))

    def mixed(part: float) -> Float64:
        mix: Float64 = (1 - part) * own + part * pure
        return mix

    def expected_ms(part: float) -> float:
        mix = mixed(part)
        first = np.where(programs, mix, 0.0)
        first = first / first.sum() if first.sum() else pure
        return float((first + (length - 1) * mix) @ costs) / length

    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if expected_ms(middle) < budget_ms else (low, middle)
    # A policy may execute the first frame alone; drawn then, too, there must be something to draw.
    mix = mixed(max(low, 1e-6)) / lengths  # drawn once, a longer skip takes several frames
    mix /= mix.sum()
    name = "random:" + ",".join(f"{share:.3f}" for share in mix)
    probabilities = mix.tolist()
    seeds = min(RANDOM_SEEDS, -(-RANDOM_WALKS // len(frames)))
    return Candidate(
        "random", key, name, None, lambda seed: RandomPicker(probabilities, seed), seeds
    )
