"""``edge-dnq record``: what every program says about every frame, to train a policy on."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import (
    cache_dir_option,
    composed,
    filler_option,
    json_option,
    seed_option,
    threads_option,
)
from edge_dnq.cli.output import console, next_step, print_json
from edge_dnq.nn.config import PolicyConfig
from edge_dnq.session import open_bundle
from edge_dnq.train.data import open_dataset
from edge_dnq.train.recordings import Recording, record

CACHE_MARGIN = 16
"""Pixels that cached frames are larger than the network's, for augmented views."""


@click.command(name="record")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("data")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, .npz.",
)
@click.option("--split", default="val", show_default=True, help="Split of DATA to record.")
@click.option(
    "--frames", type=click.IntRange(min=1), help="Frames per clip.  [default: as in training]"
)
@click.option(
    "--views",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Views of every clip; all but the first are augmented.",
)
@click.option(
    "--streams",
    is_flag=True,
    help="Compose the clips into untrimmed streams, with other footage between.",
)
@filler_option
@click.option(
    "--policy-size",
    type=click.IntRange(min=16),
    default=PolicyConfig().input_size,
    show_default=True,
    help="Side of the policy's frames in pixels.",
)
@cache_dir_option
@threads_option
@seed_option
@json_option
def command(
    bundle: Path,
    data: str,
    output: Path,
    split: str,
    frames: int | None,
    views: int,
    streams: bool,
    filler: float | None,
    policy_size: int,
    cache_dir: Path | None,
    threads: int,
    seed: int,
    as_json: bool,
) -> None:
    """Run every program of BUNDLE on every frame of DATA and keep what they say.

    A policy is best trained on clips that recognition was not: train networks on parts of the data,
    record each on the part it has not seen, and give all files to `edge-dnq train --recording`.

    \b
    Example:
      edge-dnq record fold1/ fold1.csv --split val --views 3 -o fold1.npz
    """
    composition = composed(streams, filler)
    with quiet_native():
        loaded = open_bundle(bundle)
        size = loaded.manifest.input.height
        clips = open_dataset(
            data,
            split,
            clip_frames=frames or loaded.manifest.clip_frames,
            cache_size=size + CACHE_MARGIN if views > 1 else size,
            cache_dir=cache_dir,
            seed=seed,
        )
        with _bar(as_json) as progress:
            task = progress.add_task("sequences")
            made = record(
                loaded,
                clips,
                policy_size=policy_size,
                views=views,
                streams=composition,
                seed=seed,
                threads=threads,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        made.save(output)
    _tell(made, output, as_json)


def _bar(as_json: bool) -> Progress:
    shown = console(error=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=shown,
        disable=as_json or not shown.is_terminal,
    )


def _tell(made: Recording, output: Path, as_json: bool) -> None:
    frames, idle = len(made.owner), float((made.owner < 0).mean())
    if as_json:
        facts = {"output": str(output), "sequences": len(made.lengths), "frames": frames}
        print_json({**facts, "filler": idle, "bytes": output.stat().st_size})
        return
    console().print(
        f"wrote {output}: {len(made.lengths)} sequences of {frames} frames, "
        f"{idle:.0%} of them without an action"
    )
    next_step(f"edge-dnq train ... --stage policy --recording {output}")
