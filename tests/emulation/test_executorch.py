"""ExecuTorch's AArch64 wheel with the package's own, on every emulated processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.verification import POLICY_TOLERANCE, golden_key
from edge_dnq.video.preprocess import input_encoder, network_frame
from tests.emulation import run_executorch
from tests.emulation.device import Device
from tests.emulation.machine import Processor

# Beside the tests that use the same wheel.
pytestmark = pytest.mark.xdist_group("device")

SCRIPT = Path(run_executorch.__file__)
ISAS = {"neon": ("neon", "scalar"), "neondot": ("neondot", "neon")}


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
    device: Device, processor: Processor, executorch_folder: Path, tmp_path: Path
) -> None:
    bundle = Bundle.load(executorch_folder)
    golden = bundle.golden()
    np.savez(tmp_path / "inputs.npz", **frames_of(bundle))
    kinds = (*ISAS[processor.isa], "off")
    paths = [executorch_folder, tmp_path / "inputs.npz", tmp_path / "answers.npz"]
    # -E: nothing but what was installed can be imported.
    command = ["-E", "-B", SCRIPT, *paths, device.site, device.executorch, "--", *kinds]
    done = device.machine.python(processor, command)
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
