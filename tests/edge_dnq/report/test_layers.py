from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.bundle import Bundle
from edge_dnq.programs.litert_tensors import TensorObserver
from edge_dnq.programs.tflite_graph import read_graph
from edge_dnq.report.layers import histogram, sqnr, study_layers
from edge_dnq.video.preprocess import InputEncoder

pytest.importorskip("ai_edge_litert")


def sums(r: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (r * r).sum(1), (r * q).sum(1), (q * q).sum(1)


@given(
    seed=st.integers(0, 2**32 - 1),
    noise=st.floats(0.01, 0.5),
    gains=st.lists(st.floats(0.01, 100), min_size=4, max_size=4),
)
def test_sqnr_is_that_of_the_noise_whatever_the_gains(
    seed: int, noise: float, gains: list[float]
) -> None:
    random = np.random.default_rng(seed)
    other = random.normal(size=(4, 2000))
    wrong = random.normal(size=other.shape) * noise
    # What no gain can explain: noise that is orthogonal to the signal.
    wrong -= (wrong * other).sum(1, keepdims=True) / (other**2).sum(1, keepdims=True) * other
    reference = other + wrong
    expected = 10 * math.log10((reference**2).sum() / (wrong**2).sum())
    scaled = other * np.array(gains)[:, None]
    assert sqnr(*sums(reference, scaled)) == pytest.approx(expected, abs=1e-6)


def test_equal_up_to_gains_is_infinite_and_unlike_is_none_of_it() -> None:
    random = np.random.default_rng(0)
    r = random.normal(size=(3, 100))
    assert sqnr(*sums(r, r * np.array([[0.1], [3.0], [50.0]]))) == math.inf
    assert sqnr(*sums(r, np.zeros_like(r))) == pytest.approx(0.0)


@given(counts=st.lists(st.integers(0, 1000), min_size=2, max_size=256), data=st.data())
def test_histograms_lose_nothing(counts: list[int], data: st.DataObject) -> None:
    zero = data.draw(st.integers(0, len(counts) - 1))
    made = histogram(np.array(counts), 0.0, 1.0, zero)
    total = sum(counts)
    assert sum(made.shares) == pytest.approx(1.0 if total else 0.0)
    assert made.levels == len(counts)
    assert len(made.shares) <= 64
    assert made.low < 0 <= 1 < made.high
    if total:
        assert made.zero == pytest.approx(counts[zero] / total)
        assert made.largest == pytest.approx(counts[-1] / total)


def test_every_layer_of_every_program_is_there(bundle: Bundle, frames: np.ndarray) -> None:
    made = study_layers(bundle, frames[:3])
    assert (made.reference, made.left_out, made.frames) == ("w8a8", (), 3)
    assert [layer.place for layer in made.layers] == list(range(1, len(made.layers) + 1))
    graph = read_graph(bundle.read(bundle.program("w8a8").files["litert"]))
    computing = [o.op for o in graph.operators if o.op in ("CONV_2D", "ADD", "FULLY_CONNECTED")]
    assert [layer.op for layer in made.layers] == computing
    for layer in made.layers:
        assert list(layer.programs) == ["w8a8", "w4a4", "w2a2r32"]
        for name, values in layer.programs.items():
            assert sum(values.activations.shares) == pytest.approx(1.0), (layer.place, name)
            if not layer.signed:
                bits = {"w8a8": 8, "w4a4": 4, "w2a2r32": 2}[name]
                assert values.activations.levels == 2**bits, (layer.place, name)
            assert (values.weights is None) == (layer.op == "ADD")
        low = layer.programs["w2a2r32"].weights
        if layer.role == "body":
            assert low is not None
            assert low.levels == 4
        # Another resolution has other activations; weights can be compared all the same.
        if layer.op == "CONV_2D":
            assert layer.programs["w2a2r32"].activation_sqnr is None
            assert layer.programs["w4a4"].activation_sqnr is not None
        assert layer.programs["w8a8"].weight_sqnr is None


def test_more_bits_keep_more_of_the_weights(bundle: Bundle, frames: np.ndarray) -> None:
    for layer in study_layers(bundle, frames[:1]).layers:
        four, two = (layer.programs[name].weight_sqnr for name in ("w4a4", "w2a2r32"))
        if layer.role == "body":
            assert four is not None
            assert two is not None
            assert 15 < two + 8 < four < 30, layer
        elif layer.op != "ADD":
            # Stem and classifier are 8-bit in every program.
            assert four == two == math.inf


def test_the_weights_error_is_that_of_the_files(bundle: Bundle, frames: np.ndarray) -> None:
    """Computed anew, channel by channel, for the first layer of the body."""
    layer = study_layers(bundle, frames[:1]).layers[1]
    rows = []
    for name in ("w8a8", "w4a4"):
        graph = read_graph(bundle.read(bundle.program(name).files["litert"]))
        convolutions = [o for o in graph.operators if o.op == "CONV_2D"]
        rows.append(graph.tensors[convolutions[1].inputs[1]])
    reference, other = rows
    signal = noise = 0.0
    for channel in range(reference.shape[0]):
        r = reference.values().reshape(reference.shape)[channel].astype(float).ravel()
        r *= float(reference.scales[channel])
        q = other.values().reshape(other.shape)[channel].astype(float).ravel()
        gain = np.linalg.lstsq(q[:, None], r, rcond=None)[0][0]
        signal += float((r**2).sum())
        noise += float(((r - gain * q) ** 2).sum())
    assert layer.programs["w4a4"].weight_sqnr == pytest.approx(10 * math.log10(signal / noise))


def test_observed_tensors_are_the_golden_integers(bundle: Bundle) -> None:
    golden, given_ = bundle.golden(), bundle.manifest.input
    for program in bundle.manifest.programs:
        if program.input.shape[1] != given_.height:
            continue
        content = bundle.read(program.files["litert"])
        observer = TensorObserver(content)
        (output,) = read_graph(content).outputs
        encode = InputEncoder(given_.mean, given_.std, *program.input.grid)
        for index, frame in enumerate(golden["frames"]):
            ((_, logits),) = observer.run(encode(frame.astype(np.uint8)), [output])
            assert (logits[0] == golden[f"program/{program.name}"][index]).all(), program.name
