"""ExecuTorch's AArch64 wheel with the package's library, on every emulated processor."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.executorch_library import LIBRARY_VARIABLE
from edge_dnq.kernels import LIBRARY_VARIABLE as KERNELS_VARIABLE
from edge_dnq.verification import POLICY_TOLERANCE, golden_key
from edge_dnq.video.preprocess import input_encoder, network_frame
from tests.emulation import run_executorch
from tests.emulation.conftest import KERNELS
from tests.emulation.machine import Machine, MachineUnavailableError, Processor

REPOSITORY = KERNELS.parent
SCRIPT = Path(run_executorch.__file__)
TARGETS = ("edge_dnq_executorch", "edge_dnq_litert")
ISAS = {"neon": ("neon", "scalar"), "neondot": ("neondot", "neon")}


@pytest.fixture(scope="session")
def wheels(machine: Machine) -> Path:
    """The runtime's wheel and what the package's own modules import."""
    try:
        with machine.lock():
            return machine.unpacked("numpy", "msgspec", "executorch")
    except MachineUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def libraries(machine: Machine, wheels: Path) -> Path:
    """Folder of the package's libraries, one of them built against the AArch64 wheel."""
    folder = machine.folder / "build-executorch"
    options = [
        f"-DCMAKE_TOOLCHAIN_FILE={KERNELS}/cmake/aarch64-linux-gnu.cmake",
        f"-DEDGE_DNQ_EXECUTORCH={wheels}/executorch",
    ]
    with machine.lock():
        for command in (
            ["cmake", "-S", KERNELS, "-B", folder, "-G", "Ninja", *options],
            ["cmake", "--build", folder, "--target", *TARGETS],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return folder


def frames_of(bundle: Bundle) -> dict[str, np.ndarray]:
    """The golden frames as every program takes them."""
    manifest = bundle.manifest
    assert manifest.policy is not None
    tensors = {program.name: program.input for program in manifest.programs}
    tensors["policy"] = manifest.policy.inputs[0]
    frames = bundle.golden()["frames"].astype(np.uint8)
    encoded = {}
    for name, tensor in tensors.items():
        encode = input_encoder(manifest.input, tensor)
        side = tensor.shape[1]
        encoded[name] = np.concatenate([encode(network_frame(frame, side)) for frame in frames])
    return encoded


@pytest.mark.slow
def test_the_golden_vectors_agree(
    machine: Machine,
    libraries: Path,
    wheels: Path,
    processor: Processor,
    executorch_folder: Path,
    tmp_path: Path,
) -> None:
    bundle = Bundle.load(executorch_folder)
    golden = bundle.golden()
    np.savez(tmp_path / "inputs.npz", **frames_of(bundle))
    kinds = (*ISAS[processor.isa], "off")
    paths = [executorch_folder, tmp_path / "inputs.npz", tmp_path / "answers.npz"]
    command = [SCRIPT, *paths, REPOSITORY, wheels, "--", *kinds]
    variables = {LIBRARY_VARIABLE: str(libraries / "libedge_dnq_executorch.so")}
    variables[KERNELS_VARIABLE] = str(libraries / "libedge_dnq_litert.so")
    done = machine.python(processor, command, **variables)
    assert done.returncode == 0, f"{processor.name}: {done.stdout}{done.stderr[-3000:]}"
    with np.load(tmp_path / "answers.npz") as arrays:
        answers = dict(arrays)
    for kernels in kinds:
        for program in bundle.manifest.programs:
            expected = golden[f"program/{program.name}"]
            if kernels == "off":
                expected = golden[golden_key("executorch", program.name)]
            np.testing.assert_array_equal(
                answers[f"{kernels}/{program.name}"],
                expected,
                err_msg=f"{program.name} on {processor.name}, {kernels}",
            )
        for index, part in enumerate(("logits", "h", "c")):
            np.testing.assert_allclose(
                answers[f"{kernels}/policy/{index}"],
                golden[f"policy/{part}"],
                atol=POLICY_TOLERANCE,
                err_msg=f"policy on {processor.name}, {kernels}",
            )
