"""The context: its numbers, its part in a session, the same on every runtime."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.bundle import Bundle, write_manifest
from edge_dnq.context import FEATURES, GAP_LIMIT, MARGIN_LIMIT, MEMORY, Context, change, margin
from edge_dnq.errors import BundleError
from edge_dnq.manifest import inconsistencies
from edge_dnq.session import Session
from edge_dnq.verification import verify_bundle
from edge_dnq.video.preprocess import network_frame


def pixels(seed: int, size: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def test_before_the_first_execution() -> None:
    context = Context()
    np.testing.assert_array_equal(context.look(pixels(0)), [[1, 1, 0, 0, 1]])
    first = context.look(pixels(0))
    np.testing.assert_array_equal(first, [[1, 0, 0, 0, 1]])
    assert first.shape == (1, FEATURES)
    assert first.dtype == np.float32


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_change_is_the_mean_absolute_difference(first: int, second: int) -> None:
    a, b = pixels(first), pixels(second)
    assert change(a, b) == np.abs(a.astype(np.int64) - b).sum() / (255.0 * a.size)
    assert change(a, a) == 0.0


def test_change_reaches_one() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert change(white, black) == 1.0


@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=9))
def test_margin(values: list[float]) -> None:
    second, first = sorted(values)[-2:]
    assert margin(np.array(values)) == min(first - second, MARGIN_LIMIT) / MARGIN_LIMIT


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 1000))
def test_against_the_definition(executed: list[bool], seed: int) -> None:
    """Every number, from the whole past at once."""
    rng = np.random.default_rng(seed)
    context = Context()
    seen: list[np.ndarray] = []
    ran: list[tuple[int, np.ndarray]] = []
    for index, run in enumerate(executed):
        frame = pixels(int(rng.integers(1000)))
        mean = np.zeros(3)
        for count, (_, logits) in enumerate(ran, 1):
            mean += (logits.astype(np.float64) - mean) / min(count, MEMORY)
        expected = [
            change(frame, seen[ran[-1][0]]) if ran else 1.0,
            change(frame, seen[-1]) if seen else 1.0,
            margin(ran[-1][1].astype(np.float64)) if ran else 0.0,
            margin(mean) if ran else 0.0,
            min(index - ran[-1][0], GAP_LIMIT) / GAP_LIMIT if ran else 1.0,
        ]
        np.testing.assert_allclose(context.look(frame)[0], expected, rtol=1e-6, atol=1e-7)
        seen.append(frame)
        if run:
            ran.append((index, rng.normal(size=3).astype(np.float32)))
            context.execute(ran[-1][1])


class Alternating:
    """Executes and skips in turns, whatever the policy says; the policy runs all the same."""

    needs_policy = True

    def __init__(self, program: int, skip: int) -> None:
        self._turns = (program, skip)
        self.reset()

    def pick(self, logits: np.ndarray | None, allowed: np.ndarray) -> int:
        self._count += 1
        return self._turns[self._count % 2]

    def reset(self) -> None:
        self._count = -1


def test_a_session_tells_the_policy(context_folder: Path, frames: np.ndarray) -> None:
    """What the policy says in a session equals the program run by hand, and not without context."""
    bundle = Bundle.load(context_folder)
    names = [action.name for action in bundle.manifest.actions]
    session = Session(bundle, policy=Alternating(0, names.index("skip")))
    steps = [session.step(frame) for frame in frames]
    assert [step.executed for step in steps[:4]] == [True, False, True, False]
    session.reset()
    again = [session.step(frame) for frame in frames]
    policy = Session(bundle).policy
    assert policy is not None
    size = bundle.manifest.input.height
    for frame, step, second in zip(frames, steps, again, strict=True):
        logits = policy(network_frame(frame, size))
        np.testing.assert_array_equal(step.policy_logits, logits)
        np.testing.assert_array_equal(second.policy_logits, logits)
        if step.logits is not None:
            policy.executed(step.logits)
    policy.reset()
    untold = [policy(network_frame(frame, size)) for frame in frames]
    assert any((row != step.policy_logits).any() for row, step in zip(untold, steps, strict=True))


def test_verified_on_this_runtime(context_folder: Path) -> None:
    result = verify_bundle(context_folder)
    assert result.ok
    assert result.programs["policy"].outputs > 0


def test_another_shape_is_refused(context_folder: Path) -> None:
    manifest = Bundle.load(context_folder).manifest
    assert manifest.policy is not None
    frame, h, c, context = manifest.policy.inputs
    wrong = msgspec.structs.replace(context, shape=(1, FEATURES + 1))
    policy = msgspec.structs.replace(manifest.policy, inputs=(frame, h, c, wrong))
    problems = list(inconsistencies(msgspec.structs.replace(manifest, policy=policy)))
    assert problems == [f"the policy's context must be float32 [1, {FEATURES}]"]


def test_golden_vectors_need_their_contexts(context_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(context_folder, tmp_path / "bundle"))
    bundle = Bundle.load(folder)
    path = folder / bundle.manifest.golden.file
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "policy/context"}
    np.savez(path, **kept)
    content = path.read_bytes()
    golden = msgspec.structs.replace(
        bundle.manifest.golden, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    (folder / "manifest.json").unlink()
    write_manifest(folder, msgspec.structs.replace(bundle.manifest, golden=golden))
    with pytest.raises(BundleError, match="policy/context must be"):
        Bundle.load(folder).golden()
