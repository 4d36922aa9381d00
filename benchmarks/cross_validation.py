"""Evaluate the bundles of a cross-validation, each on the clips held out from it, as one.

    python -m benchmarks.folds clips.csv -o folds/
    edge-dnq train --data folds/fold0.csv -o m0.pt && edge-dnq export m0.pt -o b0/     # and so on
    python -m benchmarks.cross_validation folds/ b0/ b1/ b2/ b3/ b4/ -o cv.json --plot cv.png

The bundle of fold k meets the ``val`` split of ``folds/foldk.csv``; what every policy did on every
clip is then pooled over the folds and summarised once: accuracies and flicker with intervals, and
comparisons at equal milliseconds, as in ``edge-dnq eval --sweep``, by the same cost tables.
Intervals resample recordings (with ``--streams``: streams), not folds: that the models differ from
fold to fold is in them only as far as it shows in the clips.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from benchmarks.policies import machine, markdown
from edge_dnq.cli.front_tables import show_front
from edge_dnq.cli.options import composed, filler_option, rounds_option
from edge_dnq.cli.output import console
from edge_dnq.errors import DataError, EdgeDnqError
from edge_dnq.session import open_bundle
from edge_dnq.staging import staged_file
from edge_dnq.streams import Composition
from edge_dnq.sweep.front import front_of, sweep
from edge_dnq.sweep.outcomes import Outcomes, pool_outcomes, save_outcomes
from edge_dnq.sweep.plot import check_plot_path, write_plot


def evaluated(
    folds: Path, bundles: tuple[Path, ...], streams: Composition | None, frames: int | None
) -> Outcomes:
    """Return the outcomes of all folds, pooled.

    Args:
        folds: Folder with ``fold0.csv`` and so on, one per bundle.
        bundles: In order of the folds.
        streams: How to compose the held-out clips into untrimmed streams, or None.
        frames: Frames of a clip; None means as in training.

    Raises:
        DataError: a listing or its clips are missing, or there are not as many bundles.
    """
    listings = sorted(folds.glob("fold*.csv"))
    wanted = [folds / f"fold{place}.csv" for place in range(len(bundles))]
    if sorted(wanted) != listings:
        raise DataError(
            f"{folds} holds {len(listings)} listings, got {len(bundles)} bundles: "
            "give one per fold, in order"
        )
    parts = []
    for listing, bundle in zip(wanted, bundles, strict=True):
        told = _telling(f"{bundle} on {listing.name}")
        loaded = open_bundle(bundle)
        parts.append(
            sweep(loaded, listing, "val", streams=streams, frames=frames, progress=told)[1]
        )
    return pool_outcomes(parts)


def _telling(what: str) -> Callable[[int, int], None]:
    out = console(error=True)

    def told(done: int, total: int) -> None:
        if done == total:
            out.print(f"{what}: recorded {done} videos")

    return told


@click.command(help=__doc__)
@click.argument("folds", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("bundles", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--streams", is_flag=True, help="Compose the clips into untrimmed streams.")
@filler_option
@rounds_option
@click.option("--frames", type=click.IntRange(min=1), help="Frames per clip.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The pooled front, as JSON.")
@click.option("--outcomes", type=click.Path(path_type=Path), help="Pooled outcomes, .npz.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown tables.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the front: .png .svg .pdf")
def main(
    folds: Path,
    bundles: tuple[Path, ...],
    streams: bool,
    filler: float | None,
    rounds: int | None,
    frames: int | None,
    output: Path | None,
    outcomes: Path | None,
    as_markdown: bool,
    plot: Path | None,
) -> None:
    """Evaluate, pool, print, and write what was asked for."""
    try:
        if plot is not None:
            check_plot_path(plot)
        pooled = evaluated(folds, bundles, composed(streams, filler, rounds), frames)
        front = front_of(pooled)
        if outcomes is not None:
            save_outcomes(outcomes, pooled)
        if output is not None:
            with staged_file(output) as temporary:
                temporary.write_bytes(msgspec.json.encode(front) + b"\n")
        if plot is not None:
            write_plot(plot, front, f"{len(bundles)} folds")
    except EdgeDnqError as error:
        raise click.ClickException(str(error)) from error
    title = f"{len(bundles)} folds: {front.clips} clips of {front.groups} groups"
    if as_markdown:
        print(f"{machine()}, one thread; {title}, {front.frames} frames\n")
        print("\n".join(markdown(front)))
    else:
        show_front(front, title)


if __name__ == "__main__":
    main()
