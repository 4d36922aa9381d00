"""``edge-dnq demo``: the whole way on a built-in model, in a minute."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import Bundle
from edge_dnq.cli.export import export, show
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.output import console, kernel_lines, next_step
from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.evaluation import PairedSessions, reference_policy, relative_bit_operations
from edge_dnq.playback import Tally, play
from edge_dnq.report.colors import action_styles
from edge_dnq.report.live import RunDisplay, action_table, prediction_text
from edge_dnq.report.timeline import TimelineRecorder, check_timeline_path, write_timeline
from edge_dnq.session import Session
from edge_dnq.video.overlay import OverlayWriter
from edge_dnq.video.sources import open_source

if TYPE_CHECKING:
    from edge_dnq.nn.model import VideoModel

CHECKPOINT = "demo.safetensors"
WARM_UP_FRAMES = 4
MEASURED_FRAMES = 300
PASSES = 10
"""Passes over the kept frames that the time is taken of, in turns with the reference."""

CLIP_SEED = 53
"""Seeds this small are never used for training clips."""


@click.command(name="demo")
@click.argument("video", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo_out"),
    show_default=True,
    help="Folder for the bundle, the videos and the picture.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many frames.")
def command(video: str | None, output: Path, limit: int | None) -> None:
    """Export the built-in model, run it on a clip, and show what was chosen and saved.

    Without VIDEO a clip is rendered. The built-in model knows the actions of rendered clips only;
    on another video the choices are real, the label is not.
    """
    bundle_path = output / "bundle"
    picture, overlay = output / "timeline.png", output / "overlay.mp4"
    check_timeline_path(picture)
    source = video if video is not None else str(render(output / "clip.mp4"))
    show(export(_built_in_model, bundle_path, name="demo", overwrite=True))
    play_and_show(Bundle.load(bundle_path), source, overlay, picture, limit)
    for path in (overlay, picture):
        click.echo(f"wrote {path}")
    next_step(f"edge-dnq inspect {bundle_path}")
    next_step(f"edge-dnq run {bundle_path} YOUR_VIDEO --overlay seen.mp4")
    next_step("edge-dnq train --data clips.csv --preset quick -o model.pt")


def render(path: Path) -> Path:
    """Write the demonstration's clip: idle, easy, hard, easy, empty."""
    from edge_dnq.synthetic import render_stream, write_clip

    return write_clip(path, render_stream(CLIP_SEED))


def _built_in_model() -> VideoModel:
    try:
        from edge_dnq.nn.checkpoint import load_checkpoint
    except ImportError as error:
        raise RuntimeMissingError(
            f"the demo exports a model, which needs torch: pip install 'edge-dnq[export,report]' "
            f"({error})"
        ) from error
    asset = files("edge_dnq") / "assets" / CHECKPOINT
    if not asset.is_file():
        raise EdgeDnqError(
            f"this installation has no {CHECKPOINT}: install edge-dnq again, or train a model with "
            "`edge-dnq train --data synthetic`"
        )
    with as_file(asset) as path:
        return load_checkpoint(path)


def play_and_show(
    bundle: Bundle, source: str, overlay: Path, picture: Path, limit: int | None
) -> PairedSessions:
    """Run the learned policy, draw the run, then measure it in turns with the reference.

    Returns:
        The two sessions and their times.
    """
    manifest = bundle.manifest
    styles = action_styles(manifest)
    tally, recorder = Tally(list(styles)), TimelineRecorder()
    measured: list[NDArray[np.uint8]] = []
    policy = "learned" if manifest.policy is not None else reference_policy(manifest)
    with quiet_native():
        session = Session(bundle, policy=policy)
        pair = PairedSessions(session, Session(bundle, policy=reference_policy(manifest)))
        with open_source(source, limit=WARM_UP_FRAMES) as frames:
            pair.warm_up(frame.image for frame in frames)
        session.reset()
        with (
            open_source(source, limit=limit) as frames,
            OverlayWriter(overlay, frames.fps, styles) as writer,
            RunDisplay(
                console(error=True), styles, f"{policy} on {source}", lines=False
            ) as display,
        ):
            for moment in play(session, frames):
                tally.add(moment)
                writer.add(moment)
                recorder.add(moment)
                display.show(moment, tally)
                if len(measured) < MEASURED_FRAMES:
                    measured.append(moment.frame.image)
            strip = display.strip(console().width)
            prediction = session.result(3)
        for _ in range(PASSES):
            pair.play(measured)
    write_timeline(picture, recorder, styles, Path(source).name)
    out = console()
    out.print(strip)
    out.print(prediction_text(prediction.top))
    out.print(action_table(tally, styles))
    for line in kernel_lines(session.kernels):
        click.echo(f"kernels: {line}")
    click.echo(_savings(pair, tally))
    return pair


def _savings(pair: PairedSessions, tally: Tally) -> str:
    manifest = pair.reference.bundle.manifest
    saved = 100 * (1 - pair.relative_cost)
    shares = {name: count / tally.frames for name, count in tally.actions.items()}
    operations = relative_bit_operations(manifest, shares)
    why = ""
    if any(use.isa is None for use in pair.session.kernels.values()):
        why = (
            "; the stock runtime runs 2 and 4 bits at the speed of 8, so only skipped frames save "
            "it time"
        )
    return (
        f"measured: {pair.session_ms / pair.frames:.3f} ms per frame, "
        f"{reference_policy(manifest)} {pair.reference_ms / pair.frames:.3f} ms on the same "
        "frames: " + (f"{saved:.0f} % saved" if saved >= 0 else f"{-saved:.0f} % more") + "\n"
        f"counted: {100 * (1 - operations):.0f} % of the bit operations saved{why}"
    )
