"""Programs that the kernels do not know are left to the runtime and give what it gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_dnq.errors import RuntimeMissingError
from edge_dnq.manifest import TensorSpec
from edge_dnq.programs import load_program

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")

from tests.edge_dnq.programs.delegates import (
    Delegate,
    interpreter,
    outcome,
    random_codes,
    run,
)
from tests.edge_dnq.programs.tflite_models import (
    FLOAT32,
    INT8,
    INT32,
    Fused,
    Model,
    Op,
    schema,
)


def one_convolution(
    *,
    batch: int = 1,
    side: int = 6,
    scale: Any = 0.02,
    zero_point: Any = 0,
    weight_scale: Any = 0.01,
    weight_zero_point: Any = 0,
    weight_dtype: int = INT8,
    signature: list[int] | None = None,
    dilation: int = 1,
    groups: int = 1,
) -> bytes:
    model = Model()
    shape = (batch, side, side, 4)
    source = model.tensor(shape, scale, zero_point, signature=signature)
    kernel = np.random.default_rng(0).integers(-99, 100, (6, 3, 3, 4 // groups))
    weights = model.constant(kernel, weight_dtype, scale=weight_scale, zero_point=weight_zero_point)
    # The runtime insists on the bias' scale where it takes the convolution's for granted.
    bias = model.constant(np.arange(6), scale=np.multiply(0.02, weight_scale))
    output = model.tensor((batch, side, side, 6), 0.05, 0)
    model.add(
        Op.CONV_2D, [source, weights, bias], output, padding=schema.Padding.SAME, strideH=1,
        strideW=1, dilationHFactor=dilation, dilationWFactor=dilation,
    )  # fmt: skip
    return model.build([source], [output])


# What is strange, and why it is declined; None where the runtime does not even read the file.
STRANGE: dict[str, tuple[dict[str, Any], str | None]] = {
    "two images": ({"batch": 2}, "batch 2"),
    "no pixels": ({"side": 0}, "an empty tensor"),
    "an unknown batch": ({"signature": [-1, 6, 6, 4]}, "a dynamic shape"),
    "no scale": ({"scale": None}, "a tensor without quantisation"),
    "a scale of zero": ({"scale": 0.0}, "malformed quantisation"),
    "a negative scale": ({"scale": -0.02}, "malformed quantisation"),
    "an infinite scale": ({"scale": np.inf}, "malformed quantisation"),
    "a scale that is no number": ({"scale": np.nan}, "malformed quantisation"),
    "a zero point beyond int8": ({"zero_point": 300}, "malformed quantisation"),
    "weights with a zero point": ({"weight_zero_point": 3}, "weights with a zero point"),
    "five scales for six channels": ({"weight_scale": [0.01] * 5}, None),
    "a weight scale that is no number": (
        {"weight_scale": [0.01, np.nan, *[0.01] * 4]}, "scales too far apart"
    ),
    "float weights": ({"weight_dtype": FLOAT32}, "float32 where int8 is expected"),
    "dilation": ({"dilation": 2}, "dilation"),
    "groups": ({"groups": 2}, "grouped weights"),
}  # fmt: skip


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_convolutions_are_left_to_the_runtime(
    delegate: Callable[..., Delegate], kind: str
) -> None:
    change, reason = STRANGE[kind]
    content = one_convolution(**change)
    shape = (change.get("batch", 1), *[change.get("side", 6)] * 2, 4)
    ours, inputs = delegate(), [random_codes(shape)]
    assert outcome(content, ours, inputs) == outcome(content, None, inputs), kind
    if reason is None:
        assert ours.report.graphs == ()
    else:
        assert ours.reasons == {"CONV_2D": reason}


@pytest.mark.parametrize("weight_scale", [0.01, [0.01, 0.02, 0.005, 0.01, 0.03, 0.01]])
def test_weights_may_have_one_scale_or_many(
    delegate: Callable[..., Delegate], weight_scale: Any
) -> None:
    content, ours = one_convolution(weight_scale=weight_scale), delegate()
    inputs = [random_codes((1, 6, 6, 4))]
    assert outcome(content, ours, inputs) == outcome(content, None, inputs) != "refused"
    assert not ours.reasons


@pytest.mark.parametrize("ratio", [2.0**-11, 0.99 * 2.0**-10, 2.0**-10, 1.0, 255.9, 256.0])
def test_additions_round_as_the_runtime_s(delegate: Callable[..., Delegate], ratio: float) -> None:
    """Where one scale is far from the sum's the runtime rounds by another rule."""
    model = Model()
    shape, scale = (1, 64, 64, 8), 0.03125
    one, two = model.tensor(shape, scale, 3), model.tensor(shape, scale * ratio, -128)
    output = model.tensor(shape, scale, 5)
    model.add(Op.ADD, [one, two], output)
    content, ours = model.build([one, two], [output]), delegate()
    inputs = [random_codes(shape, seed) for seed in range(2)]
    assert outcome(content, ours, inputs) == outcome(content, None, inputs) != "refused"
    claimed = 2.0**-10 <= ratio < 256
    assert ours.reasons == ({} if claimed else {"ADD": "scales too far apart"})


