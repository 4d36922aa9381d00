"""``edge-dnq train``: learn both networks from video."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from edge_dnq.cli.options import cache_dir_option
from edge_dnq.errors import RuntimeMissingError
from edge_dnq.train.config import RECIPE_STAGES, load_config
from edge_dnq.train.presets import PRESETS


@click.command(name="train")
@click.option(
    "--data",
    required=True,
    metavar="DATA",
    help="clips.csv (path,label,split), a folder of class folders, or synthetic[:CLIPS].",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Checkpoint to write: .pt or .safetensors.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="default",
    show_default=True,
    help="quick: minutes on two CPU cores. default: ResNet-18 at 112 px. paper: the published "
    "recipe, ResNet-50 at 224 px, for GPUs.",
)
@click.option(
    "--stage",
    type=click.Choice(["all", *RECIPE_STAGES]),
    default="all",
    show_default=True,
    help="Train one stage only; the earlier ones must be in the run directory.",
)
@click.option(
    "--run-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where states, metrics.jsonl and curves.png go.  [default: OUTPUT with suffix .run]",
)
@click.option("--resume", is_flag=True, help="Go on in an existing run directory.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of everything.  [default: 0]")
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file of settings that differ from the preset.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one setting, e.g. any_precision.epochs=80. May be repeated.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@cache_dir_option
@click.option(
    "--init",
    "initial",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="ImageNet weights to start from (efficientnet_lite0, a PyTorch state dict).",
)
@click.option("--half", is_flag=True, help="Store weights as float16: half the size.")
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Train the decisions on this file of `edge-dnq record` instead of on held-out clips. "
    "May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def command(
    data: str,
    output: Path,
    preset: str,
    stage: str,
    run_dir: Path | None,
    resume: bool,
    seed: int | None,
    config_file: Path | None,
    settings: tuple[str, ...],
    device: str,
    cache_dir: Path | None,
    initial: Path | None,
    half: bool,
    recordings: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Train the recognition network and its policy.

    Three stages: full precision, then one set of weights for all precisions, then the policy.
    An interrupted run goes on with --resume.

    \b
    Examples:
      edge-dnq train --data clips.csv --preset quick -o q.pt
      edge-dnq train --data synthetic:2000 --preset quick --seed 3 -o s.pt
      torchrun --nproc-per-node 4 -m edge_dnq.cli.main train --data clips.csv -o d.pt
    """
    config = load_config(PRESETS[preset], config_file, settings)
    if seed is not None:
        config = msgspec.structs.replace(config, seed=seed)
    try:
        from edge_dnq.train.runner import Task, train
    except ImportError as error:
        raise RuntimeMissingError(
            f"training needs torch: pip install 'edge-dnq[train]' ({error})"
        ) from error
    task = Task(
        config=config,
        data=data,
        output=output,
        run_dir=run_dir or output.with_suffix(".run"),
        stage=stage,
        resume=resume,
        device=device,
        cache_dir=cache_dir,
        initial=initial,
        half=half,
        recordings=recordings,
    )
    # Progress goes to stderr, so that stdout holds the result alone.
    report = train(task, Console(stderr=True))
    if int(os.environ.get("RANK", "0")) > 0:
        return
    if as_json:
        click.echo(json.dumps(report))
    else:
        _show(report, stage)


def _show(report: dict[str, Any], stage: str) -> None:
    """Print what each stage reached, where it is, and what to do next."""
    console = Console()
    table = Table(title="training", title_justify="left")
    table.add_column("stage")
    table.add_column("validation")
    table.add_column("losses")
    for name, values in report["stages"].items():
        lines = [f"{key} {value:.3f}" for key, value in values.items()]
        scores = [line for line in lines if not line.startswith("loss/")]
        losses = [line.removeprefix("loss/") for line in lines if line.startswith("loss/")]
        table.add_row(name, "\n".join(scores), "\n".join(losses))
    console.print(table)
    output = Path(report["checkpoint"])
    if stage in ("all", RECIPE_STAGES[-1]):
        following = f"edge-dnq export {output} -o {output.with_suffix('')}-bundle/"
    else:
        later = RECIPE_STAGES[RECIPE_STAGES.index(stage) + 1]
        following = f"the same command with --stage {later} --resume"
    click.echo(f"wrote {output} in {report['seconds']:.0f} s; curves: {report['curves']}")
    click.echo(f"next: {following}")
