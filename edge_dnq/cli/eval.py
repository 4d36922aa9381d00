"""``edge-dnq eval``: accuracy and cost on labelled clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_dnq.cli.front_tables import percent, points_of, show_front
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import (
    composed,
    filler_option,
    json_option,
    kernels_option,
    policy_option,
    rounds_option,
    runtime_option,
    seed_option,
    threads_option,
)
from edge_dnq.cli.output import console, kernel_lines, print_json, table
from edge_dnq.errors import EdgeDnqError
from edge_dnq.evaluation import Evaluation, evaluate
from edge_dnq.report.colors import ActionStyle, action_styles
from edge_dnq.session import open_bundle
from edge_dnq.sweep.front import Sweep, sweep
from edge_dnq.sweep.outcomes import save_outcomes
from edge_dnq.sweep.plot import check_plot_path, write_plot

WORST = 5


@click.command(name="eval")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("data", metavar="CLIPS_CSV")
@click.option("--split", default="val", show_default=True, help="Which split of the data.")
@policy_option
@click.option(
    "--frames", type=click.IntRange(min=1), help="Frames per clip.  [default: as in training]"
)
@click.option("--limit", type=click.IntRange(min=1), help="Use so many clips, drawn at random.")
@runtime_option
@threads_option
@kernels_option
@seed_option
@click.option(
    "--sweep",
    "sweeping",
    is_flag=True,
    help="Compare many policies: the front of accuracy and cost.",
)
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Draw the sweep's front: .png .svg .pdf"
)
@click.option(
    "--streams",
    is_flag=True,
    help="With --sweep: compose the clips into untrimmed streams, filler between them.",
)
@filler_option
@rounds_option
@click.option(
    "--outcomes",
    type=click.Path(path_type=Path),
    help="With --sweep: keep what every policy did on every clip (.npz).",
)
@click.option(
    "--costs",
    type=click.Path(path_type=Path),
    help="With --sweep: the cost table of another device (.json).  [default: this one's]",
)
@json_option
def command(
    bundle: Path,
    data: str,
    split: str,
    policy: str,
    frames: int | None,
    limit: int | None,
    runtime: str,
    threads: int,
    kernels: str,
    seed: int,
    sweeping: bool,
    plot: Path | None,
    streams: bool,
    filler: float | None,
    rounds: int | None,
    outcomes: Path | None,
    costs: Path | None,
    as_json: bool,
) -> None:
    """Measure accuracy and cost of a policy on labelled clips.

    CLIPS_CSV has the columns path,label,split (paths relative to it); a folder of class folders
    and synthetic[:N] serve as well. Cost is relative to uniform w8a8, which runs on the same
    frames in turns with the policy.

    --sweep compares uniform programs, every n-th frame, random mixes, a confidence cascade, early
    exit and the learned policy at many prices of time, on the same clips and by the cost table of
    this device, or of the one that --costs is from; at equal milliseconds, with intervals.

    \b
    Examples:
      edge-dnq eval bundle/ clips.csv --split val
      edge-dnq eval bundle/ clips.csv --policy uniform:w4a4 --json
      edge-dnq eval bundle/ clips.csv --policy random:0.2,0.2,0.2,0.4
      edge-dnq eval bundle/ clips.csv --sweep --plot front.png
      edge-dnq eval bundle/ synthetic:20000 --split test --frames 16 --sweep
      edge-dnq eval bundle/ clips.csv --sweep --streams --filler 0.8 --json
      edge-dnq eval bundle/ clips.csv --sweep --costs bundle.costs/Raspberry-Pi-4.json
    """
    if sweeping and policy != "learned":
        raise EdgeDnqError("--sweep compares policies of its own: leave --policy out")
    of_sweeps = {"plot": plot, "streams": streams, "outcomes": outcomes, "costs": costs}
    for name, given in of_sweeps.items():
        if given and not sweeping:
            raise EdgeDnqError(f"--{name} is about a sweep: add --sweep")
    composition = composed(streams, filler, rounds)
    if plot is not None:
        check_plot_path(plot)
    if outcomes is not None and outcomes.suffix != ".npz":
        raise EdgeDnqError(f"cannot write {outcomes}: outcomes end in .npz")
    loaded = open_bundle(bundle, runtime, kernels)
    with quiet_native(), _progress() as (bar, told):
        if sweeping:
            front, kept = sweep(
                loaded,
                data,
                split,
                streams=composition,
                frames=frames,
                limit=limit,
                runtime=runtime,
                threads=threads,
                seed=seed,
                kernels=kernels,
                costs=costs,
                progress=told,
                told=lambda tried: bar.update(bar.task_ids[0], description=f"trying {tried}"),
            )
        else:
            result = evaluate(
                loaded,
                data,
                split,
                policy=policy,
                frames=frames,
                limit=limit,
                runtime=runtime,
                threads=threads,
                seed=seed,
                kernels=kernels,
                progress=told,
            )
    if sweeping:
        if outcomes is not None:
            save_outcomes(outcomes, kept)
        _finish_sweep(front, loaded.manifest.name, plot, as_json)
        return
    if result.table_cost is None:
        click.echo(f"note: {result.cost_table}", err=True)
    if as_json:
        print_json(result)
    else:
        _show(result, action_styles(loaded.manifest))


@contextmanager
def _progress() -> Iterator[tuple[Progress, Callable[[int, int], None]]]:
    """Yield a bar and what moves it; it appears when it first moves.

    Filling the cache of rendered clips, which may come before, has a bar of its own.
    """
    terminal = console(error=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )
    task = bar.add_task("clips", total=None)

    def told(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield bar, told
    finally:
        bar.stop()


def _show(result: Evaluation, styles: dict[str, ActionStyle]) -> None:
    out = console()
    overview = table(f"policy {result.policy} on {result.runtime}", "what", "value")
    overview.add_row("accuracy, top 1", f"{100 * result.accuracy_top1:.1f} %")
    overview.add_row("accuracy, top 5", f"{100 * result.accuracy_top5:.1f} %")
    overview.add_row("clips, frames", f"{result.clips}, {result.frames}")
    overview.add_row("time per frame", f"{result.mean_ms_per_frame:.3f} ms")
    against = f"{result.reference} ({result.reference_ms_per_frame:.3f} ms)"
    for line in kernel_lines(result.kernels):
        overview.add_row("kernels", line)
    overview.add_row("relative cost", f"{result.relative_cost:.3f} of {against}")
    if result.table_cost is not None:
        overview.add_row("by the cost table", f"{result.table_cost:.3f} of {result.reference}")
    overview.add_row("flicker", f"{percent(result.flicker)} % of frames")
    overview.add_row("flicker over w8a8", f"{points_of(result.flicker_difference)} points")
    for name, share in result.actions.items():
        style = styles[name]
        overview.add_row(f"[{style.color}]{style.mark}[/] {name}", f"{100 * share:.1f} % of frames")
    out.print(overview)
    classes = table("by class, worst first", "class", "clips", "top 1", right=("clips", "top 1"))
    ranked = sorted(result.per_class.items(), key=lambda item: item[1].accuracy_top1)
    for label, own in ranked[:WORST]:
        classes.add_row(label, str(own.clips), f"{100 * own.accuracy_top1:.0f} %")
    if len(ranked) > WORST:
        classes.caption = f"and {len(ranked) - WORST} more: see --json"
    out.print(classes)
    for lost in result.unreadable:
        click.echo(f"left out: {lost.problem}", err=True)


def _finish_sweep(front: Sweep, name: str, plot: Path | None, as_json: bool) -> None:
    if plot is not None:
        write_plot(plot, front, name)
    if as_json:
        print_json(front)
        return
    show_front(front, f"{name}: {front.videos}")
    click.echo(front.costs)
    if plot is not None:
        click.echo(f"wrote {plot}")
    for lost in front.unreadable:
        click.echo(f"left out: {lost.problem}", err=True)
