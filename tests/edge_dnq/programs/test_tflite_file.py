from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.bundle import Bundle
from edge_dnq.errors import BundleError
from edge_dnq.programs.tflite_file import code_range, read_program_facts

pytest.importorskip("ai_edge_litert")


@given(bits=st.sampled_from((8, 4, 2)))
def test_relu6_on_the_contract_s_grid_has_two_to_the_bits_levels(bits: int) -> None:
    low, high = code_range("RELU6", 6 / (2**bits - 1), -128)
    assert (low, high) == (-128, -128 + 2**bits - 1)


@given(
    scale=st.floats(2**-14, 2**10, width=32),
    zero_point=st.integers(-128, 127),
    fused=st.sampled_from(("NONE", "RELU", "RELU6", "RELU_N1_TO_1")),
)
def test_ranges_are_codes_and_hold_what_the_activation_lets_through(
    scale: float, zero_point: int, fused: str
) -> None:
    low, high = code_range(fused, scale, zero_point)
    assert -128 <= low <= high <= 127
    if fused != "NONE":
        assert low == max(-128, zero_point) or fused == "RELU_N1_TO_1"
    if fused in ("NONE", "RELU"):
        assert high == 127
    else:
        bound = 6.0 if fused == "RELU6" else 1.0
        assert high == 127 or abs((high - zero_point) * scale - bound) <= scale * 0.5001


def test_every_program_proves_its_precision(bundle: Bundle) -> None:
    for program in bundle.manifest.programs:
        content = bundle.read(program.files["litert"])
        facts = read_program_facts(content)
        limit = 127 if program.weight_bits == 8 else 2**program.weight_bits - 1
        assert facts.weight_range is not None
        assert -limit <= facts.weight_range[0] < 0 < facts.weight_range[1] <= limit
        body = [w for w in facts.weights if w.role == "body"]
        assert all(w.dtype == "INT8" and (w.odd or program.weight_bits == 8) for w in body)
        assert facts.macs == program.macs
        assert facts.bytes == len(content)
        assert facts.activation_levels == {2**program.activation_bits: len(facts.hidden)}
        assert [w.role for w in facts.weights].count("stem") == 1
        assert facts.weights[-1].role == "classifier"
        assert facts.ops["CONV_2D"] + facts.ops["FULLY_CONNECTED"] == len(facts.weights)
        # Convolution, second convolution's sum: one rectifier each; the shortcut has none.
        assert len(facts.hidden) == 17


@pytest.mark.filterwarnings("ignore:.*preserve_all_tensors")
def test_observed_activations_stay_within_the_proven_range(bundle: Bundle) -> None:
    """What the interpreter really computes never leaves the codes that were derived."""
    from ai_edge_litert.interpreter import Interpreter

    for name in ("w4a4", "w2a2r32"):
        content = bundle.read(bundle.program(name).files["litert"])
        facts = read_program_facts(content)
        interpreter = Interpreter(model_content=content, experimental_preserve_all_tensors=True)
        interpreter.allocate_tensors()
        detail = interpreter.get_input_details()[0]
        noise = np.random.default_rng(0).integers(-128, 128, detail["shape"]).astype(np.int8)
        interpreter.set_tensor(detail["index"], noise)
        interpreter.invoke()
        widest = max(activation.high for activation in facts.hidden)
        checked = 0
        for tensor in interpreter.get_tensor_details():
            if tensor["dtype"] != np.int8 or tensor["quantization"] != (
                pytest.approx(6 / (widest + 128)), -128
            ):  # fmt: skip
                continue
            values = interpreter.get_tensor(tensor["index"])
            assert values.min() >= -128
            assert values.max() <= widest
            checked += 1
        assert checked >= len(facts.hidden)


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_files_are_one_clear_error_or_facts(bundle: Bundle, data: st.DataObject) -> None:
    content = bytearray(bundle.read(bundle.program("w2a2r32").files["litert"]))
    cut = data.draw(st.integers(0, len(content)) | st.just(len(content)), label="cut")
    # Offsets and tables are at both ends of the file, weights between.
    place = st.integers(0, 4095) | st.integers(len(content) - 20_000, len(content) - 1)
    for position in data.draw(st.lists(place, max_size=8), label="positions"):
        content[position] = data.draw(st.integers(0, 255), label="byte")
    with contextlib.suppress(BundleError):
        facts = read_program_facts(bytes(content[:cut]))
        assert facts.bytes == cut


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"\0" * 100, b"\xff\xff\xff\x7fTFL3" + b"\0" * 90]
)
def test_what_is_no_program(content: bytes) -> None:
    with pytest.raises(BundleError):
        read_program_facts(content)
