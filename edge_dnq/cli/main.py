"""The command ``edge-dnq``: one verb per module, imported when it is used."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

import edge_dnq
from edge_dnq.errors import EdgeDnqError

VERBS: dict[str, tuple[str, str]] = {
    "train": ("edge_dnq.cli.train", "Learn the recognition network and its policy from video."),
    "record": ("edge_dnq.cli.record", "Keep what every program says, to train a policy on."),
    "export": ("edge_dnq.cli.export", "Turn a checkpoint into a checked bundle of programs."),
    "inspect": ("edge_dnq.cli.inspect", "Show what is inside a bundle or a checkpoint."),
    "verify": ("edge_dnq.cli.verify", "Prove that a bundle is whole and computes what it should."),
    "run": ("edge_dnq.cli.run", "Recognise a video, a folder of images or a camera."),
    "eval": ("edge_dnq.cli.eval", "Measure accuracy and cost on labelled clips."),
    "profile": ("edge_dnq.cli.profile", "Measure what the programs cost on this device."),
    "report": ("edge_dnq.cli.report", "Write one page about a bundle: layers, costs, clips."),
    "demo": ("edge_dnq.cli.demo", "Export, run and show the built-in model."),
    "env": ("edge_dnq.cli.env", "Show this machine, its runtimes, and what is missing."),
}
"""Verb -> module and help line. The line stands here so that ``--help`` imports no verb."""

INTERRUPTED = 130  # 128 + SIGINT
TERMINATED = 143  # 128 + SIGTERM
FAILED = 1

QUIET_LIBRARIES = {
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GLOG_minloglevel": "3",
    "ABSL_MIN_LOG_LEVEL": "3",
}
"""Native libraries read these once, when they are loaded; our own errors say what went wrong."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does: outputs are finished or removed."""


class _InterruptedError(Exception):
    """Carries an interruption past click, which would print an empty line for it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Verbs(click.Group):
    """A group whose commands are imported on first use."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Terminated as signal_:
            raise _InterruptedError(TERMINATED) from signal_
        except KeyboardInterrupt as signal_:
            raise _InterruptedError(INTERRUPTED) from signal_

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            close = difflib.get_close_matches(name, VERBS, 1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(VERBS)}"
            raise click.UsageError(f"no verb '{name}': {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(
    name="edge-dnq",
    cls=_Verbs,
    subcommand_metavar="VERB [OPTIONS]",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `edge-dnq demo`. Every verb has its own --help.",
)
@click.version_option(edge_dnq.__version__, prog_name="edge-dnq")
@click.pass_context
def group(context: click.Context) -> None:
    """Per-frame dynamic quantisation for video recognition on ARM and mobile CPUs."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; failures are one line on stderr.

    Args:
        arguments: The words after ``edge-dnq``; None takes those of the process.
    """
    for name, value in QUIET_LIBRARIES.items():
        os.environ.setdefault(name, value)
    try:
        with _termination_as_interrupt():
            code = _dispatch(arguments)
            sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        return FAILED
    return code


def _dispatch(arguments: Sequence[str] | None) -> int:
    try:
        words = None if arguments is None else list(arguments)
        result: Any = group.main(args=words, prog_name="edge-dnq", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "edge-dnq"
        return _fail(f"{_line(error.format_message())} (see `{path} --help`)", error.exit_code)
    except click.ClickException as error:
        return _fail(_line(error.format_message()), error.exit_code)
    except EdgeDnqError as error:
        return _fail(_line(str(error)), error.exit_code)
    except _InterruptedError as error:
        return _fail("interrupted: nothing half-written was left behind", error.code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(_os_error(error), FAILED)
    except MemoryError:
        return _fail("out of memory: use a smaller input or fewer frames", FAILED)
    return result if isinstance(result, int) else 0


def _os_error(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    advice = ": free some space or write elsewhere" if error.errno == errno.ENOSPC else ""
    return f"{where}{error.strerror or error}{advice}"


def _line(message: str) -> str:
    return " ".join(message.split())


def _fail(message: str, code: int) -> int:
    click.secho("error: ", fg="red", err=True, nl=False)
    click.echo(message, err=True)
    return code


def _silence_stdout() -> None:
    """Point stdout elsewhere, or Python would complain about the closed pipe when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    finally:
        os.close(nowhere)


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that staged outputs are finished or removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(signum: int, frame: FrameType | None) -> None:
        raise Terminated

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


if __name__ == "__main__":
    sys.exit(main())
