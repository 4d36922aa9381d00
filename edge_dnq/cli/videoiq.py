"""What ``export`` and ``inspect`` do with checkpoints of the original VideoIQ code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.output import (
    console,
    human_bytes,
    next_step,
    stock_difference_lines,
    table,
)
from edge_dnq.errors import EdgeDnqError, RuntimeMissingError

if TYPE_CHECKING:
    from edge_dnq.nn.videoiq.model import ImportedModel
    from edge_dnq_export.targets import RuntimeChoice
    from edge_dnq_export.videoiq.pipeline import ImportReport

TORCH = "pip install 'edge-dnq[train]'"
INSTALL = "pip install 'edge-dnq[export]'"
CHECK_FRAMES = 8


@dataclass(frozen=True)
class ImportSettings:
    """The options that only such checkpoints take, as they were given.

    Attributes:
        skip_lengths: ``1,2,4``: frames of each skip action.
        bits: ``32,4,2``: order of the precisions.
        labels: File with one class name a line.
        clip_frames: Frames per clip in training.
        top: ``float32`` or ``int8``: what a 32-bit program becomes.
        calibrate: Video or folder of videos.
        sum_limit: See ``edge_dnq_export.videoiq.lowering.SUM_LIMIT``.
    """

    skip_lengths: str | None = None
    bits: str | None = None
    labels: Path | None = None
    clip_frames: int | None = None
    top: str | None = None
    calibrate: Path | None = None
    sum_limit: float | None = None

    def given(self) -> list[str]:
        """Return the names of the options that were given."""
        return [
            f"--{name.replace('_', '-')}"
            for name, value in asdict(self).items()
            if value is not None
        ]


OWN = "With a VideoIQ checkpoint: "


def recognition_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a checkpoint may leave open."""
    skips = click.option("--skip-lengths", metavar="N,N,...", help=f"{OWN}frames of each skip.")
    bits = click.option("--bits", metavar="B,B,...", help=f"{OWN}precisions in the policy's order.")
    return skips(bits(function))


