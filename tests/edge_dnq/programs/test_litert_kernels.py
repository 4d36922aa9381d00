"""Programs on the package's kernels: the same integers as on the runtime's own, or left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import RuntimeMissingError
from edge_dnq.kernels import (
    CHOICE_VARIABLE,
    LIBRARY_VARIABLE,
    DelegateReport,
    kernels_status,
    read_report,
)
from edge_dnq.manifest import ProgramSpec
from edge_dnq.programs import load_program

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed")

from tests.edge_dnq.programs.tflite_models import (  # noqa: E402
    FLOAT32,
    INT8,
    INT32,
    Fused,
    Model,
    Op,
    RandomNetwork,
    schema,
)

pytestmark = pytest.mark.usefixtures("kernel_library")

ISAS = kernels_status().isas or ("none",)
PROGRAMS = ("w8a8", "w4a4", "w2a2r32")
Runner = Callable[..., list[np.ndarray]]


class Delegate:
    """The delegate, and what it says it did."""

    def __init__(self, library: Path, key: str, **options: str) -> None:
        self._library, self._key = library, key
        self.loaded = litert.load_delegate(str(library), {"report": key, **options})

    @property
    def report(self) -> DelegateReport:
        report = read_report(self._library, self._key)
        assert report is not None
        return report

    @property
    def reasons(self) -> dict[str, str]:
        return {entry.op: entry.reason for g in self.report.graphs for entry in g.declined}


@pytest.fixture
def delegate(kernel_library: Path, request: pytest.FixtureRequest) -> Callable[..., Delegate]:
    return lambda **options: Delegate(kernel_library, request.node.nodeid, **options)


def interpreter(content: bytes, delegate: Delegate | None = None, threads: int = 1) -> Any:
    delegates = None if delegate is None else [delegate.loaded]
    made = litert.Interpreter(
        model_content=content, num_threads=threads, experimental_delegates=delegates
    )
    made.allocate_tensors()
    return made


def run(made: Any, *inputs: np.ndarray) -> list[np.ndarray]:
    for detail, value in zip(made.get_input_details(), inputs, strict=True):
        made.set_tensor(detail["index"], value)
    made.invoke()
    return [made.get_tensor(detail["index"]) for detail in made.get_output_details()]


def random_codes(shape: tuple[int, ...] | list[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


def outputs(bundle: Bundle, spec: ProgramSpec, kernels: str, threads: int = 1) -> np.ndarray:
    content = bundle.read(spec.files["litert"])
    program = load_program(content, (spec.input,), (spec.output,), "litert", threads, kernels)
    expected = None if kernels == "off" else kernels
    assert program.kernels.isa == expected, program.kernels.describe()
    return np.stack([program.run(random_codes(spec.input.shape, seed))[0] for seed in range(3)])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_exported_programs_give_the_same_integers(
    bundle: Bundle, name: str, isa: str, threads: int
) -> None:
    spec = bundle.program(name)
    np.testing.assert_array_equal(
        outputs(bundle, spec, isa, threads),
        outputs(bundle, spec, "off"),
        err_msg=f"{name} on {isa} with {threads} threads",
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_network_is_one_region(bundle: Bundle, name: str) -> None:
    """Stem to classifier, ahead of XNNPACK, which the runtime would otherwise apply."""
    spec = bundle.program(name)
    content = bundle.read(spec.files["litert"])
    use = load_program(content, (spec.input,), (spec.output,), "litert").kernels
    assert use.claimed == use.operations == 34, use.describe()
    assert [part.nodes for part in use.partitions] == [34]
    # Padding and additions may be fused; every multiplication is accounted for.
    assert sum(op.macs for op in use.partitions[0].ops) == spec.macs


def test_the_policy_is_shared_with_the_runtime(bundle: Bundle) -> None:
    spec = bundle.manifest.policy
    assert spec is not None
    content = bundle.read(spec.files["litert"])
    programs = [
        load_program(content, spec.inputs, spec.outputs, "litert", kernels=kernels)
        for kernels in ("auto", "off")
    ]
    use = programs[0].kernels
    assert 0 < use.claimed < use.operations
    assert use.claimed + len(use.declined) == use.operations
    assert ("TANH", "not an operator of the engine") in {(d.op, d.reason) for d in use.declined}
    assert ("FULLY_CONNECTED", "float32 activations") in {(d.op, d.reason) for d in use.declined}
    values = [
        random_codes(tensor.shape) if tensor.dtype == "int8" else np.zeros(tensor.shape, np.float32)
        for tensor in spec.inputs
    ]
    for ours, stock in zip(*(program.run(*values) for program in programs), strict=True):
        np.testing.assert_allclose(ours, stock, atol=1e-5)


@pytest.mark.parametrize("taps", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("isa", ISAS)
def test_random_networks_give_the_same_integers(
    delegate: Callable[..., Delegate], isa: str, taps: float
) -> None:
    ours = delegate(isa=isa)
    for seed in range(100):
        network = RandomNetwork(seed, operations=2 + seed % 7, taps=taps)
        stock, fast = (
            interpreter(network.content),
            interpreter(network.content, ours, 1 + seed % 2),
        )
        for frame in range(2):
            codes = network.codes(frame)
            pairs = zip(run(stock, codes), run(fast, codes), network.outputs, strict=True)
            for want, got, tensor in pairs:
                np.testing.assert_array_equal(
                    got,
                    want,
                    err_msg=f"tensor {tensor} of RandomNetwork({seed}, taps={taps}) on {isa}",
                )
    assert not ours.reasons


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


def outcome(content: bytes, delegate: Delegate | None, inputs: list[np.ndarray]) -> Any:
    """Return the outputs, or that the runtime refuses."""
    try:
        return [array.tolist() for array in run(interpreter(content, delegate), *inputs)]
    except (ValueError, RuntimeError):
        return "refused"


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_convolutions_are_left_to_the_runtime(
    delegate: Callable[..., Delegate], kind: str
) -> None:
    change, reason = STRANGE[kind]
    content = one_convolution(**change)
    shape = (change.get("batch", 1), *[change.get("side", 6)] * 2, 4)
    ours, inputs = delegate(), [random_codes(shape)]
    assert outcome(content, ours, inputs) == outcome(content, None, inputs), kind
    assert ours.reasons == ({} if reason is None else {"CONV_2D": reason})


@pytest.mark.parametrize("weight_scale", [0.01, [0.01, 0.02, 0.005, 0.01, 0.03, 0.01]])
def test_weights_may_have_one_scale_or_many(
    delegate: Callable[..., Delegate], weight_scale: Any
) -> None:
    content, ours = one_convolution(weight_scale=weight_scale), delegate()
    inputs = [random_codes((1, 6, 6, 4))]
    assert outcome(content, ours, inputs) == outcome(content, None, inputs) != "refused"
    assert not ours.reasons


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


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"isa": "mmx"}, "option isa must be off, auto, scalar, avx2, avx512vnni, neon or neondot"),
        ({"threads": "many"}, "option threads must be 0 to 64, got 'many'"),
        ({"speed": "1"}, "unknown option 'speed'"),
    ],
)
def test_options_that_are_wrong(
    kernel_library: Path, options: dict[str, str], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        litert.load_delegate(str(kernel_library), options)


def test_threads_follow_the_interpreter(bundle: Bundle, delegate: Callable[..., Delegate]) -> None:
    content = bundle.read(bundle.program("w8a8").files["litert"])
    for given, options, expected in [(None, {}, 1), (2, {}, 2), (2, {"threads": "1"}, 1)]:
        ours = delegate(**options)
        made = litert.Interpreter(
            model_content=content, num_threads=given, experimental_delegates=[ours.loaded]
        )
        made.allocate_tensors()
        (graph,) = ours.report.graphs
        assert [part.threads for part in graph.partitions] == [expected], f"{given} {options}"


def test_interpreters_do_not_disturb_each_other(
    bundle: Bundle, delegate: Callable[..., Delegate]
) -> None:
    """Several at once, two of them with one delegate between them."""
    shared = delegate()
    specs = [bundle.program(name) for name in (*PROGRAMS, "w8a8")]
    contents = [bundle.read(spec.files["litert"]) for spec in specs]
    frames = [random_codes(spec.input.shape, index) for index, spec in enumerate(specs)]
    expected = [run(interpreter(c), f)[0] for c, f in zip(contents, frames, strict=True)]
    made = [interpreter(content, shared, 2) for content in contents]
    wrong: list[int] = []

    def repeat(index: int) -> None:
        for _ in range(50):
            if not np.array_equal(run(made[index], frames[index])[0], expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=repeat, args=(index,)) for index in range(len(made))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    del made[0]
    assert np.array_equal(run(made[0], frames[1])[0], expected[1])


def test_coming_and_going_leaks_nothing(kernel_library: Path) -> None:
    network = RandomNetwork(7)
    process, codes = psutil.Process(), network.codes(0)

    def cycle(count: int) -> int:
        for _ in range(count):
            ours = Delegate(kernel_library, "cycle", threads="2")
            run(interpreter(network.content, ours), codes)
        return int(process.memory_info().rss)

    before = cycle(200)
    grown = cycle(1000) - before
    # The smallest thing that one cycle could leave behind is more than a kilobyte.
    assert grown < 1000 * 1024, f"{grown} bytes in 1000 cycles"
    assert len(process.threads()) < 50
    assert read_report(kernel_library, "cycle") is None


def test_the_environment_switches_them_off(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, delegate: Callable[..., Delegate]
) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "off")
    spec = bundle.program("w4a4")
    content = bundle.read(spec.files["litert"])
    program = load_program(content, (spec.input,), (spec.output,), "litert")
    assert (program.kernels.isa, program.kernels.problem) == (None, "switched off")
    # The same for whoever loads the library without this package.
    ours = delegate()
    interpreter(content, ours)
    assert set(ours.reasons.values()) == {"switched off"}


def test_a_library_that_cannot_be_loaded(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"\x7fELF")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(broken))
    spec = bundle.program("w8a8")
    content = bundle.read(spec.files["litert"])
    program = load_program(content, (spec.input,), (spec.output,), "litert")
    assert program.kernels.isa is None
    assert str(program.kernels.problem).startswith(f"cannot load {broken}: ")
    with pytest.raises(RuntimeMissingError, match=f"kernels scalar: cannot load {broken}"):
        load_program(content, (spec.input,), (spec.output,), "litert", kernels="scalar")


def test_instructions_that_this_processor_lacks(bundle: Bundle) -> None:
    lacking = next(isa for isa in ("avx2", "neon") if isa not in ISAS)
    spec = bundle.program("w8a8")
    content = bundle.read(spec.files["litert"])
    with pytest.raises(RuntimeMissingError, match=f"this processor has no {lacking}: it has"):
        load_program(content, (spec.input,), (spec.output,), "litert", kernels=lacking)
