"""``edge-dnq report``: one page about a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_dnq.bundle import Bundle
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import kernels_option, runtime_option
from edge_dnq.cli.output import console, human_bytes
from edge_dnq.errors import EdgeDnqError
from edge_dnq.report.clips import ClipStudy, study_clips
from edge_dnq.report.front import read_front
from edge_dnq.report.layers import TFLITE, study_layers
from edge_dnq.report.page import Report, environment, matching_tables, write_report

SUFFIXES = (".html", ".htm")


@click.command(name="report")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page.",
)
@click.option(
    "--eval",
    "evaluations",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="JSON",
    help="What `edge-dnq eval --json` printed; may be given several times.",
)
@click.option("--clips", "data", metavar="CLIPS_CSV", help="Play clips: actions by class, strips.")
@click.option("--split", default="val", show_default=True, help="Which split of the clips.")
@click.option("--limit", type=click.IntRange(min=1), help="Play so many clips, drawn at random.")
@runtime_option
@kernels_option
def command(
    bundle: Path,
    output: Path,
    evaluations: tuple[Path, ...],
    data: str | None,
    split: str,
    limit: int | None,
    runtime: str,
    kernels: str,
) -> None:
    """Write one self-contained page about a bundle.

    Its programs, the spread of weights and activations in every layer, the error of lower
    precisions, costs and accuracies that were measured, and what the policy does on clips. The page
    holds everything, needs no network and no script, and follows the light or dark of its reader.

    \b
    Examples:
      edge-dnq report bundle/ -o report.html
      edge-dnq report bundle/ --eval learned.json --eval w4a4.json --clips clips.csv
    """
    if output.suffix.lower() not in SUFFIXES:
        raise EdgeDnqError(f"cannot write {output}: a report ends in {' or '.join(SUFFIXES)}")
    environment()
    loaded = Bundle.load(bundle)
    points = read_front(evaluations)
    with quiet_native():
        study = None
        if data is not None:
            study = _study(loaded, data, split, limit, runtime, kernels)
        layers = None
        if any(TFLITE in program.files for program in loaded.manifest.programs):
            layers = study_layers(loaded, _examples(loaded, study))
        tables, problems = matching_tables(loaded)
        write_report(output, Report(loaded, layers, points, study, tables))
    for problem in problems:
        click.echo(f"note: left out: {problem}", err=True)
    click.echo(f"wrote {output}, {human_bytes(output.stat().st_size)}")


def _examples(bundle: Bundle, study: ClipStudy | None) -> list[NDArray[np.uint8]]:
    """Return frames to run the programs on: from the clips, or those recorded at export."""
    if study is not None:
        return list(study.pictures)
    return [frame.astype(np.uint8) for frame in bundle.golden()["frames"]]


def _study(
    bundle: Bundle, data: str, split: str, limit: int | None, runtime: str, kernels: str
) -> ClipStudy:
    terminal = console(error=True)
    with Progress(
        TextColumn("clips"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    ) as bar:
        task = bar.add_task("clips", total=None)
        told: Callable[[int, int], None] = lambda done, total: bar.update(  # noqa: E731
            task, completed=done, total=total
        )
        return study_clips(
            bundle, data, split, limit=limit, runtime=runtime, kernels=kernels, progress=told
        )
