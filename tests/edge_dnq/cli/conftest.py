"""The command line run in process, and real material to give to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge_dnq.cli.main import main
from edge_dnq.synthetic import render_clip, write_clip

CLIP_FRAMES = 20


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line of a failure."""
        lines = self.err.splitlines()
        assert self.code != 0
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: ")
        return lines[0]


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``edge-dnq`` with the given words; return exit code and what was printed."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered video file of CLIP_FRAMES frames."""
    rendered = render_clip(5, frames=CLIP_FRAMES, size=96)
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", rendered)


@pytest.fixture(scope="session")
def clips_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips of three of the small bundle's classes, one of them unreadable."""
    folder = tmp_path_factory.mktemp("labelled")
    rows = ["path,label,split"]
    for seed in range(6):
        name = f"{seed}.mp4"
        write_clip(folder / name, render_clip(seed, frames=6, size=64))
        rows.append(f"{name},class_{seed % 3},{'train' if seed == 5 else 'val'}")
    (folder / "broken.mp4").write_bytes((folder / "0.mp4").read_bytes()[:700])
    rows.append("broken.mp4,class_0,val")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder / "clips.csv"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one program and no policy: every program takes seconds to convert."""
    torch = pytest.importorskip("torch")
    from edge_dnq.nn.checkpoint import save_checkpoint
    from edge_dnq.nn.config import BackboneConfig, ModelConfig, ProgramConfig
    from edge_dnq.nn.model import VideoModel

    programs = (ProgramConfig("w4a4", 4, 4),)
    backbone = BackboneConfig(width=0.125, stem="small", input_size=32, programs=programs)
    model = VideoModel(ModelConfig(labels=("a", "b", "c"), backbone=backbone)).eval()
    frames = render_clip(0, frames=4, size=32).frames
    model.backbone.calibrate(model.normalise(torch.from_numpy(frames)), "w4a4")
    path = tmp_path_factory.mktemp("checkpoint") / "model.pt"
    save_checkpoint(path, model)
    return path


def command(*words: object) -> list[str]:
    """Return the words of a real process."""
    return [sys.executable, "-m", "edge_dnq.cli.main", *map(str, words)]


def run_process(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), capture_output=True, text=True, timeout=120, check=False, **options
    )


def run_with_small_files(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a process whose writes fail beyond some kilobytes of each file."""
    limited = ["sh", "-c", 'ulimit -f 20; exec "$@"', "sh", *words]
    return subprocess.run(limited, capture_output=True, text=True, timeout=120, check=False)
