"""Divide a listing of clips into folds for cross-validation, by class and by recording.

    python -m benchmarks.folds clips.csv -o folds/ --folds 5

Clips of one recording are near twins, so no recording is in two folds; the folds' listings name the
recordings, so that intervals resample these. A listing that has a ``val`` split keeps it as fold 0:
the model of fold 0 is then the one that is trained on the listing itself.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import click
import numpy as np

from edge_dnq.train.listing import COLUMNS, RECORDING


def recording(path: str, label: str) -> str:
    """Return the recording that a clip is cut from: its file name up to the label (HMDB51)."""
    return Path(path).stem.split(f"_{label}_")[0]


def divide(rows: list[dict[str, str]], folds: int, seed: int) -> list[int]:
    """Return the fold of every row.

    Of each class, recordings go one by one, the largest first, to the fold that has the fewest
    clips of that class.

    Args:
        rows: ``path``, ``label`` and ``split`` of every clip.
        folds: How many.
        seed: Orders recordings of equal size.
    """
    rng = np.random.default_rng(seed)
    kept = any(row["split"] == "val" for row in rows)
    places: dict[str, int] = {}
    groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, row in enumerate(rows):
        name = recording(row["path"], row["label"])
        if kept and row["split"] == "val":
            places[name] = 0
        groups[row["label"]][name].append(index)
    result = [0] * len(rows)
    for recordings in groups.values():
        counts = np.zeros(folds, int)
        order = rng.permutation(sorted(recordings))
        for name in sorted(order, key=lambda name: -len(recordings[name])):
            first = 1 if kept else 0
            place = places.setdefault(name, first + int(np.argmin(counts[first:])))
            counts[place] += len(recordings[name])
            for index in recordings[name]:
                result[index] = place
    return result


@click.command(help=__doc__)
@click.argument("listing", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(listing: Path, output: Path, folds: int, seed: int) -> None:
    """Write ``fold0.csv`` .. into ``output``; paths in them are absolute."""
    with listing.open(newline="") as file:
        rows = list(csv.DictReader(file))
    places = divide(rows, folds, seed)
    output.mkdir(parents=True, exist_ok=True)
    for fold in range(folds):
        with (output / f"fold{fold}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow((*COLUMNS, RECORDING))
            for row, place in zip(rows, places, strict=True):
                path = (listing.parent / row["path"]).resolve()
                name = recording(row["path"], row["label"])
                writer.writerow((path, row["label"], "val" if place == fold else "train", name))
        print(f"fold {fold}: {places.count(fold)} of {len(rows)} clips held out")


if __name__ == "__main__":
    main()
