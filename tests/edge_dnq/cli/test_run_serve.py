"""``run --serve`` and ``run --metrics`` as real processes."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_dnq.serve.address import Address, listen
from edge_dnq.synthetic import render_clip, write_clip
from tests.edge_dnq.cli.conftest import CLIP_FRAMES, Cli, command

pytest.importorskip("uvicorn")

SERVING = re.compile(r"serving http://127\.0\.0\.1:(\d+)/(\S*)\n")


@pytest.fixture(scope="module")
def slow_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that plays for a minute, in real time."""
    path = tmp_path_factory.mktemp("slow") / "clip.mp4"
    return write_clip(path, render_clip(1, frames=60, size=64), fps=1.0)


@contextmanager
def serving(*words: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a process; yield it and its port once it serves."""
    process = subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        said = ""
        while not (found := SERVING.search(said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()


def fetch(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 200, body
    return body


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_leaves_nothing_behind(
    bundle_folder: Path, slow_clip: Path, sent: signal.Signals, code: int
) -> None:
    with serving("run", bundle_folder, slow_clip, "--serve", 0) as (process, port):
        watching = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        watching.request("GET", "/video")
        answer = watching.getresponse()
        assert answer.read(20) == b"--frame\r\nContent-Typ"
        assert '"ended":false' in fetch(port, "/status")
        process.send_signal(sent)
        rest = answer.read()
        _, said = process.communicate(timeout=60)
        watching.close()
    assert rest.endswith(b"--frame\r\n")
    assert process.returncode == code
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("error: interrupted")
    taken, _ = listen(Address("127.0.0.1", port))
    taken.close()


def test_the_end_of_the_source_ends_the_page(bundle_folder: Path, clip: Path) -> None:
    words = ("run", bundle_folder, clip, "--serve", 0, "--limit", 8, "--json")
    with serving(*words) as (process, port):
        stream = fetch(port, "/events")
        out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert '"ended":true' in stream.splitlines()[-2]
    assert out.startswith("{")


def test_metrics_alone(bundle_folder: Path, slow_clip: Path) -> None:
    # A folder of images has no time of its own, a file is only held up by a page.
    with serving("run", bundle_folder, slow_clip, "--serve", 0, "--metrics", 0) as (_, port):
        assert "edge_dnq_frames_total" in fetch(port, "/metrics")


def test_metrics_are_printed_at_the_end(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    done = cli("run", bundle_folder, clip, "--metrics", "-")
    assert done.code == 0, done.err
    counts = re.findall(r'^edge_dnq_frames_total\{action="(\w+)"\} (\d+)\.0$', done.out, re.M)
    assert sum(int(count) for _, count in counts) == CLIP_FRAMES
    assert {name for name, _ in counts} == {"w8a8", "w4a4", "w2a2r32", "skip", "skip4"}


def test_mistakes_are_one_line(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    held, address = listen(Address("127.0.0.1", 0))
    with held:
        taken = cli("run", bundle_folder, clip, "--serve", address.port).error
    assert f"cannot listen on 127.0.0.1:{address.port}" in taken
    assert "expected [HOST:]PORT" in cli("run", bundle_folder, clip, "--serve", "::1:80").error
    both = cli("run", bundle_folder, clip, "--json", "--metrics", "-").error
    assert "choose one" in both


def test_others_are_warned_of(cli: Cli, bundle_folder: Path, clip: Path) -> None:
    done = cli("run", bundle_folder, clip, "--metrics", "0.0.0.0:0", "--limit", 2)
    assert done.code == 0
    assert "warning: 0.0.0.0 is open to other machines" in done.err


def test_without_the_extra_its_command_is_named(bundle_folder: Path, clip: Path) -> None:
    words = ["run", str(bundle_folder), str(clip), "--serve", "0"]
    program = (
        "import sys; sys.modules['starlette'] = None; "
        f"from edge_dnq.cli.main import main; sys.exit(main({words!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'edge-dnq[serve]'" in done.stderr
    assert "Traceback" not in done.stderr
