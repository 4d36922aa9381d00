"""The installed product on every emulated processor: what a Raspberry Pi would run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.modelled.network import STOCK, Counter
from edge_dnq.bundle import Bundle
from edge_dnq.playback import play
from edge_dnq.session import Session
from edge_dnq.synthetic import render_clip, write_clip
from edge_dnq.video.sources import open_source
from tests.emulation.device import REPOSITORY, Device
from tests.emulation.machine import PROCESSORS, Machine, MachineUnavailableError, Processor
from tests.portability import check_portable

pytestmark = pytest.mark.xdist_group("device")

BASELINE = Path(__file__).with_name("instructions.json")
GATE = 0.05
MOST_MB = 150
KERNELS = ("auto", "off")

SAME_PIXELS = """
import numpy as np
from edge_dnq.video import pixels
random, count = np.random.default_rng(0), 0
for side in range(2, 242):
    image = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
    even = image[: side // 2 * 2, : side // 2 * 2]
    size = int(random.integers(1, 226))
    assert (pixels.halved(image) == pixels._numpy_halved(even)).all(), side
    assert (pixels.resized(image, size) == pixels._numpy_resized(image, size)).all(), (side, size)
    count += 2
print(count, "pictures")
"""


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip as pictures: decoders of lossy video are not bound to agree."""
    folder = tmp_path_factory.mktemp("pictures")
    for index, frame in enumerate(render_clip(3, frames=12, size=96).frames):
        cv2.imwrite(str(folder / f"{index}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="session")
def here(bundle: Bundle, pictures: Path) -> list[tuple[str, list[int] | None]]:
    """Every frame's action and logits on this machine, in units of the program's output."""
    session = Session(bundle, kernels="off")
    scales = {spec.name: spec.output.grid[0] for spec in bundle.manifest.programs}
    found: list[tuple[str, list[int] | None]] = []
    with open_source(pictures) as source:
        for moment in play(session, source):
            logits, action = moment.step.logits, moment.step.action
            codes = None if logits is None else np.rint(logits / scales[action]).astype(int)
            found.append((action, None if codes is None else codes.tolist()))
    return found


@pytest.mark.parametrize("kernels", KERNELS)
def test_env_verify_and_run(
    device: Device,
    processor: Processor,
    kernels: str,
    bundle_folder: Path,
    pictures: Path,
    here: list[tuple[str, list[int] | None]],
    bundle: Bundle,
) -> None:
    env, verified, run = device.json(
        processor,
        ["env"],
        ["verify", bundle_folder, "--kernels", kernels],
        ["run", bundle_folder, pictures, "--kernels", kernels],
    )
    assert env["cpu"]["architecture"] == "aarch64"
    assert env["packages"]["torch"] is None
    assert env["kernels"]["isa"] == processor.isa, f"{processor.name}: {env['kernels']}"
    for name, check in verified["programs"].items():
        assert check["ok"], f"{name} on {processor.name} with {kernels}: {check}"
    for name, use in run["kernels"].items():
        expected = None if kernels == "off" else processor.isa
        assert use["isa"] == expected, f"{name} on {processor.name} with {kernels}: {use}"
    actions = [frame["action"] for frame in run["frames"]]
    assert actions == [action for action, _ in here]
    check_top5(run["result"]["top5"], bundle, here)


def test_the_runner_of_unattended_devices(
    device: Device, bundle_folder: Path, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", render_clip(3, frames=12, size=96))
    events = device.unattended(PROCESSORS[0], bundle_folder, clip)
    assert [event["event"] for event in events[:2]] == ["started", "camera"]
    assert set(events[0]["kernels"]) == {"w8a8", "w4a4", "w2a2r32", "policy"}
    assert all("edge-dnq neon," in kernels for kernels in events[0]["kernels"].values())
    last = events[-1]
    assert (last["event"], last["reason"]) == ("stopped", "end of the video")
    assert last["frames"] + last["dropped"] == 12, last


def check_top5(
    top5: list[dict[str, Any]], bundle: Bundle, here: list[tuple[str, list[int] | None]]
) -> None:
    """The scores follow from the very logits that this machine computes."""
    scales = {spec.name: spec.output.grid[0] for spec in bundle.manifest.programs}
    executed = [np.array(codes) * scales[action] for action, codes in here if codes is not None]
    mean = np.mean(executed, axis=0)
    weights = np.exp(mean - mean.max())
    scores = weights / weights.sum()
    for entry in top5:
        expected = scores[bundle.manifest.labels.index(entry["label"])]
        assert entry["score"] == pytest.approx(expected, rel=1e-5), entry
    assert top5[0]["label"] == bundle.manifest.labels[int(scores.argmax())]


def test_the_wheel_is_portable(device: Device, tmp_path: Path) -> None:
    libraries = check_portable(device.wheel, tmp_path)
    assert libraries == ["libedge_dnq_executorch.so", "libedge_dnq_litert.so"]


def test_numpy_shrinks_frames_like_opencv_on_this_architecture(device: Device) -> None:
    done = device.script(PROCESSORS[1], SAME_PIXELS)
    assert done == "480 pictures", done


def test_a_base_install_stays_small(device: Device) -> None:
    """Bytecode included; two packages make nine tenths of it."""
    sizes = device.sizes("rpi")
    total = sum(sizes.values()) / 1e6
    assert total < MOST_MB, f"{total:.0f} MB: {dict(list(sizes.items())[:8])}"
    assert {"numpy", "ai-edge-litert", "edge-dnq"} <= sizes.keys()
    assert not {"torch", "matplotlib", "jax", "scipy", "opencv-python-headless"} & sizes.keys()


def test_trixie_runs_it_on_its_own_python(
    machine: Machine,
    device: Device,
    bundle_folder: Path,
    pictures: Path,
    here: list[tuple[str, list[int] | None]],
    bundle: Bundle,
) -> None:
    """Python 3.13, numpy 2 and OpenCV 5 on a Pi 5's core; the same wheel."""
    try:
        trixie = Device(
            Machine(machine.folder / "trixie", "trixie"),
            device.wheel,
            REPOSITORY / "constraints.txt",
        )
    except MachineUnavailableError as error:
        pytest.skip(str(error))
    env, verified, run = trixie.json(
        PROCESSORS[2],
        ["env"],
        ["verify", bundle_folder],
        ["run", bundle_folder, pictures],
    )
    assert env["python"].startswith("3.13.")
    assert all(check["ok"] for check in verified["programs"].values()), verified
    assert {use["isa"] for use in run["kernels"].values()} == {PROCESSORS[2].isa}
    actions = [frame["action"] for frame in run["frames"]]
    assert actions == [action for action, _ in here]
    check_top5(run["result"]["top5"], bundle, here)


def test_programs_execute_as_many_instructions_as_before(
    machine: Machine, device: Device, bundle_folder: Path
) -> None:
    """Counts, not times. Fewer is as much a reason to renew the baseline as more."""
    baseline = json.loads(BASELINE.read_text())
    counter = Counter(machine.folder, device.site / "edge_dnq/_native/libedge_dnq_litert.so")
    found = {
        f"{count.processor} {count.program} {count.kernels}": count.instructions
        for processor in PROCESSORS[1:3]
        for count in counter.counts(processor, sorted(bundle_folder.glob("*.tflite")))
        if count.kernels != STOCK
    }
    far = [
        f"{name}: {count}, before {baseline.get(name)}"
        for name, count in found.items()
        if name not in baseline or abs(count / baseline[name] - 1) > GATE
    ]
    renew = f"{far}; a new {BASELINE.name}: {json.dumps(found, indent=1)}"
    assert not far, renew
    assert found.keys() == baseline.keys(), renew
