"""A camera on the Pi's connector, and no OpenCV: the base install."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.session import Session
from edge_dnq.synthetic import render_clip
from edge_dnq.video import pixels
from tests.edge_dnq.rpi.conftest import COMMAND, Process

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

NO_OPENCV = "raise ModuleNotFoundError(\"No module named 'cv2'\", name='cv2')\n"

# What edge_dnq.rpi.cameras uses of picamera2, as its manual has it; it needs the Pi's own hardware.
PICAMERA2 = """
import concurrent.futures, time
import numpy as np

class Job(concurrent.futures.Future):
    def get_result(self, timeout=None):
        return self.result(timeout)

class Picamera2:
    def __init__(self, index):
        self.index, self.random = index, np.random.default_rng(0)

    def create_video_configuration(self, main, controls, queue):
        assert main["format"] == "BGR888" and not queue
        return main["size"]

    def configure(self, size):
        self.size = size

    def start(self):
        print("started", file=open(__file__ + ".log", "a"))

    def stop(self):
        print("stopped", file=open(__file__ + ".log", "a"))

    def capture_array(self, name, wait):
        assert name == "main" and not wait
        time.sleep(1 / 30)
        job, (width, height) = Job(), self.size
        job.set_result(self.random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        return job

    def close(self):
        print("closed", file=open(__file__ + ".log", "a"))
"""


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has no OpenCV, but a camera on the connector."""
    (tmp_path / "cv2.py").write_text(NO_OPENCV)
    (tmp_path / "picamera2.py").write_text(PICAMERA2)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


def test_the_connectors_camera_is_recognised(
    start: Callable[..., Process], bundle_folder: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "rpi.toml"
    config.write_text("[camera]\nopen_s = 600\nstall_s = 600\n")  # The machine may be busy.
    process = start(bundle_folder, "--config", config, environment=bare)
    assert process.wait_for("camera")["width"] == 320
    process.wait_for("prediction", 2)
    process.popen.terminate()
    assert process.finish() == 0, process.errors()
    last = process.events[-1]
    assert (last["event"], last["damaged"], last["reopened"]) == ("stopped", 0, 0)
    assert last["frames"] >= 2
    log = (tmp_path / "picamera2.py.log").read_text().split()
    assert log == ["started", "stopped", "closed"]


@pytest.mark.parametrize("source", ["camera:0", "rtsp://127.0.0.1:1/x", "CLIP"])
def test_any_other_source_says_what_to_install(
    source: str, bundle_folder: Path, clip: Path, bare: dict[str, str]
) -> None:
    words = [*COMMAND, bundle_folder, clip if source == "CLIP" else source]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | bare)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.endswith("pip install 'edge-dnq[video]'")


def test_without_picamera2_either_both_are_named(
    bundle_folder: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "picamera2.py").unlink()
    words = [*COMMAND, bundle_folder]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | bare)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert "no picamera2" in line
    assert line.endswith("pip install 'edge-dnq[video]'")


@pytest.mark.parametrize("verb", ["run", "eval"])
def test_verbs_that_read_videos_say_what_to_install(
    verb: str, bundle_folder: Path, clip: Path, bare: dict[str, str]
) -> None:
    words = [COMMAND[0], "-m", "edge_dnq.cli.main", verb, bundle_folder, clip]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | bare)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.endswith("pip install 'edge-dnq[video]'")


def test_actions_and_logits_are_the_same(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = render_clip(4, frames=24, size=150).frames

    def answers() -> list[tuple[str, bytes | None]]:
        session = Session(bundle)
        steps = [session.step(np.ascontiguousarray(frame)) for frame in frames]
        return [(s.action, None if s.logits is None else s.logits.tobytes()) for s in steps]

    expected = answers()
    monkeypatch.setattr(pixels, "cv2", None)
    assert answers() == expected
    assert len({action for action, _ in expected}) > 1
