"""The command from outside: signals, exit codes, full disks, kill -9, the watchdog."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_dnq.rpi.config import CameraConfig
from tests.edge_dnq.rpi.conftest import COMMAND, Process
from tests.edge_dnq.rpi.virtual import PATIENCE_S

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")
Start = Callable[..., Process]


def test_a_file_is_played_to_its_end(start: Start, bundle_folder: Path, clip: Path) -> None:
    process = start(bundle_folder, clip)
    assert process.finish() == 0, process.errors()
    names = [event["event"] for event in process.events]
    assert names[:2] == ["started", "camera"]
    assert names[-1] == "stopped"
    last = process.events[-1]
    assert last["reason"] == "end of the video"
    assert last["frames"] + last["dropped"] == 16
    started = process.events[0]
    assert started["runtime"] == "litert"
    assert set(started["kernels"]) == {"w8a8", "w4a4", "w2a2r32", "policy"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(
    start: Start, bundle_folder: Path, clip: Path, number: signal.Signals
) -> None:
    process = start(bundle_folder, clip, "--loop")
    process.wait_for("prediction", 2)
    process.popen.send_signal(number)
    assert process.finish() == 0, process.errors()
    assert process.events[-1]["event"] == "stopped"
    assert process.events[-1]["reason"] == number.name
    assert "Traceback" not in process.errors()


def test_killed_and_started_again_it_goes_on(
    start: Start, bundle_folder: Path, clip: Path, tmp_path: Path
) -> None:
    """It keeps nothing on disk, so there is nothing to repair and nothing is left behind."""
    before = sorted(path.name for path in bundle_folder.iterdir())
    first = start(bundle_folder, clip, "--loop", environment={"TMPDIR": str(tmp_path)})
    first.wait_for("prediction", 2)
    first.popen.kill()
    assert first.finish() == -signal.SIGKILL
    second = start(bundle_folder, clip, "--loop", environment={"TMPDIR": str(tmp_path)})
    second.wait_for("prediction", 2)
    second.popen.terminate()
    assert second.finish() == 0
    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in bundle_folder.iterdir()) == before
    assert not bundle_folder.with_name(bundle_folder.name + ".costs").exists()


def test_on_a_full_disk_it_recognises_on_and_counts_what_was_lost(
    bundle_folder: Path, clip: Path
) -> None:
    """The clip is played to its end, and one line says why there are no events."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, bundle_folder, clip],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_S,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().count("No space left on device") == 1
    assert b"Traceback" not in done.stderr


def test_without_a_reader_it_ends_for_the_manager_to_start_it_again(
    bundle_folder: Path, clip: Path
) -> None:
    process = subprocess.Popen(
        [*COMMAND, bundle_folder, clip, "--loop"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 74
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_a_reader_that_does_not_read_holds_nothing_up(bundle_folder: Path, clip: Path) -> None:
    """The pipe fills; the runner still stops when told."""
    process = subprocess.Popen(
        [*COMMAND, bundle_folder, clip, "--loop"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    fill(process.pid)
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    process.communicate()


def fill(pid: int) -> None:
    """Write into the runner's own pipe until it is full."""
    descriptor = os.open(f"/proc/{pid}/fd/1", os.O_WRONLY | os.O_NONBLOCK)
    try:
        while True:
            os.write(descriptor, b"\n" * 4096)
    except BlockingIOError:
        time.sleep(1.5)  # Let it want to write.
    finally:
        os.close(descriptor)


def test_an_absent_camera_is_waited_for(start: Start, bundle_folder: Path) -> None:
    if any(Path("/dev").glob("video*")):
        pytest.skip("this machine has a camera")
    process = start(bundle_folder, "camera:9")
    stale = process.wait_for("stale", 2)
    assert "cannot open camera:9" in stale["reason"]
    assert stale["retry_s"] == 2 * CameraConfig().retry_first_s
    process.popen.terminate()
    assert process.finish() == 0


def test_a_driver_that_hangs_ends_the_process_for_the_manager_to_start_it_again(
    start: Start, bundle_folder: Path, tmp_path: Path
) -> None:
    """FFmpeg waits for a stream whose server says nothing, longer than it is given here."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = tmp_path / "rpi.toml"
        config.write_text(
            f'[camera]\nsource = "rtsp://127.0.0.1:{silent.getsockname()[1]}/x"\n'
            "open_s = 0.5\nretry_first_s = 0.1\nhung_s = 0.1\n"
        )
        process = start(bundle_folder, "--config", config)
        assert process.finish() == 75, process.errors()
    stale = [event["reason"] for event in process.events if event["event"] == "stale"]
    assert stale[0] == "no frame for 0.5 s"
    assert process.events[-1]["event"] == "stopped"
    assert "only a new process frees it" in process.errors().splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no bundle"),
        (["nowhere"], "nowhere"),
        (["BUNDLE", "nowhere.mp4"], "no such source"),
        (["BUNDLE", "--config", "nowhere.toml"], "nowhere.toml"),
        (["BUNDLE", "CLIP", "--budget-ms", "-1"], "must be positive"),
        (["BUNDLE", "CLIP", "--mqtt", "host:port"], "HOST:PORT"),
        (["BUNDLE", "picamera"], "picamera2"),
    ],
)
def test_mistakes_are_one_line_and_not_worth_a_restart(
    words: list[str], message: str, bundle_folder: Path, clip: Path
) -> None:
    known = {"BUNDLE": bundle_folder, "CLIP": clip}
    done = subprocess.run(
        [*COMMAND, *(known.get(word, word) for word in words)], capture_output=True, text=True
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert message in done.stderr


def test_the_service_manager_hears_that_it_is_ready_alive_and_stopping(
    start: Start, bundle_folder: Path, clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE_S)
        process = start(
            bundle_folder,
            clip,
            "--loop",
            environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "2000000"},
        )
        heard: list[str] = []
        while heard.count("WATCHDOG=1") < 4:
            heard += manager.recv(4096).decode().split("\n")
        process.popen.terminate()
        while "STOPPING=1" not in heard:
            heard += manager.recv(4096).decode().split("\n")
    assert heard[0] == "READY=1"
    assert any(line.startswith("STATUS=running") for line in heard), heard
    assert process.finish() == 0


def test_a_check_loads_everything_and_opens_nothing(bundle_folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "rpi.toml"
    config.write_text(
        f"[recogniser]\nbundle = {json.dumps(str(bundle_folder))}\nthreads = 2\n"
        '[camera]\nsource = "camera:9"\n'
    )
    done = subprocess.run([*COMMAND, "--config", config, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 threads" in done.stdout
