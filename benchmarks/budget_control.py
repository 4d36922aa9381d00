"""How a budget is held: a device that throttles and is loaded, and this machine under real load.

Draws, for a simulated device (a step of the costs, a ramp as of throttling, a step back) and for
this machine (a session of BUNDLE on one core, which processes that do nothing but burn it share for
the middle third), the mean over a window against the budget, the price lambda, and what the learned
policy takes alone, in turns with it. Prints, for every stretch between two changes, how far windows
were from the budget in steady state and after how many windows they were there.

Run: python -m benchmarks.budget_control [BUNDLE] -o docs/budget_control.png
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.loaded_machine import (
    FREE_TURN,
    TURN,
    Floats,
    Player,
    Run,
    one_core,
    run_beside,
)
from benchmarks.simulated_device import ACTIONS, SimulatedDevice, device_costs
from edge_dnq.budget import WINDOW, Budget, BudgetPicker, default_window
from edge_dnq.bundle import Bundle
from edge_dnq.cost_model import step_costs
from edge_dnq.host import read_cpu
from edge_dnq.policy import LearnedPicker
from edge_dnq.profiling.measure import quick_costs
from edge_dnq.report.colors import BLUE, GREY, ORANGE, VERMILION
from edge_dnq.session import Session
from edge_dnq.synthetic import render_stream

BAND = 0.05
SETTLING = 3
"""Windows after a change that are not steady state."""

ERROR_RANGE = 15
"""Percent that are drawn."""

STREAM_SEED = 53
ALONE_SECONDS = 4.0
"""Of the learned policy, to know what a share of its time is."""

SIMULATED_TARGET_MS = 6.0
STEP, RAMP, COOL, BACK, END = 8, 14, 22, 26, 36
"""Windows at which the simulated device changes."""


def simulated_speed(frame: int) -> float:
    window = frame / WINDOW
    if window < STEP or window >= BACK:
        return 1.0
    return 1.5 + 0.7 * min(1.0, max(0.0, (window - RAMP) / (COOL - RAMP)))


def simulated(budget: Budget | None) -> tuple[Floats, Floats]:
    """Return latency and lambda of every frame."""
    device = SimulatedDevice(simulated_speed, noise=0.1, memory=0.5, seed=3)
    trace = device.run(BudgetPicker(ACTIONS, device_costs(), budget), END * WINDOW)
    return trace.latency_ms, trace.cost_bias


@dataclass(frozen=True)
class Measured:
    """A run on this machine and how it was done."""

    run: Run
    budget: Budget
    window: int
    kernels: str


def measured(path: Path, arguments: argparse.Namespace) -> Measured:
    """Hold a share of what the learned policy takes alone, beside 0, N and 0 processes."""
    bundle = Bundle.load(path)
    manifest = bundle.manifest
    side = manifest.input.height
    frames = [
        cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        for image in render_stream(STREAM_SEED).frames
    ]
    with one_core():
        sessions = [Session(bundle, kernels=arguments.kernels) for _ in range(2)]
        free = Player(sessions[0], frames, LearnedPicker())
        alone = float(np.mean(free.play_for(ALONE_SECONDS)))
        budget = Budget("ms", arguments.share * alone)
        window = arguments.window or default_window(budget, paced=False)
        costs = step_costs(manifest, quick_costs(sessions[1]))
        picker = BudgetPicker(manifest.actions, costs, budget, window=window)
        held = Player(sessions[1], frames, picker)
        phases = (0, arguments.processes, 0)
        run = run_beside(free, held, picker, phases, arguments.windows * window)
    kernels = next(iter(sessions[0].kernels.values())).name
    return Measured(run, budget, window, kernels)


def window_means(values: Floats, window: int) -> Floats:
    sums = np.cumsum(np.concatenate([[0.0], values]))
    means: Floats = (sums[window:] - sums[:-window]) / window
    return means


@dataclass(frozen=True)
class Stretch:
    """What was held between two changes; errors are relative to the budget.

    Attributes:
        windows: The mean error of every whole window from the change on.
        mean: Error of the mean of all frames in steady state.
        least: Lowest error of any window in steady state, wherever it begins.
        most: Highest.
        inside: Share of these windows that are within 5 %.
        settled: Windows from the change to the first moment from which on, for a window, every
            window is within 5 %; None where there is none.
    """

    windows: tuple[float, ...]
    mean: float
    least: float
    most: float
    inside: float
    settled: float | None


def stretches(values: Floats, target: float, window: int, changes: Sequence[int]) -> list[Stretch]:
    found = []
    for begin, end in zip(changes, [*changes[1:], len(values)], strict=True):
        # Means by their last frame; before the very first window is full there is none.
        errors = window_means(values[max(0, begin - window) : end], window) / target - 1
        outside = np.concatenate([np.abs(errors) > BAND, [False]])
        settled = None
        for first in np.flatnonzero(~outside[:-1]):
            if not outside[first : first + window].any() and first + window < len(outside):
                settled = float(first) / window + (1 if begin == 0 else 0)
                break
        steady = values[begin + SETTLING * window : end]
        late = window_means(values[begin + (SETTLING - 1) * window : end], window) / target - 1
        whole = values[begin:end][: (end - begin) // window * window].reshape(-1, window)
        found.append(
            Stretch(
                tuple((whole.mean(1) / target - 1).tolist()),
                float(steady.mean() / target - 1),
                float(late.min()),
                float(late.max()),
                float(np.mean(np.abs(late) <= BAND)),
                settled,
            )
        )
    return found


def show(title: str, target: float, window: int, names: list[str], rows: list[Stretch]) -> None:
    print(f"\n{title}: {target:.4g} ms per frame, over {window} frames\n")
    print("| | mean | windows | within 5 % | settled after, windows |\n|---|---|---|---|---|")
    for name, row in zip(names, rows, strict=True):
        settled = "never" if row.settled is None else f"{row.settled:.1f}"
        spread = f"{row.least:+.1%} to {row.most:+.1%}"
        print(f"| {name} | {row.mean:+.1%} | {spread} | {row.inside:.0%} | {settled} |")
    print()
    for name, row in zip(names, rows, strict=True):
        print(f"{name}, window by window: {' '.join(f'{error:+.1%}' for error in row.windows)}")


def draw(
    axes: Any, title: str, free: tuple[Floats, Floats], held: Floats, window: int, target: float
) -> None:
    """Draw a free run, as places in frames and means, and one that holds ``target``."""
    ticks = np.arange(window, len(held) + 1) / window
    axes.axhline(target, color=ORANGE, lw=1, label="budget")
    axes.plot(free[0] / window, free[1], color=GREY, lw=1, label="learned policy alone")
    axes.plot(ticks, window_means(held, window), color=BLUE, lw=1.2, label="budget held")
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_ylabel(f"ms per frame,\nmean of {window} frames")
    # A stall of the machine may be hundreds of budgets high, and must not hide all else.
    axes.set_ylim(0, 1.3 * min(float(np.max(free[1])), 6 * target))
    axes.legend(fontsize=8, ncols=3, loc="upper left", frameon=False)


def draw_errors(axes: Any, held: Floats, window: int, target: float) -> None:
    errors = 100 * (window_means(held, window) / target - 1)
    axes.axhspan(-100 * BAND, 100 * BAND, color=ORANGE, alpha=0.25, lw=0)
    axes.plot(np.arange(window, len(held) + 1) / window, errors, color=BLUE, lw=0.8)
    axes.set_ylabel("off the\nbudget, %")
    axes.set_ylim(-ERROR_RANGE, ERROR_RANGE)


def draw_price(axes: Any, price: Floats, window: int) -> None:
    axes.plot(np.arange(len(price)) / window, price, color=VERMILION, lw=0.6)
    axes.set_ylabel("lambda")
    axes.set_xlabel(f"windows of {window} frames")
    axes.set_ylim(0)


def simulate(panels: Sequence[Any]) -> list[Stretch]:
    """Run, draw and tell of the simulated device."""
    free, _ = simulated(None)
    held, price = simulated(Budget("ms", SIMULATED_TARGET_MS))
    title = (
        f"simulated device: 1.5 times slower at {STEP}, throttling from {RAMP} to {COOL}, "
        f"cool again at {BACK}"
    )
    places = np.arange(WINDOW, len(free) + 1, dtype=np.float64)
    alone = places, window_means(free, WINDOW)
    draw(panels[0], title, alone, held, WINDOW, SIMULATED_TARGET_MS)
    draw_errors(panels[1], held, WINDOW, SIMULATED_TARGET_MS)
    draw_price(panels[2], price, WINDOW)
    changes = [place * WINDOW for place in (0, STEP, RAMP, BACK)]
    rows = stretches(held, SIMULATED_TARGET_MS, WINDOW, changes)
    names = ["as in the cost table", "1.5 times slower", "throttling", "cool again"]
    show("simulated device", SIMULATED_TARGET_MS, WINDOW, names, rows)
    return rows


def measure(panels: Sequence[Any], arguments: argparse.Namespace) -> list[Stretch]:
    """Run, draw and tell of this machine."""
    result = measured(arguments.bundle, arguments)
    run, window, target = result.run, result.window, result.budget.value
    cpu, count = read_cpu(), arguments.processes
    processes = "a process burns" if count == 1 else f"{count} processes burn"
    title = (
        f"{cpu.model}, {result.kernels}: from {arguments.windows} to {2 * arguments.windows} "
        f"{processes} the same core"
    )
    few = window * FREE_TURN // TURN
    means = window_means(run.free_ms, few)
    places = (few + np.arange(len(means))) * TURN / FREE_TURN
    draw(panels[0], title, (places, means), run.held_ms, window, target)
    draw_errors(panels[1], run.held_ms, window, target)
    draw_price(panels[2], run.price, window)
    rows = stretches(run.held_ms, target, window, run.changes)
    names = ["alone", f"beside {count}", "alone again"]
    show(title, target, window, names, rows)
    for name, part in zip(names, np.array_split(run.free_ms, len(names)), strict=True):
        print(
            f"{name}: the learned policy takes {part.mean():.4g} ms, the longest step "
            f"{part.max():.4g} ms"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", nargs="?", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/budget_control.png"))
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--window", type=int, help="frames; default: as `run` chooses for a file")
    parser.add_argument("--windows", type=int, default=10, help="per third")
    parser.add_argument("--processes", type=int, default=1, help="competitors")
    parser.add_argument("--share", type=float, default=0.6, help="of the policy's own time")
    parser.add_argument("--json", type=Path, help="write the numbers here, too")
    arguments = parser.parse_args()
    from matplotlib.figure import Figure

    devices = 1 if arguments.bundle is None else 2
    figure = Figure(figsize=(9, 5 * devices), layout="constrained")
    panels = figure.subplots(3 * devices, 1, height_ratios=[2.2, 1, 1] * devices)
    found = {"simulated": simulate(panels[:3])}
    if arguments.bundle is not None:
        found["measured"] = measure(panels[3:], arguments)
    figure.savefig(arguments.output, dpi=120)
    print(f"\nwrote {arguments.output}")
    if arguments.json is not None:
        plain = {name: [asdict(row) for row in rows_] for name, rows_ in found.items()}
        arguments.json.write_text(json.dumps(plain, indent=2) + "\n")


if __name__ == "__main__":
    main()
