"""``edge-dnq-rpi``: recognise what a camera sees, unattended."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click
import msgspec

import edge_dnq
from edge_dnq.budget import BudgetPicker
from edge_dnq.cli.budget import hold_budget, wanted_budget
from edge_dnq.cli.main import QUIET_LIBRARIES
from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.output import human_bytes
from edge_dnq.errors import EdgeDnqError
from edge_dnq.policy import parse_policy
from edge_dnq.profiling.lookup import Lookup, find_costs
from edge_dnq.report.colors import action_styles
from edge_dnq.rpi.cameras import OpenCamera, camera_opener
from edge_dnq.rpi.capture import CameraHungError
from edge_dnq.rpi.clock import Clock
from edge_dnq.rpi.config import Config, check_config, read_config
from edge_dnq.rpi.events import Events, Sink, stdout_sink
from edge_dnq.rpi.footprint import installed_bytes
from edge_dnq.rpi.runner import HUNG, Runner
from edge_dnq.rpi.threads import best_threads, spare_cores
from edge_dnq.session import Session, open_bundle

FAILED = 1


@click.command(name="edge-dnq-rpi", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("bundle", required=False)
@click.argument("source", required=False)
@click.option("--config", "path", type=click.Path(path_type=Path), help="Configuration file: TOML.")
@click.option("--budget-ms", type=float, metavar="MS", help="Hold the mean time of a frame.")
@click.option("--serve", metavar="[HOST:]PORT", help="Show a live page.")
@click.option("--metrics", metavar="[HOST:]PORT", help="Serve numbers for Prometheus.")
@click.option("--mqtt", metavar="HOST[:PORT]", help="Publish events to an MQTT broker.")
@click.option("--loop", is_flag=True, help="Play a file again at its end.")
@click.option("--check", is_flag=True, help="Load everything but the camera, and stop.")
@click.option("--size", is_flag=True, help="Print what is installed and how large it is, and stop.")
@click.version_option(edge_dnq.__version__, prog_name="edge-dnq-rpi")
def command(
    bundle: str | None,
    source: str | None,
    path: Path | None,
    budget_ms: float | None,
    serve: str | None,
    metrics: str | None,
    mqtt: str | None,
    loop: bool,
    check: bool,
    size: bool,
) -> int:
    """Recognise what a camera sees, and go on doing it.

    What is given here replaces what the file says. SOURCE is auto, picamera[:N], camera:N, a URL
    or a video file. Events go to stdout, one JSON object a line.

    \b
    Examples:
      edge-dnq-rpi bundle/
      edge-dnq-rpi bundle/ rtsp://camera.local/stream --mqtt broker.local --serve 0.0.0.0:8000
      edge-dnq-rpi --config /etc/edge-dnq/rpi.toml --check
    """
    if size:
        return _print_size()
    config = Config() if path is None else read_config(path)
    config = with_options(
        config,
        recogniser={"bundle": bundle, "budget_ms": budget_ms},
        camera={"source": source, "loop": loop or None},
        page={"serve": serve, "metrics": metrics},
        mqtt=_broker(mqtt),
    )
    check_config(config, "options" if path is None else str(path))
    if not config.recogniser.bundle:
        raise EdgeDnqError("no bundle: give its folder, or --config with recogniser.bundle")
    clock = Clock()
    open_camera = camera_opener(config.camera, clock)
    with quiet_native():
        recognition = load(config)
    for note in recognition.notes:
        click.echo(f"note: {note}", err=True)
    if check:
        click.echo(f"ok: {config.recogniser.bundle}, {recognition.session.threads} threads")
        return 0
    return _run(config, recognition, open_camera, clock)


@dataclass(frozen=True)
class Recognition:
    """A session, the costs found for it, and what holds its budget."""

    session: Session
    costs: Lookup
    budget: BudgetPicker | None
    notes: list[str]


def load(config: Config) -> Recognition:
    """Load the bundle, with as many threads as pay on this device."""
    wanted = config.recogniser
    budget = wanted_budget(wanted.budget_ms, wanted.fps, wanted.cost)
    bundle = open_bundle(wanted.bundle, wanted.runtime, wanted.kernels)

    def make(threads: int) -> Session:
        return Session(
            bundle,
            runtime=wanted.runtime,
            threads=threads,
            policy=parse_policy(wanted.policy, bundle.manifest.actions),
            kernels=wanted.kernels,
        )

    session = make(wanted.threads or spare_cores())
    if not wanted.threads and (best := best_threads(session)) not in (None, session.threads):
        session = make(best)
    costs = find_costs(session)
    movable = config.page.serve is not None
    picker = hold_budget(session, costs, budget, wanted.deadline_ms, movable=movable)
    notes = [costs.note] if costs.costs is None else []
    return Recognition(session, costs, picker, notes)


def with_options(config: Config, **tables: dict[str, Any]) -> Config:
    """Return ``config`` with the values given on the command line in their tables."""
    changed = {
        name: msgspec.structs.replace(
            getattr(config, name),
            **{key: value for key, value in values.items() if value is not None},
        )
        for name, values in tables.items()
    }
    return msgspec.structs.replace(config, **changed)


def _print_size() -> int:
    sizes = installed_bytes()
    for name, count in sizes.items():
        click.echo(f"{name:28} {human_bytes(count):>9}")
    click.echo(f"{'together':28} {human_bytes(sum(sizes.values())):>9}")
    return 0


def _broker(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    host, colon, port = text.rpartition(":")
    if not colon:
        return {"host": text}
    if not port.isdecimal():
        raise EdgeDnqError(f"--mqtt {text}: expected HOST or HOST:PORT")
    return {"host": host, "port": int(port)}


def _run(config: Config, recognition: Recognition, open_camera: OpenCamera, clock: Clock) -> int:
    with ExitStack() as stack:
        events = Events(_sinks(config), clock)
        stack.callback(events.close)
        runner = Runner(recognition.session, open_camera, config, events, clock)
        _show(config, recognition, runner, stack)
        _stop_on_signals(runner)
        try:
            return runner.run()
        except CameraHungError as error:
            click.echo(f"error: {error}", err=True)
            return HUNG


def _sinks(config: Config) -> list[Sink]:
    sinks: list[Sink] = [stdout_sink()] if config.events.stdout else []
    if config.mqtt.host:
        from edge_dnq.rpi.mqtt import MqttSink

        sinks.append(MqttSink(config.mqtt))
    return sinks


def _show(config: Config, recognition: Recognition, runner: Runner, stack: ExitStack) -> None:
    """Serve the live page and the metrics, where they are asked for."""
    if config.page.serve is None and config.page.metrics is None:
        return
    from edge_dnq.serve.control import BudgetControl
    from edge_dnq.serve.feed import Feed
    from edge_dnq.serve.metrics import RunMetrics
    from edge_dnq.serve.spectators import Spectators, parse_wanted

    wanted = parse_wanted(config.page.serve, config.page.metrics)
    if wanted.print_metrics:
        raise EdgeDnqError("metrics go to [HOST:]PORT here: stdout is for the events")
    manifest, picker = recognition.session.bundle.manifest, recognition.budget
    styles = action_styles(manifest)

    def dropped() -> int:
        return runner.capture.dropped

    feed = Feed(
        styles,
        runner.tally,
        f"{manifest.name} on {config.camera.source}",
        dropped=dropped,
        control=BudgetControl(picker) if picker is not None else None,
    )
    numbers = RunMetrics(
        styles,
        dropped=dropped,
        cost_bias=lambda: picker.cost_bias if picker is not None else None,
        target=lambda: picker.budget.value if picker is not None and picker.budget else None,
    )
    spectators = stack.enter_context(Spectators(wanted, feed, numbers))
    runner.watch = spectators.add
    for address in wanted.open_to_others:
        click.echo(
            f"warning: {address.host} is open to other machines: whoever reaches it can watch",
            err=True,
        )
    for url in spectators.urls:
        click.echo(f"serving {url}", err=True)


def _stop_on_signals(runner: Runner) -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        runner.stop(signal.Signals(signum).name)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; failures are one line on stderr.

    Args:
        arguments: The words after ``edge-dnq-rpi``; None takes those of the process.
    """
    for name, value in QUIET_LIBRARIES.items():
        os.environ.setdefault(name, value)
    words = None if arguments is None else list(arguments)
    try:
        result = command.main(args=words, prog_name="edge-dnq-rpi", standalone_mode=False)
    except click.ClickException as error:
        return _fail(" ".join(error.format_message().split()), error.exit_code)
    except EdgeDnqError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", FAILED)
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}", err=True)
    return code


def process() -> None:
    """Run the command as a process of its own."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The usual way out would tear libraries down under threads that hang in a camera's driver.
    os._exit(code)


if __name__ == "__main__":
    process()
