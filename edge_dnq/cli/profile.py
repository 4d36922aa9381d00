"""``edge-dnq profile``: what a bundle's programs cost on this device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.table import Table

from edge_dnq import host
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import json_option, kernels_option, runtime_option
from edge_dnq.cli.output import console, human_bytes, next_step, print_json, table
from edge_dnq.manifest import Manifest
from edge_dnq.profiling.profile import Plan, profile
from edge_dnq.profiling.sensors import MISSING, Sensors
from edge_dnq.profiling.table import (
    CostTable,
    ThreadCosts,
    reference_program,
    relative_cost,
    table_path,
    write_table,
)
from edge_dnq.session import POLICY, open_bundle


class _Threads(click.ParamType[tuple[int, ...]]):
    name = "N,N,..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        if not all(re.fullmatch(r"[1-9]\d?", word.strip()) for word in words):
            self.fail(f"{value!r} is not a list of numbers of threads such as 1,2,4")
        return tuple(sorted({int(word) for word in words}))


class _Size(click.ParamType[tuple[int, int]]):
    name = "WIDTHxHEIGHT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", str(value))
        if match is None:
            self.fail(f"{value!r} is not a frame size such as 640x480")
        return int(match[2]), int(match[1])


@click.command(name="profile")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--threads",
    type=_Threads(),
    help="Numbers of threads to measure.  [default: 1, 2, 4, ... up to the cores]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1, max=3600),
    default=3.0,
    show_default=True,
    help="Time per number of threads.",
)
@click.option(
    "--sustained",
    type=click.FloatRange(min=0, max=86400),
    default=0.0,
    metavar="SECONDS",
    help="Then work so long without a pause, watching temperature and frequency.",
)
@click.option(
    "--frame",
    type=_Size(),
    default="640x480",
    show_default=True,
    help="Size of the frames to give.",
)
@runtime_option
@kernels_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the table.  [default: beside the bundle, where run and eval find it]",
)
@json_option
def command(
    bundle: Path,
    threads: tuple[int, ...] | None,
    seconds: float,
    sustained: float,
    frame: tuple[int, int],
    runtime: str,
    kernels: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure what every program and the policy cost on this device.

    Steps of a session are timed, every action in turns with the others; loading and memory are
    measured in processes of their own. The costs go into a table beside the bundle, which `run`
    and `eval` use.

    \b
    Examples:
      edge-dnq profile bundle/
      edge-dnq profile bundle/ --threads 1,4 --sustained 300
    """
    loaded = open_bundle(bundle, runtime, kernels)
    cores = host.read_cpu().cores
    plan = Plan(threads or _doubling(cores), seconds, sustained, frame, runtime, kernels)
    terminal = console(error=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )
    with quiet_native(), bar:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, fraction: float) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=1.0)
            bar.update(tasks[stage], completed=fraction)

        made = profile(loaded, plan, told)
    path = output or table_path(bundle, made.subject)
    write_table(path, made)
    if as_json:
        print_json({"path": str(path), **msgspec.to_builtins(made)})
    else:
        _show(made, reference_program(loaded.manifest), cores)
        click.echo(f"wrote {path}")
        next_step(f"edge-dnq run {bundle} YOUR_VIDEO {_reachable(made, loaded.manifest)}")


