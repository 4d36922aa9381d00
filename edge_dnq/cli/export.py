"""``edge-dnq export``: a checkpoint becomes a checked bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_dnq.bundle import Bundle
from edge_dnq.cli import videoiq
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import json_option, seed_option
from edge_dnq.cli.output import (
    console,
    human_bytes,
    next_step,
    print_json,
    stock_difference_lines,
    table,
)
from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.nn.config import ARCHITECTURES
from edge_dnq.programs.tflite_file import read_program_facts
from edge_dnq.video.sampling import sample_clip

if TYPE_CHECKING:
    from edge_dnq.nn.model import VideoModel
    from edge_dnq_export.pipeline import ExportReport
    from edge_dnq_export.targets import RuntimeChoice

INSTALL = "pip install 'edge-dnq[export]'"
CHECK_FRAMES = 8


@click.command(name="export")
@click.argument("checkpoint", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the bundle."
)
@click.option(
    "--random",
    "architecture",
    type=click.Choice(ARCHITECTURES),
    help="Instead of a checkpoint: random but well-behaved weights, for timing a device.",
)
@click.option(
    "--input",
    "input_size",
    type=click.IntRange(32, 1024),
    help="With --random or a VideoIQ checkpoint: 224.",
)
@click.option("--classes", type=click.IntRange(min=2), help="With --random: 200.")
@click.option("--width", type=click.FloatRange(0, 4, min_open=True), help="With --random: 1.0.")
@seed_option
@click.option("--name", help="Name in the manifest.  [default: the folder's]")
@click.option(
    "--frames",
    type=click.Path(path_type=Path),
    help="Video whose frames the programs are checked on.  [default: a rendered clip]",
)
@click.option(
    "--runtime",
    type=click.Choice(("litert", "executorch", "both")),
    default="litert",
    show_default=True,
    help="Whose programs go into the bundle.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing bundle.")
@videoiq.import_options
@json_option
def command(
    checkpoint: Path | None,
    output: Path,
    architecture: str | None,
    input_size: int | None,
    classes: int | None,
    width: float | None,
    seed: int,
    name: str | None,
    frames: Path | None,
    runtime: RuntimeChoice,
    overwrite: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Turn a checkpoint into a bundle of programs, and run them before it is finished.

    Every program's integer outputs must equal the reference's bit for bit; otherwise nothing is
    written. Checkpoints of the original VideoIQ code (.pth.tar) are recognised.

    \b
    Examples:
      edge-dnq export model.pt -o bundle/
      edge-dnq export --random resnet18 --input 224 --classes 200 -o bundle/
      edge-dnq export model.pt --runtime both -o bundle/
      edge-dnq export theirs.pth.tar --input 224 --skip-lengths 1,2 -o bundle/
    """
    shape = {"input_size": input_size, "classes": classes, "width": width}
    given = {key: value for key, value in shape.items() if value is not None}
    if (checkpoint is None) == (architecture is None):
        raise click.UsageError("give either a CHECKPOINT or --random ARCHITECTURE")
    imports = videoiq.ImportSettings(**settings)
    if checkpoint is not None and videoiq.is_import(checkpoint):
        if classes is not None or width is not None:
            raise click.UsageError("--classes and --width belong to --random")
        _import(checkpoint, output, imports, input_size, name, runtime, frames, overwrite, as_json)
        return
    if imports.given():
        raise click.UsageError(f"{', '.join(imports.given())}: only for VideoIQ checkpoints")
    if checkpoint is not None and given:
        raise click.UsageError("--input, --classes and --width belong to --random")
    report = export(
        lambda: _model(checkpoint, architecture, given, seed),
        output,
        name=name or output.resolve().name,
        runtime=runtime,
        frames=frames,
        overwrite=overwrite,
    )
    if as_json:
        print_json(facts(report))
    else:
        show(report)
        next_step(f"edge-dnq verify {output}")


