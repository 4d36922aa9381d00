"""A training run: its stages one after another, or one of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import edge_dnq
from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.checkpoint import SUFFIXES, save_checkpoint
from edge_dnq.nn.model import VideoModel
from edge_dnq.train import any_precision, full_precision, policy, policy_pretraining
from edge_dnq.train.config import RECIPE_STAGES, TrainConfig, action_costs
from edge_dnq.train.data import ClipSet, open_dataset
from edge_dnq.train.distributed import Compute, computing
from edge_dnq.train.loop import STAGES, Run, hold_out, subset
from edge_dnq.train.metrics import MetricsLog, draw_curves
from edge_dnq.train.recordings import Recording, require_fit
from edge_dnq.train.run_directory import RunDirectory


@dataclass(frozen=True)
class Task:
    """What the user asked for.

    Attributes:
        config: How to train.
        data: ``synthetic[:N]``, a ``clips.csv`` or a folder of class folders.
        output: The checkpoint to write, ``.pt`` or ``.safetensors``.
        run_dir: Where states and logs are kept.
        stage: ``all``, ``full-precision``, ``any-precision`` or ``policy``.
        resume: Go on in a run directory that exists.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        cache_dir: Where decoded frames are kept; None for the user's cache folder.
        initial: ImageNet weights that the full-precision stage starts from; None for random ones.
        half: Store weights as float16.
        recordings: Files that the policy's decisions are trained on, instead of held-out clips.
    """

    config: TrainConfig
    data: str
    output: Path
    run_dir: Path
    stage: str = "all"
    resume: bool = False
    device: str = "auto"
    cache_dir: Path | None = None
    initial: Path | None = None
    recordings: tuple[Path, ...] = ()
    half: bool = False


RECIPES: dict[str, Callable[[Run], None]] = dict(
    zip(RECIPE_STAGES, (full_precision.train, any_precision.train, policy.train), strict=True)
)
"""How each stage that may be trained alone is trained."""


def train(task: Task, console: Console | None = None) -> dict[str, Any]:
    """Run the stages of ``task`` that are not finished yet and write the checkpoint.

    Under ``torchrun`` every process calls this; only the first one writes files.

    Returns:
        ``checkpoint``, ``run_dir``, ``curves``, ``seconds``, and the latest metrics per stage.

    Raises:
        EdgeDnqError: bad data, settings or directories, or the loss diverged.
    """
    began = time.monotonic()
    _check(task)
    with computing(task.device) as compute:
        everything, validation = _open_clips(task, compute)
        recognition, held_out = _divide(everything, task.config)
        directory = RunDirectory(task.run_dir)
        if compute.is_main:
            directory.open(task.config, task.data, everything.labels, task.resume)
            draw_curves([], directory.curves)  # a missing library shows now, not after hours
        compute.wait()
        run = Run(
            config=task.config,
            compute=compute,
            directory=directory,
            log=MetricsLog(directory.metrics),
            progress=_progress(console, compute),
            recognition=recognition,
            policy=held_out,
            everything=everything,
            validation=validation,
            initial=task.initial,
            recordings=_recordings(task, everything.labels),
        )
        with run.progress:
            last = _train_stages(task, run)
        if compute.is_main:
            save_checkpoint(task.output, _result(run, last), _record(task, run), half=task.half)
        compute.wait()
        return {
            "checkpoint": str(task.output),
            "run_dir": str(task.run_dir),
            "curves": str(directory.curves),
            "seconds": round(time.monotonic() - began, 1),
            "stages": _stage_metrics(run),
        }


def _check(task: Task) -> None:
    """Find mistakes before hours are spent.

    Raises:
        EdgeDnqError: a wrong suffix, costs that fit no action, or a stage without its predecessor.
    """
    if task.output.suffix not in SUFFIXES:
        raise EdgeDnqError(f"{task.output} must end in {' or '.join(SUFFIXES)}")
    config = task.config
    if config.cache_size < config.backbone.input_size:
        raise EdgeDnqError(
            f"cache_size={config.cache_size} is smaller than "
            f"backbone.input_size={config.backbone.input_size}: raise it"
        )
    model = config.model_config(("a", "b"), policy=True)
    action_costs(config.policy_training.costs, model, {p.name: 1 for p in config.backbone.programs})
    directory = RunDirectory(task.run_dir)
    for earlier in _earlier_stages(task.stage):
        wanted = _epochs(config, earlier)
        done = directory.epochs_done(earlier)
        if done < wanted:
            raise EdgeDnqError(
                f"--stage {task.stage} goes on from --stage {earlier}, of which {task.run_dir} "
                f"has {done} of {wanted} epochs: run that one first"
            )


def _recordings(task: Task, labels: tuple[str, ...]) -> tuple[Recording, ...]:
    """Read the recordings, before anything is trained that they might not fit.

    Raises:
        DataError: unreadable, or of another model.
    """
    found = tuple(Recording.load(path) for path in task.recordings)
    programs = tuple(program.name for program in task.config.backbone.programs)
    require_fit(found, labels, programs, task.config.policy.input_size)
    return found


def _earlier_stages(stage: str) -> tuple[str, ...]:
    """Return the stages that must be finished before ``stage`` alone is trained."""
    return () if stage == "all" else RECIPE_STAGES[: RECIPE_STAGES.index(stage)]


def _epochs(config: TrainConfig, stage: str) -> int:
    """Return the length of a stage."""
    return {
        full_precision.STAGE: config.full_precision.epochs,
        any_precision.STAGE: config.any_precision.epochs,
        policy_pretraining.STAGE: config.policy_training.pretraining_epochs,
        policy.STAGE: config.policy_training.epochs,
    }[stage]


def _open_clips(task: Task, compute: Compute) -> tuple[ClipSet, ClipSet]:
    """Open the training and the validation clips; the first process fills the cache."""
    if not compute.is_main:
        compute.wait()
    train_clips, validation = (
        open_dataset(
            task.data,
            split,
            clip_frames=task.config.clip_frames,
            cache_size=side,
            cache_dir=task.cache_dir,
            seed=task.config.seed,
        )
        # Validation sees the pixels of a device: shrunk once, straight to the network's input.
        for split, side in (
            ("train", task.config.cache_size),
            ("val", task.config.backbone.input_size),
        )
    )
    if compute.is_main:
        compute.wait()
    return train_clips, validation


def _progress(console: Console | None, compute: Compute) -> Progress:
    shown = console is not None and console.is_terminal and compute.is_main
    return Progress(
        TextColumn("{task.description:>20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        disable=not shown,
    )


def _divide(clips: ClipSet, config: TrainConfig) -> tuple[ClipSet, ClipSet]:
    """Return the clips for recognition and those for the policy."""
    recognition, policy_clips = hold_out(clips.targets, config.policy_holdout, config.seed)
    if len(policy_clips) == 0 or len(recognition) == 0:
        raise EdgeDnqError(
            f"policy_holdout={config.policy_holdout} of {len(clips)} training clips leaves a "
            "stage without clips: change it or bring more clips"
        )
    return subset(clips, recognition), subset(clips, policy_clips)


def _train_stages(task: Task, run: Run) -> str:
    """Train what ``task.stage`` asks for; return the name of the last stage."""
    names = list(RECIPES) if task.stage == "all" else [task.stage]
    for name in names:
        RECIPES[name](run)
        if run.compute.is_main:
            draw_curves(run.log.entries, run.directory.curves)
    return names[-1]


def _result(run: Run, stage: str) -> VideoModel:
    """Return the model as ``stage`` leaves it."""
    first, final = stage == full_precision.STAGE, stage == policy.STAGE
    config = run.config.model_config(run.labels, full_precision=first, policy=final)
    model = VideoModel(config)
    network = full_precision.load(run) if first else any_precision.load(run)
    model.backbone.load_state_dict(network.state_dict())
    if model.policy is not None:
        model.policy.load_state_dict(policy.load(run).state_dict())
    return model


def _stage_metrics(run: Run) -> dict[str, dict[str, float]]:
    latest = {stage: run.log.latest(stage) for stage in STAGES}
    return {stage: values for stage, values in latest.items() if values}


def _record(task: Task, run: Run) -> dict[str, Any]:
    """Return what the checkpoint tells about its making."""
    metrics = _stage_metrics(run)
    return {
        "edge_dnq": edge_dnq.__version__,
        "data": task.data if task.data.startswith("synthetic") else Path(task.data).name,
        "seed": task.config.seed,
        "initial": task.initial.name if task.initial is not None else None,
        "recordings": [path.name for path in task.recordings],
        "stages": {
            stage: {"epochs": run.directory.epochs_done(stage), "metrics": metrics[stage]}
            for stage in metrics
        },
        "config": msgspec.to_builtins(task.config),
    }
