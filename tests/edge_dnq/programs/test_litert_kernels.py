"""Programs on the package's kernels give the same integers as on the runtime's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import RuntimeMissingError
from edge_dnq.kernels import (
    CHOICE_VARIABLE,
    LIBRARY_VARIABLE,
    kernels_status,
    read_report,
)
from edge_dnq.manifest import ProgramSpec
from edge_dnq.programs import load_program

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed")

from tests.edge_dnq.programs.delegates import (  # noqa: E402
    Delegate,
    interpreter,
    random_codes,
    run,
)
from tests.edge_dnq.programs.tflite_models import RandomNetwork  # noqa: E402

pytestmark = pytest.mark.usefixtures("kernel_library")

ISAS = kernels_status().isas or ("none",)
PROGRAMS = ("w8a8", "w4a4", "w2a2r32")


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
        assert not ours.reasons, f"RandomNetwork({seed}, taps={taps}) on {isa}"
        for frame in range(2):
            codes = network.codes(frame)
            pairs = zip(run(stock, codes), run(fast, codes), network.outputs, strict=True)
            for want, got, tensor in pairs:
                np.testing.assert_array_equal(
                    got,
                    want,
                    err_msg=f"tensor {tensor} of RandomNetwork({seed}, taps={taps}) on {isa}",
                )


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
