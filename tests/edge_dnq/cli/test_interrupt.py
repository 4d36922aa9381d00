"""Ctrl-C and SIGTERM sent to real processes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import cv2
import pytest

from edge_dnq.synthetic import render_clip
from tests.edge_dnq.cli.conftest import command


@pytest.fixture(scope="module")
def long_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More images than can be run through before the signal comes."""
    folder = tmp_path_factory.mktemp("long")
    content = cv2.imencode(".png", render_clip(0, frames=1, size=256).frames[0])[1].tobytes()
    first = folder / "0.png"
    first.write_bytes(content)
    for index in range(1, 20_000):
        os.link(first, folder / f"{index}.png")
    return folder


def signalled(words: list[str], sent: signal.Signals, ready: bytes) -> tuple[int, str]:
    """Start a process, send a signal once ``ready`` appears on its output.

    Returns:
        The exit code and what came on stderr after that.
    """
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    assert process.stdout is not None
    seen = b""
    while ready not in seen:
        chunk = os.read(process.stdout.fileno(), 65536)
        assert chunk, seen
        seen += chunk
    process.send_signal(sent)
    rest = seen[seen.index(ready) :] + process.stdout.read()
    return process.wait(timeout=60), rest.decode()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_a_run(
    bundle_folder: Path, long_folder: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    words = command("run", bundle_folder, long_folder, "--overlay", tmp_path / "seen.mp4")
    got, text = signalled(words, sent, b"frame     20")
    assert got == code
    assert text.splitlines()[-1] == "error: interrupted: nothing half-written was left behind"
    assert "Traceback" not in text
    assert list(tmp_path.iterdir()) == []


def test_interrupting_an_export(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="the exporter is not installed")
    words = command("export", checkpoint, "-o", tmp_path / "bundle")
    got, text = signalled(words, signal.SIGINT, b"program w4a4")
    assert got == 130
    assert text.splitlines()[-1] == "error: interrupted: nothing half-written was left behind"
    assert "Traceback" not in text
    assert list(tmp_path.iterdir()) == []


def test_the_live_table_on_a_terminal(bundle_folder: Path, clip: Path) -> None:
    """A pseudo-terminal gets colours and marks, then the summary."""
    main_end, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        command("run", bundle_folder, clip, "--policy", "w8a8,skip"),
        stdout=terminal,
        stderr=terminal,
        stdin=terminal,
        env=environment,
    )
    os.close(terminal)
    seen = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            chunk = os.read(main_end, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(main_end)
    assert process.wait(timeout=30) == 0
    text = seen.decode()
    assert "\x1b[" in text
    assert "█" in text
    assert "20 frames, 0 dropped" in text
    assert "frame      0" not in text  # no line per frame on a terminal
