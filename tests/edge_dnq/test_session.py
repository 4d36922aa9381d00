from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.bundle import Bundle
from edge_dnq.errors import BundleError, EdgeDnqError, RuntimeMissingError, SourceError
from edge_dnq.programs import load_program
from edge_dnq.session import Session, choose_runtime
from edge_dnq.video.preprocess import InputEncoder, network_frame
from edge_dnq.video.sources import open_source

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")

NAMES = ("w8a8", "w4a4", "w2a2r32", "skip", "skip4")
PROGRAMS = NAMES[:3]
LENGTHS = {"skip": 1, "skip4": 4}
plans = st.lists(st.sampled_from(NAMES), min_size=1, max_size=12)


class Script:
    """Plays back a list of actions, then runs w8a8."""

    needs_policy = False

    def __init__(self, plan: list[str]) -> None:
        self.plan = plan
        self.next = 0

    def pick(self, logits: Any, allowed: np.ndarray) -> int:
        name = self.plan[self.next] if self.next < len(self.plan) else "w8a8"
        self.next += 1
        index = NAMES.index(name)
        return index if allowed[index] else 0

    def reset(self) -> None:
        self.next = 0


@pytest.fixture(scope="module")
def scripted(bundle: Bundle) -> Session:
    return Session(bundle, policy=Script([]))


def play(session: Session, plan: list[str], frames: np.ndarray | list[np.ndarray]) -> list[Any]:
    session.picker = Script(plan)
    return [session.step(frame) for frame in frames]


def expected_logits(bundle: Bundle, name: str, frame: np.ndarray) -> np.ndarray:
    """Run one program by hand."""
    spec = bundle.program(name)
    content = bundle.read(spec.files["litert"])
    program = load_program(content, (spec.input,), (spec.output,), "litert")
    settings = bundle.manifest.input
    encode = InputEncoder(settings.mean, settings.std, spec.input.scale, spec.input.zero_point)
    small = network_frame(network_frame(frame, settings.height), spec.input.shape[1])
    (codes,) = program.run(encode(small))
    return (codes[0].astype(np.float64) - spec.output.zero_point) * spec.output.scale


@pytest.mark.parametrize("name", PROGRAMS)
def test_logits_are_the_programs(bundle: Bundle, frames: np.ndarray, name: str) -> None:
    session = Session(bundle, policy=f"uniform:{name}")
    for frame in frames[:3]:
        step = session.step(frame)
        assert step.action == name
        assert step.executed
        assert step.policy_logits is None
        assert step.logits is not None
        np.testing.assert_allclose(step.logits, expected_logits(bundle, name, frame), rtol=1e-6)


@given(plan=plans)
def test_prediction_is_the_mean_over_executed_frames(
    scripted: Session, bundle: Bundle, frames: np.ndarray, plan: list[str]
) -> None:
    steps = play(scripted, plan, frames[:16])
    executed = [step.logits for step in steps if step.executed]
    mean = np.mean(executed, axis=0, dtype=np.float64)
    weights = np.exp(mean - mean.max())
    scores = weights / weights.sum()
    result = scripted.result(top=3)
    labels = bundle.manifest.labels
    assert result.label == labels[int(mean.argmax())]
    assert result.score == pytest.approx(scores.max())
    assert [score for _, score in result.top] == pytest.approx(sorted(scores, reverse=True)[:3])
    assert (result.executed, result.frames, len(result.top)) == (len(executed), 16, 3)


@given(plan=plans)
def test_skips_hold_for_their_length(
    scripted: Session, frames: np.ndarray, plan: list[str]
) -> None:
    steps = play(scripted, plan, frames[:16])
    expected: list[str] = []
    for name in plan + ["w8a8"] * 16:
        # Nothing is skipped before a frame was executed.
        name = name if expected or name in PROGRAMS else "w8a8"
        expected += [name] * LENGTHS.get(name, 1)
    assert [step.action for step in steps] == expected[:16]
    assert [step.executed for step in steps] == [name in PROGRAMS for name in expected[:16]]
    assert [step.index for step in steps] == list(range(16))
    assert all((step.logits is None) != step.executed for step in steps)


