"""A small real bundle, exported once and kept until the code that makes it changes."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.synthetic import render_clip

if TYPE_CHECKING:
    from edge_dnq_export.targets import RuntimeChoice

REPOSITORY = Path(__file__).resolve().parents[1]
MAKERS = ("edge_dnq/nn", "edge_dnq/synthetic", "export/edge_dnq_export")


def _export(folder: Path, runtime: RuntimeChoice, *, context: bool = False) -> None:
    """Export a random network with three programs, one of a lower resolution, and a policy."""
    import torch

    from edge_dnq.nn.config import BackboneConfig, ModelConfig, PolicyConfig, ProgramConfig
    from edge_dnq.nn.model import VideoModel
    from edge_dnq_export.pipeline import export_bundle

    programs = (
        ProgramConfig("w8a8", 8, 8),
        ProgramConfig("w4a4", 4, 4),
        ProgramConfig("w2a2r32", 2, 2, 32),
    )
    config = ModelConfig(
        labels=tuple(f"class_{index}" for index in range(7)),
        backbone=BackboneConfig(width=0.125, stem="small", input_size=48, programs=programs),
        policy=PolicyConfig(
            input_size=24, channels=(8, 8), hidden=8, skip_lengths=(1, 4), context=context
        ),
    )
    torch.manual_seed(0)
    model = VideoModel(config).eval()
    frames = render_clip(0, frames=4, size=64).frames[:, :48, :48]
    normalised = model.normalise(torch.from_numpy(np.ascontiguousarray(frames)))
    for program in model.backbone.programs:
        model.backbone.calibrate(normalised, program)
    assert model.policy is not None
    model.policy.calibrate(normalised[..., ::2, ::2])
    with torch.no_grad():
        # An untrained head prefers nothing; this one chooses by what it sees and remembers.
        model.policy.action_head.weight.normal_(std=20.0)
        state, rows = model.policy.initial_state(1), []
        for frame in normalised[..., ::2, ::2].split(1):
            output = model.policy(frame, state)
            state = output.state
            rows.append(output.action_logits)
        model.policy.action_head.bias.copy_(-torch.cat(rows).mean(0))
    export_bundle(model, folder, name="tiny", runtime=runtime)


def _kept(request: pytest.FixtureRequest, runtime: RuntimeChoice, *, context: bool = False) -> Path:
    """Return the small bundle for ``runtime``, exporting it where the kept one is of older code."""
    digest = hashlib.sha256()
    makers = [path for maker in MAKERS for path in sorted((REPOSITORY / maker).glob("*.py"))]
    makers += [
        REPOSITORY / "edge_dnq" / name
        for name in ("context.py", "manifest.py", "video/preprocess.py")
    ]
    for path in [*makers, Path(__file__)]:
        digest.update(path.read_bytes())
    assert request.config.cache is not None
    cache = request.config.cache.mkdir("edge-dnq")
    kind = f"context_{runtime}" if context else runtime
    folder = cache / f"{kind}-{digest.hexdigest()[:16]}"
    with (cache / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            for old in cache.glob(f"{kind}-*"):
                shutil.rmtree(old)
            _export(folder, runtime, context=context)
    return folder


@pytest.fixture(scope="session")
def bundle_folder(request: pytest.FixtureRequest) -> Path:
    """Folder of the small bundle; read-only."""
    pytest.importorskip("litert_torch", reason="the exporter is not installed")
    return _kept(request, "litert")


@pytest.fixture(scope="session")
def context_folder(request: pytest.FixtureRequest) -> Path:
    """Folder of a like bundle whose policy is told its context; read-only."""
    pytest.importorskip("litert_torch", reason="the exporter is not installed")
    return _kept(request, "litert", context=True)


@pytest.fixture(scope="session")
def executorch_folder(request: pytest.FixtureRequest, executorch_library: Path) -> Path:
    """Folder of the same bundle with programs for ExecuTorch; read-only."""
    pytest.importorskip("torch", reason="the exporter is not installed")
    return _kept(request, "executorch")


@pytest.fixture
def damaged(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small bundle to do harm to."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def bundle(bundle_folder: Path) -> Bundle:
    """The small bundle, loaded."""
    return Bundle.load(bundle_folder)


@pytest.fixture(scope="session")
def frames() -> np.ndarray:
    """A rendered clip, uint8 [24, 96, 96, 3]."""
    return render_clip(3, frames=24, size=96).frames