def _doubling(cores: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... and the number of cores itself."""
    return tuple(sorted({*(2**power for power in range(cores.bit_length())), cores}))


def _reachable(made: CostTable, manifest: Manifest) -> str:
    """Return options of a run that the bundle can do: a budget halfway between its actions."""
    costs = made.threads[0]
    if costs.policy is None:
        return f"--policy uniform:{reference_program(manifest)}"
    each = [
        relative_cost(manifest, costs, {action.name: 1.0}, policy=True)
        for action in manifest.actions
    ]
    return f"--cost {(min(each) + max(each)) / 2:.2g}"


def _show(made: CostTable, reference: str, cores: int) -> None:
    out = console()
    subject = made.subject
    click.echo(f"{made.name} on {subject.cpu} ({subject.architecture}), {subject.runtime}")
    for costs in made.threads:
        out.print(_steps(costs, reference))
    if max(costs.threads for costs in made.threads) > cores:
        click.echo(f"more threads than the {cores} cores this process may use: expect no gain")
    if len(made.threads) > 1:
        out.print(_scaling(made.threads))
    out.print(_loading(made))
    if made.sustained:
        _show_sustained(made)


def _steps(costs: ThreadCosts, reference: str) -> Table:
    title = f"ms per frame, {costs.threads} thread{'s' if costs.threads > 1 else ''}"
    columns = ("median", "p95", "mean", f"of {reference}", "runs")
    shown = table(title, "what", *columns, right=columns)
    base = costs.frame.median_ms + costs.programs[reference].median_ms
    parts = {f"program {name}": cost for name, cost in costs.programs.items()}
    if costs.policy is not None:
        parts[POLICY] = costs.policy
    parts["frame, bookkeeping"] = costs.frame
    whole = {f"step {name}": cost for name, cost in costs.actions.items()}
    if costs.held is not None:
        whole["step held"] = costs.held
    for rows in (parts, whole):
        for name, cost in rows.items():
            times = (f"{value:.3f}" for value in (cost.median_ms, cost.p95_ms, cost.mean_ms))
            shown.add_row(name, *times, f"{cost.median_ms / base:.2f}", str(cost.runs))
        shown.add_section()
    return shown


def _scaling(threads: Sequence[ThreadCosts]) -> Table:
    one = threads[0]
    columns = [f"{costs.threads}" for costs in threads]
    shown = table("speed-up by threads", "threads", *columns)
    for name, cost in one.programs.items():
        gains = (cost.median_ms / costs.programs[name].median_ms for costs in threads)
        shown.add_row(name, *(f"{gain:.2f}" for gain in gains))
    return shown


def _loading(made: CostTable) -> Table:
    columns = ("load ms", "first run ms", "next ms", "memory", "peak")
    shown = table("loading, each in a process of its own", "what", *columns, right=columns)
    for name, start in made.start.items():
        times = (f"{value:.2f}" for value in (start.load_ms, start.first_ms, start.next_ms))
        shown.add_row(name, *times, _bytes(start.resident_bytes), _bytes(start.peak_bytes))
    if (whole := made.whole) is not None:
        memory, peak = _bytes(whole.resident_bytes), _bytes(whole.peak_bytes)
        first = f"{whole.first_ms:.2f}"
        shown.add_row("all, as a session", f"{whole.load_ms:.2f}", first, "", memory, peak)
        shown.caption = (
            f"the whole process: {_bytes(whole.process_peak_bytes)} at most; imports done after "
            f"{whole.ready_ms:.0f} ms, the bundle read and checked in {whole.bundle_ms:.0f} ms"
        )
    return shown


def _bytes(count: int | None) -> str:
    return "not shown" if count is None else human_bytes(count)


def _show_sustained(made: CostTable) -> None:
    first, last = made.sustained[0], made.sustained[-1]
    columns = ("first ms", "last ms", "change")
    shown = table(f"sustained, {last.time_s:.0f} s", "step", *columns, right=columns)
    for name, before in first.median_ms.items():
        after = last.median_ms[name]
        shown.add_row(name, f"{before:.3f}", f"{after:.3f}", f"{after / before - 1:+.1%}")
    console().print(shown)
    for word, unit, values in (
        ("temperature", "degrees C", [entry.celsius for entry in made.sustained]),
        ("frequency", "MHz", [entry.megahertz for entry in made.sustained]),
    ):
        seen = [value for value in values if value is not None]
        if seen:
            click.echo(
                f"{word}: {seen[0]:.0f} at first, {seen[-1]:.0f} at last, "
                f"{min(seen):.0f} to {max(seen):.0f} {unit}"
            )
        else:
            click.echo(f"{word}: this system shows none" if Sensors().available else MISSING)