def run_policy_by_hand(bundle: Bundle, frames: list[np.ndarray]) -> list[np.ndarray]:
    spec = bundle.manifest.policy
    assert spec is not None
    program = load_program(bundle.read(spec.files["litert"]), spec.inputs, spec.outputs, "litert")
    settings, frame_spec = bundle.manifest.input, spec.inputs[0]
    assert frame_spec.scale is not None
    assert frame_spec.zero_point is not None
    encode = InputEncoder(settings.mean, settings.std, frame_spec.scale, frame_spec.zero_point)
    h = c = np.zeros(spec.inputs[1].shape, np.float32)
    logits = []
    for frame in frames:
        network = network_frame(frame, settings.height)
        output, h, c = program.run(encode(network_frame(network, frame_spec.shape[1])), h, c)
        logits.append(output[0])
    return logits


def test_policy_state_is_carried_exactly_and_held(bundle: Bundle, frames: np.ndarray) -> None:
    session = Session(bundle)
    steps = [session.step(frame) for frame in frames]
    seen = [i for i, step in enumerate(steps) if step.policy_logits is not None]
    by_hand = run_policy_by_hand(bundle, [frames[i] for i in seen])
    for i, logits in zip(seen, by_hand, strict=True):
        np.testing.assert_array_equal(steps[i].policy_logits, logits)
    held = [step for step in steps if step.policy_logits is None]
    assert all(step.action == "skip4" and step.policy_ms == 0 for step in held)
    programs_first = np.argmax(by_hand[0][:3])
    assert steps[0].action == NAMES[int(programs_first)]
    for i, logits in list(zip(seen, by_hand, strict=True))[1:]:
        assert steps[i].action == NAMES[int(np.argmax(logits))]
    # The head of this bundle prefers different actions: the comparison is not about one constant.
    assert len({step.action for step in steps}) > 1


def test_reset_starts_another_video(bundle: Bundle, frames: np.ndarray) -> None:
    session = Session(bundle)
    first = [session.step(frame) for frame in frames[:6]]
    result = session.result()
    session.reset()
    with pytest.raises(EdgeDnqError, match="before the first frame"):
        session.result()
    again = [session.step(frame) for frame in frames[:6]]
    for one, two in zip(first, again, strict=True):
        assert (one.index, one.action) == (two.index, two.action)
        if one.policy_logits is not None:
            np.testing.assert_array_equal(one.policy_logits, two.policy_logits)
    assert dataclasses.astuple(session.result()) == dataclasses.astuple(result)


def test_golden_vectors(bundle: Bundle) -> None:
    golden = bundle.golden()
    frames = golden["frames"]
    for name in PROGRAMS:
        spec = bundle.program(name)
        for frame, codes in zip(frames, golden[f"program/{name}"], strict=True):
            logits = expected_logits(bundle, name, frame)
            np.testing.assert_allclose(
                logits, (codes.astype(float) - spec.output.zero_point) * spec.output.scale
            )
    logits = run_policy_by_hand(bundle, list(frames))
    np.testing.assert_allclose(logits, golden["policy/logits"], atol=1e-5)


def test_frames_may_change_size(scripted: Session, frames: np.ndarray) -> None:
    sizes = [(96, 96), (30, 200), (200, 30), (48, 48), (1, 1)]
    resized = [np.resize(frames, (height, width, 3)) for height, width in sizes]
    steps = play(scripted, ["w8a8"] * len(sizes), resized)
    assert all(step.logits is not None for step in steps)


