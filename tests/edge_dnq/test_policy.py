from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import EdgeDnqError
from edge_dnq.manifest import ActionSpec
from edge_dnq.policy import CyclePicker, LearnedPicker, RandomPicker, UniformPicker, parse_policy

ACTIONS = (
    ActionSpec(name="w8a8", program="w8a8"),
    ActionSpec(name="w4a4", program="w4a4"),
    ActionSpec(name="skip", skip=1),
    ActionSpec(name="skip4", skip=4),
)
ALL = np.ones(4, np.bool_)
PROGRAMS = np.array([True, True, False, False])

logits = st.lists(st.floats(-50, 50, width=32), min_size=4, max_size=4).map(
    lambda values: np.array(values, np.float32)
)
costs = st.lists(st.floats(0, 10), min_size=4, max_size=4)


@given(logits)
def test_learned_is_argmax(values: np.ndarray) -> None:
    assert LearnedPicker().pick(values, ALL) == int(values.argmax())
    assert LearnedPicker().pick(values, PROGRAMS) == int(values[:2].argmax())


@given(logits, costs, st.floats(0, 10))
def test_learned_with_costs(values: np.ndarray, cost: list[float], bias: float) -> None:
    choice = LearnedPicker(bias, cost).pick(values, ALL)
    scores = [float(value) - bias * c for value, c in zip(values, cost, strict=True)]
    assert scores[choice] == max(scores)
    assert LearnedPicker(0.0, cost).pick(values, ALL) == int(values.argmax())


@given(logits, costs, st.floats(0, 10), st.floats(0, 10))
def test_more_bias_never_chooses_a_dearer_action(
    values: np.ndarray, cost: list[float], one: float, two: float
) -> None:
    low, high = sorted((one, two))
    cheap = cost[LearnedPicker(high, cost).pick(values, ALL)]
    dear = cost[LearnedPicker(low, cost).pick(values, ALL)]
    assert cheap <= dear + 1e-6 * (1 + dear) or np.isclose(low, high)


def test_cost_bias_needs_costs() -> None:
    with pytest.raises(EdgeDnqError, match="needs the cost"):
        LearnedPicker(1.0)


def test_random_follows_its_probabilities() -> None:
    picker = parse_policy("random:0.5,0.25,0.25,0", ACTIONS, seed=3)
    counts = np.bincount([picker.pick(None, ALL) for _ in range(4000)], minlength=4)
    np.testing.assert_allclose(counts / 4000, [0.5, 0.25, 0.25, 0], atol=0.03)
    counts = np.bincount([picker.pick(None, PROGRAMS) for _ in range(3000)], minlength=4)
    np.testing.assert_allclose(counts / 3000, [2 / 3, 1 / 3, 0, 0], atol=0.03)


def test_random_repeats_with_its_seed() -> None:
    def draws(seed: int) -> list[int]:
        picker = parse_policy("random", ACTIONS, seed)
        return [picker.pick(None, ALL) for _ in range(50)]

    assert draws(1) == draws(1) != draws(2)


def test_random_goes_on_after_a_reset() -> None:
    picker = RandomPicker([1, 1, 1, 1])
    first = [picker.pick(None, ALL) for _ in range(50)]
    picker.reset()
    assert [picker.pick(None, ALL) for _ in range(50)] != first


def test_cycle() -> None:
    picker = parse_policy("skip, w8a8 ,w4a4", ACTIONS)
    assert [picker.pick(None, ALL) for _ in range(4)] == [2, 0, 1, 2]
    picker.reset()
    assert [picker.pick(None, PROGRAMS), picker.pick(None, ALL)] == [0, 1]
    with pytest.raises(EdgeDnqError, match="none of the sequence"):
        CyclePicker([2]).pick(None, PROGRAMS)


def test_forms() -> None:
    assert isinstance(parse_policy("learned", ACTIONS), LearnedPicker)
    uniform = parse_policy("uniform:w4a4", ACTIONS)
    assert isinstance(uniform, UniformPicker)
    assert uniform.pick(None, ALL) == 1
    assert not uniform.needs_policy
    assert isinstance(parse_policy("w4a4", ACTIONS), CyclePicker)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("uniform:w8a4", "did you mean w8a8"),
        ("learnd", "did you mean learned"),
        ("w8a8,w4a", "did you mean w4a4"),
        ("uniform:", "unknown action ''"),
        ("uniform:skip", "skips every frame"),
        ("skip,skip4", "skips every frame"),
        ("random:0,0,1,1", "skips every frame"),
        ("random:1,1", "needs 4 probabilities"),
        ("random:1,1,1,-1", "needs 4 probabilities"),
        ("random:1,1,1,nan", "needs 4 probabilities"),
        ("random:a,b,c,d", "needs 4 probabilities"),
        ("learned:5", "unknown policy"),
        ("greedy:w8a8", "unknown policy"),
        ("", "unknown policy"),
        ("w8a8,,w4a4", "unknown action ''"),
    ],
)
def test_mistakes(spec: str, expected: str) -> None:
    with pytest.raises(EdgeDnqError, match=expected) as caught:
        parse_policy(spec, ACTIONS)
    assert "\n" not in str(caught.value)
