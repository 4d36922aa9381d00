"""What a device installs: the wheel, without torch, holds the kernels and runs a bundle."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.executorch_library import executorch_folder as find_executorch
from edge_dnq.synthetic import render_clip, write_clip
from tests.portability import check_portable

REPOSITORY = Path(__file__).resolve().parents[1]
# In one process of a parallel run: the wheel is built and installed once.
pytestmark = pytest.mark.xdist_group("packaging")

HEAVY = ("torch", "jax", "tensorflow", "litert_torch", "matplotlib", "safetensors", "scipy")


def call(*words: str | Path) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that was built from it alone."""
    folder = tmp_path_factory.mktemp("distributions")
    runtime = find_executorch()
    options = [] if runtime is None else ["-C", f"cmake.define.EDGE_DNQ_EXECUTORCH={runtime}"]
    call(sys.executable, "-m", "build", *options, "-o", folder, REPOSITORY)
    return folder


@pytest.fixture(scope="module")
def device(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment with nothing but ``edge-dnq[litert,video]``."""
    (wheel,) = distributions.glob("edge_dnq-*.whl")
    return environment(tmp_path_factory.mktemp("device"), f"{wheel}[litert,video]")


@pytest.fixture(scope="module")
def executorch_device(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with ExecuTorch alone, and none of what its Python side needs."""
    if find_executorch() is None:
        pytest.skip("executorch is not installed")
    (wheel,) = distributions.glob("edge_dnq-*.whl")
    bin_folder = environment(tmp_path_factory.mktemp("executorch"), f"{wheel}[video]")
    runtime = f"executorch=={importlib.metadata.version('executorch').partition('+')[0]}"
    call(bin_folder / "python", "-m", "pip", "install", "-q", "--no-deps", runtime)
    return bin_folder


def environment(folder: Path, wheel: str) -> Path:
    """Make an environment with the wheel; return its bin folder."""
    venv.create(folder, with_pip=True)
    constraints = REPOSITORY / "constraints.txt"
    call(folder / "bin" / "python", "-m", "pip", "install", "-q", "-c", constraints, wheel)
    return folder / "bin"


def test_the_source_distribution_holds_the_kernels(distributions: Path) -> None:
    (archive,) = distributions.glob("edge_dnq-*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    ours = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "kernels").rglob("*")
        if path.is_file()
    }
    assert ours <= names
    assert not any("/_native/" in name for name in names)


def test_the_wheel_holds_a_portable_library(
    distributions: Path, tmp_path: Path, require_tools: Callable[..., None]
) -> None:
    require_tools("c++", "readelf")
    (wheel,) = distributions.glob("edge_dnq-*.whl")
    assert wheel.name.partition("-py3-none-")[2].startswith("linux_")
    assert "libedge_dnq_litert.so" in check_portable(wheel, tmp_path)


def test_no_compiler_gives_the_package_without_kernels(tmp_path: Path) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    for tool in ("sh", "uname", "cmake", "ninja"):
        if found := shutil.which(tool):
            (path / tool).symlink_to(found)
    words = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "-w", tmp_path, REPOSITORY]
    environment = {k: v for k, v in os.environ.items() if k not in ("CC", "CXX")}
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, env={**environment, "PATH": str(path)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stock kernels" in done.stdout + done.stderr
    (wheel,) = tmp_path.glob("edge_dnq-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "edge_dnq/session.py" in names
    assert "edge_dnq_export/pipeline.py" in names
    assert not any("/_native/" in name for name in names)


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


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["auto", "off"])
def test_a_device_needs_neither_torch_nor_litert(
    executorch_device: Path, executorch_folder: Path, tmp_path: Path, kernels: str
) -> None:
    heavy = (*HEAVY, "ai_edge_litert")
    script = f"import importlib.util as u; print([n for n in {heavy} if u.find_spec(n)])"
    assert call(executorch_device / "python", "-c", script).strip() == "[]"
    manifest = Bundle.load(executorch_folder).manifest
    lines = ["path,label,split"]
    for index in range(2):
        write_clip(tmp_path / f"{index}.mp4", render_clip(index, frames=12, size=96))
        lines.append(f"{index}.mp4,{manifest.labels[index]},val")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")

    def told(*words: str | Path) -> dict[str, Any]:
        options = ("--runtime", "executorch", "--kernels", kernels, "--json")
        answer: dict[str, Any] = json.loads(call(executorch_device / "edge-dnq", *words, *options))
        return answer

    assert told("verify", executorch_folder)["ok"] is True
    run = told("run", executorch_folder, tmp_path / "0.mp4")
    assert len(run["frames"]) == 12
    isas = {name: use["isa"] for name, use in run["kernels"].items()}
    assert all((isa is None) == (kernels == "off") for isa in isas.values()), isas
    evaluated = told("eval", executorch_folder, tmp_path / "clips.csv", "--split", "val")
    assert evaluated["clips"] == 2, evaluated