@pytest.mark.parametrize(
    "frame",
    [
        None,
        [[1]],
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_a_bad_frame_changes_nothing(bundle: Bundle, frames: np.ndarray, frame: Any) -> None:
    session = Session(bundle)
    session.step(frames[0])
    before = session.result()
    with pytest.raises(SourceError, match="a frame must be"):
        session.step(frame)
    assert session.result() == before
    assert session.step(frames[1]).index == 1


def test_latencies_add_up(bundle: Bundle, frames: np.ndarray) -> None:
    session = Session(bundle)
    for frame in frames[:8]:
        step = session.step(frame)
        assert step.latency_ms >= step.policy_ms + step.program_ms >= 0
        assert (step.program_ms > 0) == step.executed


@pytest.mark.parametrize(
    ("policy", "expected"), [("w8a8,skip,skip", 2), ("uniform:w8a8", 6), ("learned", 6)]
)
def test_a_blind_skip_does_not_look_at_the_frame(
    bundle: Bundle,
    frames: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    expected: int,
) -> None:
    session = Session(bundle, policy=policy)
    shrunk: list[np.ndarray] = []

    def counted(frame: np.ndarray, size: int) -> np.ndarray:
        if frame.shape == frames[0].shape:
            shrunk.append(frame)
        return network_frame(frame, size)

    monkeypatch.setattr("edge_dnq.session.network_frame", counted)
    steps = [session.step(frame) for frame in frames[:6]]
    held = sum(step.policy_logits is None for step in steps) if policy == "learned" else 0
    assert len(shrunk) == expected - held


def test_one_of_a_kind_programs_need_no_policy(damaged: Any, bundle: Bundle) -> None:
    manifest = msgspec.structs.replace(
        bundle.manifest, policy=None, actions=bundle.manifest.actions[:3]
    )
    plain = Bundle(bundle.path, manifest, bundle._contents)
    assert Session(plain, policy="uniform:w4a4").runtime_name == "litert"
    with pytest.raises(BundleError, match=r"no learned policy: choose another, .* uniform:w8a8"):
        Session(plain)


def test_a_picker_out_of_bounds_is_told(bundle: Bundle, frames: np.ndarray) -> None:
    class Wrong(Script):
        def pick(self, logits: Any, allowed: np.ndarray) -> int:
            return 3  # a skip, before any frame was executed

    with pytest.raises(EdgeDnqError, match="Wrong chose action 3"):
        Session(bundle, policy=Wrong([])).step(frames[0])


def test_swapped_content_is_refused_by_its_tensors(bundle: Bundle) -> None:
    """A manifest whose hashes were redone for exchanged files does not get to run."""
    manifest = bundle.manifest
    one, *others, last = manifest.programs
    swapped = (
        msgspec.structs.replace(one, files=last.files),
        *others,
        msgspec.structs.replace(last, files=one.files),
    )
    changed = msgspec.structs.replace(manifest, programs=swapped)
    with pytest.raises(BundleError, match="the manifest says"):
        Session(Bundle(bundle.path, changed, bundle._contents))


def test_choosing_a_runtime(bundle: Bundle) -> None:
    assert choose_runtime(bundle) == "litert"
    with pytest.raises(RuntimeMissingError, match=r"unknown runtime 'tensorrt': .* auto, litert"):
        choose_runtime(bundle, "tensorrt")
    foreign = tuple(
        msgspec.structs.replace(program, files={"other": program.files["litert"]})
        for program in bundle.manifest.programs
    )
    changed = msgspec.structs.replace(bundle.manifest, programs=foreign, policy=None)
    other = Bundle(bundle.path, changed, bundle._contents)
    with pytest.raises(BundleError, match="for any runtime"):
        choose_runtime(other)
    with pytest.raises(BundleError, match="has no programs for litert: it has them for other"):
        choose_runtime(other, "litert")
    with pytest.raises(EdgeDnqError, match="threads"):
        Session(bundle, threads=0)


@pytest.mark.slow
def test_memory_stays_flat(bundle: Bundle, frames: np.ndarray, tmp_path: Path) -> None:
    """Play a 500-frame video again and again: 500 frames to settle, then 5,000."""
    psutil = pytest.importorskip("psutil", reason="psutil is not installed")
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (96, 96))
    for i in range(500):
        writer.write(frames[i % len(frames)])
    writer.release()
    process = psutil.Process()
    session = Session(bundle)
    sizes = []
    for _ in range(11):
        with open_source(path) as source:
            for frame in source:
                session.step(frame.image)
                session.result()
        sizes.append(process.memory_info().rss)
    assert session.result().frames == 5500
    grown = sizes[-1] - sizes[0]
    assert grown < 4 << 20, f"grew by {grown} bytes over 5,000 frames"


def test_real_videos(bundle: Bundle, shared_data: Path) -> None:
    session = Session(bundle)
    for path in sorted((shared_data / "clips").iterdir()):
        session.reset()
        with open_source(path, rate=5, limit=12) as source:
            steps = [session.step(frame.image) for frame in source]
        assert len(steps) == 12
        assert session.result().executed == sum(step.executed for step in steps) > 0
