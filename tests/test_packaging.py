"""What a device installs: the wheel, without torch, runs a bundle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.synthetic import render_clip, write_clip

REPOSITORY = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "jax", "tensorflow", "litert_torch", "matplotlib", "safetensors", "scipy")


def call(*words: str | Path) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment with nothing but ``edge-dnq[litert]``."""
    folder = tmp_path_factory.mktemp("device")
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, REPOSITORY)
    (wheel,) = folder.glob("edge_dnq-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    constraints = REPOSITORY / "constraints.txt"
    call(python, "-m", "pip", "install", "-q", "-c", constraints, f"{wheel}[litert]")
    return folder / "venv" / "bin"


@pytest.mark.slow
def test_a_device_needs_no_torch(device: Path, bundle_folder: Path, tmp_path: Path) -> None:
    script = f"import importlib.util as u; print([n for n in {HEAVY} if u.find_spec(n)])"
    assert call(device / "python", "-c", script).strip() == "[]"
    clip = write_clip(tmp_path / "clip.mp4", render_clip(3, frames=12, size=96))
    run = json.loads(call(device / "edge-dnq", "run", bundle_folder, clip, "--json"))
    assert len(run["frames"]) == 12
    assert run["runtime"].startswith("litert")
    verified = json.loads(call(device / "edge-dnq", "verify", bundle_folder, "--json"))
    assert verified["ok"] is True


@pytest.mark.slow
def test_a_device_answers_like_this_machine(
    device: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    """The device's environment gives the golden integers, through the public API alone."""
    script = (
        "import sys, numpy as np\n"
        "from edge_dnq import Bundle, Session\n"
        "bundle = Bundle.load(sys.argv[1])\n"
        "golden = bundle.golden()\n"
        "for spec in bundle.manifest.programs:\n"
        "    session = Session(bundle, policy=f'uniform:{spec.name}')\n"
        "    rows = [session.step(f).logits for f in golden['frames']]\n"
        "    codes = golden[f'program/{spec.name}'].astype(np.float32)\n"
        "    want = (codes - spec.output.zero_point) * np.float32(spec.output.scale)\n"
        "    np.testing.assert_array_equal(np.stack(rows), want)\n"
        "np.save(sys.argv[2], golden['frames'])\n"
    )
    call(device / "python", "-c", script, bundle_folder, tmp_path / "frames.npy")
    assert np.load(tmp_path / "frames.npy").dtype == np.uint8


@pytest.mark.slow
def test_export_on_a_device_says_what_to_install(device: Path, tmp_path: Path) -> None:
    words = [device / "edge-dnq", "export", "--random", "resnet18", "-o", tmp_path / "b"]
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "pip install 'edge-dnq[export]'" in line