@pytest.mark.parametrize(
    ("fused", "scale", "zero_point"),
    [(Fused.RELU6, 12.0, -128), (Fused.RELU6, 4.0, -128), (Fused.RELU6, 2.4, -128),
     (Fused.RELU6, 0.01, -128), (Fused.RELU6, 0.02, 100), (Fused.RELU, 0.02, 126)],
)  # fmt: skip
def test_fused_bounds_round_as_the_runtime_s(
    delegate: Callable[..., Delegate], fused: int, scale: float, zero_point: int
) -> None:
    """6 / scale may lie half way between two codes."""
    model = Model()
    pair = [model.tensor((1, 8, 8, 4), scale, zero_point) for _ in range(2)]
    output = model.tensor((1, 8, 8, 4), scale, zero_point)
    model.add(Op.ADD, pair, output, fusedActivationFunction=fused)
    content, ours = model.build(pair, [output]), delegate()
    inputs = [random_codes((1, 8, 8, 4), seed) for seed in range(2)]
    assert outcome(content, ours, inputs) == outcome(content, None, inputs) != "refused"


def test_float_programs_are_left_alone(delegate: Callable[..., Delegate]) -> None:
    model = Model()
    pair = [model.tensor((1, 3), dtype=FLOAT32) for _ in range(2)]
    output = model.tensor((1, 3), dtype=FLOAT32)
    model.add(Op.ADD, pair, output)
    content, ours = model.build(pair, [output]), delegate()
    assert run(interpreter(content, ours), *[np.ones((1, 3), np.float32)] * 2)[0].tolist() == [
        [2.0, 2.0, 2.0]
    ]
    assert ours.reasons == {"ADD": "float32 activations"}


def test_a_shape_that_is_computed_is_left_alone(delegate: Callable[..., Delegate]) -> None:
    """The runtime itself knows only while running that the convolution's input is dynamic."""
    model = Model()
    source, shape = model.tensor((1, 144), 0.02), model.tensor((4,), dtype=INT32)
    image, output = model.tensor((1, 6, 6, 4), 0.02), model.tensor((1, 6, 6, 6), 0.05)
    model.add(Op.RESHAPE, [source, shape], image)
    weights = model.constant(np.ones((6, 1, 1, 4)), INT8, scale=0.1)
    bias = model.constant(np.arange(6), scale=0.02 * 0.1)
    model.add(
        Op.CONV_2D, [image, weights, bias], output, padding=schema.Padding.SAME, strideH=1,
        strideW=1,
    )  # fmt: skip
    content, ours = model.build([source, shape], [output]), delegate()
    inputs = [random_codes((1, 144)), np.array([1, 6, 6, 4], np.int32)]
    assert outcome(content, ours, inputs) == outcome(content, None, inputs) != "refused"
    assert ours.reasons["CONV_2D"] == "an input whose shape may change while running"


def test_resized_inputs_are_followed_or_refused(delegate: Callable[..., Delegate]) -> None:
    content = one_convolution()
    made, stock = interpreter(content, delegate()), interpreter(content)
    index = made.get_input_details()[0]["index"]
    for side in (9, 4, 6):
        for one in (made, stock):
            one.resize_tensor_input(index, (1, side, side, 4))
            one.allocate_tensors()
        codes = random_codes((1, side, side, 4))
        np.testing.assert_array_equal(run(made, codes), run(stock, codes), err_msg=f"side {side}")
    made.resize_tensor_input(index, (2, 6, 6, 4))
    with pytest.raises(RuntimeError, match="cannot run the program in its new shape: batch 2"):
        made.allocate_tensors()


def test_a_program_with_wrong_shapes_falls_back(kernel_library: Path) -> None:
    """The runtime works out what follows from the input's shape only after nodes were claimed."""
    model = Model()
    source, middle, output = (model.tensor((n, 6, 6, 4), 0.05) for n in (2, 1, 1))
    for one, other in ((source, middle), (middle, output)):
        weights = model.constant(np.ones((4, 1, 1, 4)), INT8, scale=0.1)
        bias = model.constant(np.arange(4), scale=0.05 * 0.1)
        model.add(
            Op.CONV_2D, [one, weights, bias], other, padding=schema.Padding.SAME, strideH=1,
            strideW=1,
        )  # fmt: skip
    content = model.build([source], [output])
    specs = [TensorSpec(f"tensor_{index}", (2, 6, 6, 4), "int8", 0.05, 0) for index in (0, 2)]
    codes = random_codes((2, 6, 6, 4))
    given = {}
    for kernels in ("auto", "off"):
        program = load_program(content, specs[:1], specs[1:], "litert", kernels=kernels)
        assert program.kernels.isa is None
        given[kernels] = (program.run(codes)[0], program.kernels.problem)
    np.testing.assert_array_equal(given["auto"][0], given["off"][0])
    assert given["auto"][1] == (
        "the kernels failed: edge-dnq kernels: cannot run the program in its new shape: batch 2"
    )
    with pytest.raises(RuntimeMissingError, match="kernels scalar: the kernels failed: "):
        load_program(content, specs[:1], specs[1:], "litert", kernels="scalar")