def _import(
    checkpoint: Path,
    output: Path,
    settings: videoiq.ImportSettings,
    input_size: int | None,
    name: str | None,
    runtime: RuntimeChoice,
    frames: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    report = videoiq.export(
        checkpoint,
        output,
        settings,
        name=name or output.resolve().name,
        runtime=runtime,
        input_size=input_size,
        frames=frames,
        overwrite=overwrite,
    )
    if as_json:
        print_json(videoiq.report_facts(report))
    else:
        videoiq.show_report(report)
        next_step(f"edge-dnq verify {output}")


def _model(
    checkpoint: Path | None, architecture: str | None, shape: dict[str, Any], seed: int
) -> VideoModel:
    if checkpoint is not None:
        from edge_dnq.nn.checkpoint import load_checkpoint

        return load_checkpoint(checkpoint)
    from edge_dnq_export.random_model import random_model

    assert architecture is not None
    return random_model(architecture, seed=seed, **shape)  # type: ignore[arg-type]


def export(
    make_model: Callable[[], VideoModel],
    output: Path,
    *,
    name: str,
    runtime: RuntimeChoice = "litert",
    frames: Path | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Make a model and export it, telling on stderr what is being done.

    Args:
        make_model: Called once it is known that ``output`` may be written.
        output: Folder of the bundle.
        name: Name in the manifest.
        runtime: Whose programs go into the bundle.
        frames: Video to check the programs on.
        overwrite: Replace an existing bundle.

    Raises:
        RuntimeMissingError: torch or the converter is not installed.
        EdgeDnqError: the model cannot be made, does not export exactly, or cannot be written.
    """
    if output.exists() and not overwrite:
        raise EdgeDnqError(f"{output} already exists: choose another output or pass --overwrite")
    golden = None if frames is None else sample_clip(frames, CHECK_FRAMES)
    status = console(error=True)
    with quiet_native(), status.status("loading torch") as spinner:

        def progress(step: str) -> None:
            spinner.update(f"exporting: {step}")
            if not status.is_terminal:
                status.print(f"exporting: {step}", markup=False)

        try:
            from edge_dnq_export.pipeline import export_bundle

            progress("model")
            model = make_model()
        except ImportError as error:
            raise RuntimeMissingError(
                f"export needs torch and litert-torch: {INSTALL} ({error})"
            ) from error
        return export_bundle(
            model,
            output,
            name=name,
            runtime=runtime,
            golden_frames=golden,
            overwrite=overwrite,
            progress=progress,
        )


def facts(report: ExportReport) -> dict[str, Any]:
    """Return what was written and checked, as plain JSON values."""
    bundle = Bundle.load(report.path)
    programs = {}
    for entry in report.programs:
        files = bundle.program(entry.name).files
        ops = entry.ops
        if "litert" in files:
            ops = read_program_facts(bundle.read(files["litert"])).ops
        programs[entry.name] = {
            "ops": ops,
            "macs": entry.macs,
            "bytes": sum(entry.files.values()),
            "files": entry.files,
            "levels": entry.levels,
            "outputs_equal": entry.outputs,
            "stock_differences": entry.stock_differences,
            "torch_rounding": entry.rounding,
            "seconds": entry.seconds,
        }
    return {
        "bundle": str(report.path),
        "programs": programs,
        "policy": asdict(report.policy) if report.policy is not None else None,
        "seconds": report.seconds,
    }


def show(report: ExportReport) -> None:
    """Print what was written and checked."""
    numbers = ("ops", "MMACs", "size", "levels", "outputs equal", "torch ties", "seconds")
    programs = table(f"bundle {report.path}", "program", *numbers, right=numbers)
    for name, entry in facts(report)["programs"].items():
        programs.add_row(
            name,
            str(sum(entry["ops"].values())),
            f"{entry['macs'] / 1e6:.1f}",
            human_bytes(entry["bytes"]),
            str(entry["levels"]),
            f"{entry['outputs_equal']} of {entry['outputs_equal']}",
            str(sum(entry["torch_rounding"].values())),
            f"{entry['seconds']:.1f}",
        )
    console().print(programs)
    policy = ""
    if report.policy is not None:
        policy = (
            f"; the policy's memory differs from torch by {report.policy.difference:.1g} at most"
        )
    for line in stock_difference_lines({e.name: e.stock_differences for e in report.programs}):
        click.echo(line)
    click.echo(
        f"wrote {report.path} in {report.seconds:.0f} s: every integer equals the reference{policy}"
    )