def import_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of :class:`ImportSettings` to a command."""
    for option in reversed(
        (
            recognition_options,
            click.option(
                "--labels", type=click.Path(path_type=Path), help=f"{OWN}one class name a line."
            ),
            click.option(
                "--clip-frames", type=click.IntRange(1, 4096), help=f"{OWN}frames per clip: 16."
            ),
            click.option(
                "--top",
                type=click.Choice(["float32", "int8"]),
                help=f"{OWN}what its 32-bit program becomes: float32.",
            ),
            click.option(
                "--calibrate",
                type=click.Path(path_type=Path),
                help=f"{OWN}video, or folder of videos, that shows the ranges of activations.",
            ),
            click.option(
                "--sum-limit",
                type=click.FloatRange(min=0),
                help=f"{OWN}share of a constant that low-bit weights may leave out: 0.3.",
            ),
        )
    ):
        function = option(function)
    return function


def is_import(path: Path) -> bool:
    """Tell whether ``path`` is a torch file that ``edge-dnq train`` did not write.

    Raises:
        RuntimeMissingError: torch is not installed.
    """
    try:
        from edge_dnq.nn.videoiq.archive import is_foreign
    except ImportError as error:
        raise RuntimeMissingError(f"reading a checkpoint needs torch: {TORCH} ({error})") from error
    return is_foreign(path)


def load(path: Path, settings: ImportSettings, input_size: int | None = None) -> ImportedModel:
    """Recognise a checkpoint with the options as they were given.

    Raises:
        CheckpointError: it is not one, or something has to be said by an option.
        EdgeDnqError: an option cannot be read.
    """
    from edge_dnq.nn.videoiq.model import ImportOptions, load_videoiq

    labels = None
    if settings.labels is not None:
        labels = _lines(settings.labels)
    defaults = ImportOptions()
    return load_videoiq(
        path,
        ImportOptions(
            input_size=input_size or defaults.input_size,
            clip_frames=settings.clip_frames or defaults.clip_frames,
            skip_lengths=_numbers("--skip-lengths", settings.skip_lengths),
            bits=_numbers("--bits", settings.bits),
            labels=labels,
        ),
    )


def export(
    checkpoint: Path,
    output: Path,
    settings: ImportSettings,
    *,
    name: str,
    runtime: RuntimeChoice,
    input_size: int | None,
    frames: Path | None,
    overwrite: bool,
) -> ImportReport:
    """Import a checkpoint and export it, telling on stderr what is being done.

    Raises:
        RuntimeMissingError: torch or the converter is not installed.
        EdgeDnqError: the checkpoint, an option or a video cannot be used, or the result written.
    """
    if output.exists() and not overwrite:
        raise EdgeDnqError(f"{output} already exists: choose another output or pass --overwrite")
    from edge_dnq.video.sampling import sample_clip

    golden = None if frames is None else sample_clip(frames, CHECK_FRAMES)
    status = console(error=True)
    with quiet_native(), status.status("loading torch") as spinner:

        def progress(step: str) -> None:
            spinner.update(f"exporting: {step}")
            if not status.is_terminal:
                status.print(f"exporting: {step}", markup=False)

        try:
            from edge_dnq_export.videoiq.calibration import calibration_frames
            from edge_dnq_export.videoiq.lowering import SUM_LIMIT
            from edge_dnq_export.videoiq.pipeline import export_imported
        except ImportError as error:
            raise RuntimeMissingError(
                f"export needs torch and litert-torch: {INSTALL} ({error})"
            ) from error
        progress("model")
        model = load(checkpoint, settings, input_size)
        shown = None
        if settings.calibrate is not None:
            shown = calibration_frames(settings.calibrate, model.options.input_size)
        return export_imported(
            model,
            output,
            name=name,
            runtime=runtime,
            golden_frames=golden,
            calibration=shown,
            integer_top=settings.top == "int8",
            sum_limit=SUM_LIMIT if settings.sum_limit is None else settings.sum_limit,
            overwrite=overwrite,
            progress=progress,
        )


def report_facts(report: ImportReport) -> dict[str, Any]:
    """Return what was written and checked, as plain JSON values."""
    return {
        "bundle": str(report.path),
        "calibrated": report.calibrated,
        "programs": {entry.name: asdict(entry) for entry in report.programs},
        "policy": asdict(report.policy) if report.policy is not None else None,
        "seconds": report.seconds,
    }


def show_report(report: ImportReport) -> None:
    """Print what was written and checked."""
    numbers = ("MMACs", "size", "levels", "to float", "same top-1", "corrected", "seconds")
    programs = table(f"bundle {report.path}", "program", *numbers, right=numbers)
    for entry in report.programs:
        corrected = sum(layer.corrected for layer in entry.layers)
        programs.add_row(
            entry.name,
            f"{entry.macs / 1e6:.1f}",
            human_bytes(sum(entry.files.values())),
            "float" if entry.levels is None else str(entry.levels),
            f"{entry.float_difference:.2g}",
            f"{entry.top1_agreement:.0%}",
            f"{corrected} of {len(entry.layers)}" if entry.layers else "",
            f"{entry.seconds:.1f}",
        )
    console().print(programs)
    click.echo(
        "to float: root mean square of the difference to the checkpoint's float arithmetic, in "
        "deviations of its logits; corrected: layers whose weights became 8-bit, because a "
        "constant beside their few odd integers matters"
    )
    if not report.calibrated:
        click.echo(
            "ranges without a clip value come from the checked frames: pass --calibrate CLIPS to "
            "take them from videos like those of the device"
        )
    for line in stock_difference_lines({e.name: e.stock_differences for e in report.programs}):
        click.echo(line)
    policy = ""
    if report.policy is not None:
        policy = f"; the policy differs from torch by {report.policy.difference:.1g} at most"
    click.echo(
        f"wrote {report.path} in {report.seconds:.0f} s: every integer equals the reference{policy}"
    )


def checkpoint_facts(model: ImportedModel) -> dict[str, Any]:
    """Return what was recognised, as plain JSON values."""
    layout, options = model.layout, model.options
    return {
        "kind": "videoiq",
        "family": layout.family,
        "architecture": f"resnet{layout.depth}",
        "stem_channels": layout.width,
        "precisions": list(layout.program_bits),
        "parent_bits": layout.parent_bits,
        "teacher": layout.teacher,
        "classes": layout.classes,
        "actions": list(model.actions),
        "policy": None
        if layout.actions is None
        else {
            "network": "MobileNetV2",
            "features": layout.features,
            "hidden": layout.hidden,
            "actions": layout.actions,
            "input_size": options.policy_size,
        },
        "assumed": {"input_size": options.input_size, "clip_frames": options.clip_frames},
        "parameters": model.parameters(),
        "record": model.facts,
        "unused": list(model.unused),
        "bytes": model.path.stat().st_size,
    }


def show_checkpoint(model: ImportedModel) -> None:
    """Print what was recognised."""
    facts = checkpoint_facts(model)
    overview = table(f"VideoIQ checkpoint {model.path}", "what", "value")
    bits = ", ".join(map(str, facts["precisions"]))
    width = "" if facts["stem_channels"] == 64 else f", {facts['stem_channels']} stem channels"
    overview.add_row("network", f"{facts['architecture']}, {facts['family']}{width}")
    parent = facts["parent_bits"]
    overview.add_row("precisions", f"{bits} bit, weights truncated from {parent} bit")
    if facts["teacher"]:
        overview.add_row("teacher", "a full-precision backbone, which is no action")
    overview.add_row("classes", str(facts["classes"]))
    overview.add_row("actions", ", ".join(facts["actions"]))
    if facts["policy"] is not None:
        policy = facts["policy"]
        overview.add_row(
            "policy",
            f"{policy['network']} at {policy['input_size']} px, {policy['features']} features, "
            f"LSTM of {policy['hidden']}, {policy['actions']} actions",
        )
    for name, count in facts["parameters"].items():
        overview.add_row(f"{name} parameters", f"{count:,}")
    for key, value in facts["record"].items():
        overview.add_row(f"record: {key}", str(value))
    if facts["unused"]:
        shown = ", ".join(facts["unused"][:3]) + (", ..." if len(facts["unused"]) > 3 else "")
        overview.add_row("not used", f"{len(facts['unused'])} tensors: {shown}")
    overview.add_row("size", human_bytes(facts["bytes"]))
    console().print(overview)
    assumed = facts["assumed"]
    next_step(
        f"edge-dnq export {model.path} -o {model.path.name.split('.')[0]}-bundle/ "
        f"--input {assumed['input_size']}"
    )


def _numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise EdgeDnqError(f"{option} {text!r} must be whole numbers such as 1,2,4") from error


def _lines(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgeDnqError(f"{path} cannot be read as class names: {error}") from error
    return tuple(line.strip() for line in lines if line.strip())
