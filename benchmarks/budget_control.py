"""How a budget is held: a device that throttles and is loaded, and this machine under real load.

Draws, for a simulated device (a step of the costs, a ramp as of throttling, a step back) and for
this machine (a session of BUNDLE, with and without processes that compete for the processor), the
mean over a window against the budget, the price lambda, and what the learned policy would have
taken. Prints how far windows were from the budget in steady state.

Run: python -m benchmarks.budget_control [BUNDLE] -o docs/budget_control.png
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated_device import ACTIONS, SimulatedDevice, device_costs
from edge_dnq.budget import WINDOW, Budget, BudgetPicker, StepCosts, step_costs
from edge_dnq.bundle import Bundle
from edge_dnq.host import read_cpu
from edge_dnq.profiling.measure import quick_costs
from edge_dnq.report.colors import BLUE, GREY, ORANGE, VERMILION
from edge_dnq.session import Session
from edge_dnq.synthetic import render_stream

Floats = NDArray[np.float64]
BURN = "while True: pass"
BAND = 0.05

SIMULATED_TARGET_MS = 6.0
STEP, RAMP, BACK, END = 8, 14, 26, 36
"""Windows at which the simulated device changes."""


def simulated_speed(frame: int) -> float:
    window = frame / WINDOW
    if window < STEP:
        return 1.0
    if window < RAMP:
        return 1.5
    if window < BACK:
        return 1.5 + 0.7 * min(1.0, (window - RAMP) / (BACK - RAMP - 4))
    return 1.0


def simulated(budget: Budget | None) -> tuple[Floats, Floats]:
    """Return latency and lambda of every frame."""
    device = SimulatedDevice(simulated_speed, noise=0.1, memory=0.5, seed=3)
    trace = device.run(BudgetPicker(ACTIONS, device_costs(), budget), END * WINDOW)
    return trace.latency_ms, trace.cost_bias


@contextmanager
def competing_load(processes: int) -> Iterator[None]:
    """Keep so many processes busy beside this one."""
    running = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


class Machine:
    """A session of a bundle, given a rendered video over and over."""

    def __init__(self, bundle: Bundle, kernels: str) -> None:
        self.session = Session(bundle, kernels=kernels)
        self.actions = bundle.manifest.actions
        self.costs: StepCosts = step_costs(bundle.manifest, quick_costs(self.session))
        self._frames = list(render_stream(53).frames)
        self._next = 0

    def run(self, picker: BudgetPicker, frames: int) -> tuple[Floats, Floats]:
        self.session.picker = picker
        rows = []
        for _ in range(frames):
            step = self.session.step(self._frames[self._next])
            self._next = (self._next + 1) % len(self._frames)
            rows.append((step.latency_ms, picker.cost_bias))
        latency, price = np.array(rows).T
        return latency, price


def measured(
    machine: Machine, target: Budget | None, phases: Sequence[int], frames: int
) -> tuple[Floats, Floats]:
    """Return latency and lambda of every frame over phases of 0, 1, ... competing processes."""
    picker = BudgetPicker(machine.actions, machine.costs, target)
    parts = []
    for processes in phases:
        with competing_load(processes):
            parts.append(machine.run(picker, frames))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def window_means(values: Floats) -> Floats:
    sums = np.cumsum(np.concatenate([[0.0], values]))
    means: Floats = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    return means


def steady(values: Floats, target: float, begins: Sequence[int]) -> str:
    """Say how far windows were from the budget, three windows after every change on."""
    found = []
    for begin, end in zip(begins, [*begins[1:], len(values)], strict=True):
        found.append(window_means(values[begin + 2 * WINDOW : end]) / target - 1)
    errors = np.concatenate(found)
    inside = np.mean(np.abs(errors) <= BAND)
    return (
        f"mean {errors.mean():+.1%}, windows {errors.min():+.1%} to {errors.max():+.1%}, "
        f"{inside:.0%} of them within 5 %"
    )


def draw(axes: Any, title: str, free: Floats, held: Floats, target: float) -> None:
    ticks = np.arange(WINDOW, len(held) + 1) / WINDOW
    axes.axhspan(target * (1 - BAND), target * (1 + BAND), color=ORANGE, alpha=0.25, lw=0)
    axes.axhline(target, color=ORANGE, lw=1, label="budget, ± 5 %")
    axes.plot(ticks, window_means(free), color=GREY, lw=1, label="learned policy alone")
    axes.plot(ticks, window_means(held), color=BLUE, lw=1.2, label="budget held")
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_ylabel(f"ms per frame,\nmean of {WINDOW} frames")
    # A stall of the machine may be hundreds of budgets high, and must not hide all else.
    axes.set_ylim(0, 1.3 * min(float(np.max(window_means(free))), 5 * target))
    axes.legend(fontsize=8, ncols=3, loc="upper left", frameon=False)


def draw_price(axes: Any, price: Floats) -> None:
    axes.plot(np.arange(len(price)) / WINDOW, price, color=VERMILION, lw=0.6)
    axes.set_ylabel("lambda")
    axes.set_xlabel(f"windows of {WINDOW} frames")
    axes.set_ylim(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", nargs="?", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/budget_control.png"))
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--frames", type=int, default=10 * WINDOW, help="per phase")
    parser.add_argument("--processes", type=int, default=read_cpu().cores)
    parser.add_argument("--share", type=float, default=0.8, help="of the policy's own time")
    arguments = parser.parse_args()
    from matplotlib.figure import Figure

    rows = 2 if arguments.bundle is None else 4
    figure = Figure(figsize=(9, 1.2 + 1.9 * rows), layout="constrained")
    panels = figure.subplots(rows, 1, height_ratios=[3, 1.4] * (rows // 2))
    free, _ = simulated(None)
    held, price = simulated(Budget("ms", SIMULATED_TARGET_MS))
    title = "simulated device: 1.5 times slower at 8, throttling from 14 to 22, cool again at 26"
    draw(panels[0], title, free, held, SIMULATED_TARGET_MS)
    draw_price(panels[1], price)
    changes = [0, STEP * WINDOW, RAMP * WINDOW, BACK * WINDOW]
    print(f"simulated: {steady(held, SIMULATED_TARGET_MS, changes)}")
    if arguments.bundle is not None:
        machine = Machine(Bundle.load(arguments.bundle), arguments.kernels)
        phases = (0, arguments.processes, 0)
        free, _ = measured(machine, None, phases, arguments.frames)
        target = arguments.share * float(free[: arguments.frames].mean())
        held, price = measured(machine, Budget("ms", target), phases, arguments.frames)
        cpu = read_cpu()
        title = (
            f"this machine ({cpu.model}, {cpu.cores} cores): {arguments.processes} competing "
            f"processes from {arguments.frames // WINDOW} to {2 * arguments.frames // WINDOW}"
        )
        draw(panels[2], title, free, held, target)
        draw_price(panels[3], price)
        changes = [0, arguments.frames, 2 * arguments.frames]
        print(f"measured: {steady(held, target, changes)}")
    figure.savefig(arguments.output, dpi=120)
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
