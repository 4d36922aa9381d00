"""``edge-dnq eval``: accuracy and cost on labelled clips."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_dnq.bundle import Bundle
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import (
    json_option,
    kernels_option,
    policy_option,
    runtime_option,
    seed_option,
    threads_option,
)
from edge_dnq.cli.output import console, kernel_lines, print_json, table
from edge_dnq.evaluation import Evaluation, evaluate
from edge_dnq.report.colors import ActionStyle, action_styles

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
    as_json: bool,
) -> None:
    """Measure accuracy and cost of a policy on labelled clips.

    CLIPS_CSV has the columns path,label,split (paths relative to it); a folder of class folders
    and synthetic[:N] serve as well. Cost is relative to uniform w8a8, which runs on the same
    frames in turns with the policy.

    \b
    Examples:
      edge-dnq eval bundle/ clips.csv --split val
      edge-dnq eval bundle/ clips.csv --policy uniform:w4a4 --json
      edge-dnq eval bundle/ clips.csv --policy random:0.2,0.2,0.2,0.4
    """
    loaded = Bundle.load(bundle)
    terminal = console(error=True)
    bar = Progress(
        TextColumn("clips"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )
    with quiet_native(), bar:
        task = bar.add_task("clips", total=None)
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
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if result.table_cost is None:
        click.echo(f"note: {result.cost_table}", err=True)
    if as_json:
        print_json(result)
    else:
        _show(result, action_styles(loaded.manifest))


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
