"""``edge-dnq run``: recognise a video, a folder of images or a camera."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from edge_dnq.budget import BudgetPicker
from edge_dnq.cli.budget import budget_options, hold_budget, wanted_budget
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import (
    json_option,
    kernels_option,
    policy_option,
    runtime_option,
    seed_option,
    threads_option,
)
from edge_dnq.cli.output import console, kernel_lines, next_step, print_json
from edge_dnq.errors import EdgeDnqError
from edge_dnq.playback import FrameRecord, Moment, Tally, in_real_time, play, record
from edge_dnq.policy import parse_policy
from edge_dnq.profiling.lookup import Lookup, find_costs
from edge_dnq.profiling.table import reference_program, relative_cost
from edge_dnq.report.colors import ActionStyle, action_styles
from edge_dnq.report.live import RunDisplay, action_table, prediction_text
from edge_dnq.report.timeline import TimelineRecorder, check_timeline_path, write_timeline
from edge_dnq.serve.control import BudgetControl
from edge_dnq.serve.feed import Feed
from edge_dnq.serve.metrics import RunMetrics
from edge_dnq.serve.spectators import Spectators, Wanted, parse_wanted
from edge_dnq.session import Session, open_bundle
from edge_dnq.video.camera import LiveSource
from edge_dnq.video.frame import Frame
from edge_dnq.video.overlay import OverlayWriter
from edge_dnq.video.sources import FrameSource, open_source


@click.command(name="run")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("source")
@policy_option
@budget_options
@click.option("--rate", type=float, metavar="FPS", help="Take at most so many frames per second.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many frames.")
@runtime_option
@threads_option
@kernels_option
@seed_option
@click.option(
    "--overlay", type=click.Path(path_type=Path), help="Write the video with the run drawn in: .mp4"
)
@click.option(
    "--timeline", type=click.Path(path_type=Path), help="Write a picture of the run: .png .svg .pdf"
)
@click.option(
    "--serve",
    metavar="[HOST:]PORT",
    help="Show a live page; files then play in real time.  [host: this machine only]",
)
@click.option(
    "--metrics",
    metavar="[HOST:]PORT|-",
    help="Serve numbers for Prometheus, or print them at the end (-).",
)
@json_option
def command(
    bundle: Path,
    source: str,
    policy: str,
    budget_ms: float | None,
    fps: float | None,
    cost: float | None,
    deadline_ms: float | None,
    window: int | None,
    rate: float | None,
    limit: int | None,
    runtime: str,
    threads: int,
    kernels: str,
    seed: int,
    overlay: Path | None,
    timeline: Path | None,
    serve: str | None,
    metrics: str | None,
    as_json: bool,
) -> None:
    """Recognise SOURCE: a video file, a folder of images, a stream URL, or camera:N.

    Per frame the policy chooses a precision or skips the frame. With a budget it chooses cheaper
    ones as far as the budget needs it. Ctrl-C ends a camera, and the summary and files are still
    made.

    \b
    Examples:
      edge-dnq run bundle/ clip.mp4 --overlay seen.mp4 --timeline seen.png
      edge-dnq run bundle/ camera:0 --rate 10 --serve 8000 --metrics 8000
      edge-dnq run bundle/ camera:0 --fps 25
      edge-dnq run bundle/ clip.mp4 --budget-ms 20 --deadline-ms 40
      edge-dnq run bundle/ frames/ --policy uniform:w2a2 --json
    """
    if timeline is not None:
        check_timeline_path(timeline)
    wanted = parse_wanted(serve, metrics)
    if as_json and wanted.print_metrics:
        raise EdgeDnqError("--json and --metrics - would both print on stdout: choose one")
    budget = wanted_budget(budget_ms, fps, cost)
    loaded = open_bundle(bundle, runtime, kernels)
    picker = parse_policy(policy, loaded.manifest.actions, seed)
    with quiet_native():
        session = Session(loaded, runtime=runtime, threads=threads, policy=picker, kernels=kernels)
        with open_source(source, rate=rate, limit=limit) as frames:
            title = f"{loaded.manifest.name} on {source}, policy {policy}, {session.runtime_name}"
            run = _Run(session, frames, title, wanted, keep_records=as_json)
            served = wanted.page is not None
            run.budget = hold_budget(
                session,
                run.costs,
                budget,
                deadline_ms,
                window,
                paced=run.paced,
                movable=served,
            )
            run.go(overlay, timeline, show=not as_json)
            dropped = frames.dropped
    if run.costs.costs is None:
        click.echo(f"note: {run.costs.note}", err=True)
    if as_json:
        print_json(run.facts(dropped))
    else:
        run.show(dropped, overlay, timeline, policy)
    if run.metrics is not None:
        click.echo(run.metrics.text(), nl=False)


class _Run:
    """One run and what is kept of it."""

    def __init__(
        self,
        session: Session,
        source: FrameSource,
        title: str,
        wanted: Wanted,
        *,
        keep_records: bool,
    ) -> None:
        self.session = session
        self.source = source
        self.title = title
        self.wanted = wanted
        self.costs: Lookup = find_costs(session)
        self.budget: BudgetPicker | None = None
        self.styles: dict[str, ActionStyle] = action_styles(session.bundle.manifest)
        self.tally = Tally(list(self.styles))
        self.metrics: RunMetrics | None = None
        self.records: list[FrameRecord] | None = [] if keep_records else None

    def go(self, overlay: Path | None, timeline: Path | None, *, show: bool) -> None:
        """Play the source to its end, or until Ctrl-C where it has none."""
        recorder = TimelineRecorder() if timeline is not None else None
        with ExitStack() as stack:
            display = None
            spectators = self._spectators(stack) if self.wanted else None
            if show:
                display = stack.enter_context(RunDisplay(console(), self.styles, self.title))
            writer = None
            if overlay is not None:
                writer = stack.enter_context(OverlayWriter(overlay, self.source.fps, self.styles))
            try:
                for moment in play(self.session, self._frames(), paced=self.paced):
                    self._take(moment)
                    if spectators is not None:
                        spectators.add(moment)
                    if display is not None:
                        display.show(moment, self.tally)
                    if writer is not None:
                        writer.add(moment)
                    if recorder is not None:
                        recorder.add(moment)
            except KeyboardInterrupt:
                # A camera has no end of its own; anything else was cut short.
                if not isinstance(self.source, LiveSource) or self.tally.frames == 0:
                    raise
        if timeline is not None and recorder is not None:
            write_timeline(timeline, recorder, self.styles, Path(self.source.name).name)

    @property
    def paced(self) -> bool:
        """Whether frames come at their own speed: live, or of a file that is watched."""
        return self.wanted.page is not None or isinstance(self.source, LiveSource)

    def _frames(self) -> Iterable[Frame]:
        if self.paced and not isinstance(self.source, LiveSource):
            return in_real_time(self.source)
        return self.source

    def _spectators(self, stack: ExitStack) -> Spectators:
        """Begin to serve what was asked for, and say where."""
        picker = self.budget
        feed = Feed(
            self.styles,
            self.tally,
            self.title,
            relative_cost=self.relative_cost,
            dropped=lambda: self.source.dropped,
            control=BudgetControl(picker) if picker is not None else None,
        )
        numbers = RunMetrics(
            self.styles,
            dropped=lambda: self.source.dropped,
            cost_bias=lambda: picker.cost_bias if picker is not None else None,
            target=lambda: picker.budget.value if picker is not None and picker.budget else None,
        )
        if self.wanted.print_metrics:
            self.metrics = numbers
        spectators = stack.enter_context(Spectators(self.wanted, feed, numbers))
        for address in self.wanted.open_to_others:
            click.echo(
                f"warning: {address.host} is open to other machines: whoever reaches it can watch",
                err=True,
            )
        for url in spectators.urls:
            click.echo(f"serving {url}", err=True)
        return spectators

    def _take(self, moment: Moment) -> None:
        self.tally.add(moment)
        if self.records is not None:
            self.records.append(record(moment))

    def relative_cost(self) -> float | None:
        """Return the mean cost by the cost table, relative to 8 bit; None without a table."""
        if self.costs.costs is None:
            return None
        manifest, policy = self.session.bundle.manifest, self.session.picker.needs_policy
        return relative_cost(manifest, self.costs.costs, self.tally.shares(), policy=policy)

    def budget_facts(self) -> dict[str, Any] | None:
        """Return what was to be held and what the last window had; None where nothing was."""
        if self.budget is None:
            return None
        target, held = self.budget.budget, self.budget.held
        return {
            "unit": None if target is None else target.unit,
            "target": None if target is None else target.value,
            "held": None if held is None else held.value,
            "deadline_ms": self.budget.deadline_ms,
            "lambda": self.budget.cost_bias,
        }

    def facts(self, dropped: int) -> dict[str, Any]:
        """Return the run as plain JSON values."""
        prediction = self.session.result(5)
        return {
            "frames": [
                {
                    "index": entry.index,
                    "time_s": entry.time_s,
                    "action": entry.action,
                    "latency_ms": entry.latency_ms,
                    "top1": entry.top1,
                }
                for entry in self.records or ()
            ],
            "actions": self.tally.actions,
            "result": {
                "label": prediction.label,
                "score": prediction.score,
                "top5": [{"label": label, "score": score} for label, score in prediction.top],
            },
            "latency_ms": self.tally.latency_ms(),
            "budget": self.budget_facts(),
            "relative_cost": self.relative_cost(),
            "cost_table": None if self.costs.costs is None else str(self.costs.path),
            "dropped": dropped,
            "runtime": self.session.runtime_name,
            "kernels": self.session.kernels,
        }

    def show(self, dropped: int, overlay: Path | None, timeline: Path | None, policy: str) -> None:
        """Print the summary and the next step."""
        out = console()
        out.print(prediction_text(self.session.result(5).top))
        out.print(action_table(self.tally, self.styles))
        latency = self.tally.latency_ms()
        click.echo(
            f"{self.tally.frames} frames, {dropped} dropped; ms per frame: "
            f"mean {latency['mean']:.2f}, median {latency['p50']:.2f}, p95 {latency['p95']:.2f}"
        )
        cost = self.relative_cost()
        if cost is not None:
            reference = reference_program(self.session.bundle.manifest)
            click.echo(f"cost: {cost:.2f} of {reference}, {self.costs.note}")
        if self.budget is not None and self.budget.budget is not None:
            counted = min(self.tally.frames, self.budget.window)
            click.echo(
                f"budget: {self.budget.budget}; the last {counted} frames had {self.budget.held}; "
                f"lambda {self.budget.cost_bias:.2f}"
            )
        for line in kernel_lines(self.session.kernels):
            click.echo(f"kernels: {line}")
        for path in (overlay, timeline):
            if path is not None:
                click.echo(f"wrote {path}")
        bundle = self.session.bundle.path
        if overlay is None:
            next_step(f"edge-dnq run {bundle} {self.source.name} --overlay seen.mp4")
        else:
            next_step(f"edge-dnq eval {bundle} CLIPS_CSV --policy {policy}")
