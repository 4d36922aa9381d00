"""What a device installs: the wheel, without torch, holds the kernels and runs a bundle."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.synthetic import render_clip, write_clip

REPOSITORY = Path(__file__).resolve().parents[1]
# In one process of a parallel run: the wheel is built and installed once.
pytestmark = pytest.mark.xdist_group("packaging")

LIBRARY = "edge_dnq/_native/libedge_dnq_litert.so"
SYSTEM_LIBRARIES = {
    "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0",
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
}  # fmt: skip
# What the platform tag manylinux_2_28 promises.
NEWEST = {"GLIBC": "2.28", "GLIBCXX": "3.4.24", "CXXABI": "1.3.11"}
HEAVY = ("torch", "jax", "tensorflow", "litert_torch", "matplotlib", "safetensors", "scipy")


def call(*words: str | Path) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that was built from it alone."""
    folder = tmp_path_factory.mktemp("distributions")
    call(sys.executable, "-m", "build", "-o", folder, REPOSITORY)
    return folder


@pytest.fixture(scope="module")
def device(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment with nothing but ``edge-dnq[litert,video]``."""
    folder = tmp_path_factory.mktemp("device")
    (wheel,) = distributions.glob("edge_dnq-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    constraints = REPOSITORY / "constraints.txt"
    call(python, "-m", "pip", "install", "-q", "-c", constraints, f"{wheel}[litert,video]")
    return folder / "venv" / "bin"


def unpack_library(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(LIBRARY, folder))


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def check_portable(library: Path) -> None:
    """The library asks for nothing beyond what its platform tag promises."""
    needed = re.findall(r"NEEDED.*\[(.+)\]", call("readelf", "-d", library))
    assert set(needed) <= SYSTEM_LIBRARIES
    versions = re.findall(r"Name: ([A-Z]+)_([0-9.]+)", call("readelf", "-VW", library))
    assert versions
    too_new = [
        f"{name}_{text}"
        for name, text in versions
        if name in NEWEST and version(text) > version(NEWEST[name])
    ]
    assert too_new == []


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
    check_portable(unpack_library(wheel, tmp_path))


def test_the_arm_wheel_holds_a_portable_library(
    tmp_path: Path, require_tools: Callable[..., None]
) -> None:
    require_tools("aarch64-linux-gnu-g++", "readelf")
    toolchain = REPOSITORY / "kernels" / "cmake" / "aarch64-linux-gnu.cmake"
    tag = "py3-none-manylinux_2_28_aarch64"
    call(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, REPOSITORY,
        "-C", "wheel.cmake=true", "-C", f"wheel.tags={tag}",
        "-C", f"cmake.define.CMAKE_TOOLCHAIN_FILE={toolchain}",
    )  # fmt: skip
    (wheel,) = tmp_path.glob(f"*-{tag}.whl")
    library = unpack_library(wheel, tmp_path)
    assert "AArch64" in call("readelf", "-h", library)
    check_portable(library)


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
