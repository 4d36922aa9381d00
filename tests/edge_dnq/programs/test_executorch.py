from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import BundleError, RuntimeMissingError
from edge_dnq.executorch_library import LIBRARY_VARIABLE
from edge_dnq.manifest import TensorSpec
from edge_dnq.programs import available_runtimes, load_program
from edge_dnq.programs.executorch import KERNELS, STOCK, ExecuTorchProgram, program_keys
from edge_dnq.session import Session, open_bundle
from edge_dnq.verification import verify_bundle

REPOSITORY = Path(__file__).resolve().parents[3]
RUNTIME = "executorch"
Parts = tuple[bytes, tuple[TensorSpec, ...], tuple[TensorSpec, ...]]


@pytest.fixture(scope="session")
def both(executorch_folder: Path) -> Bundle:
    return Bundle.load(executorch_folder)


def parts(bundle: Bundle, key: str, name: str = "w8a8") -> Parts:
    spec = bundle.program(name)
    return bundle.read(spec.files[key]), (spec.input,), (spec.output,)


def policy_parts(bundle: Bundle, key: str) -> Parts:
    spec = bundle.manifest.policy
    assert spec is not None
    return bundle.read(spec.files[key]), spec.inputs, spec.outputs


def inputs_for(specs: tuple[TensorSpec, ...]) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=spec.shape).astype(spec.dtype) for spec in specs]


def python(code: str, *arguments: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("kernels", ["auto", "scalar", "off"])
def test_the_golden_vectors_agree(executorch_folder: Path, kernels: str) -> None:
    outcome = verify_bundle(executorch_folder, runtime=RUNTIME, kernels=kernels)
    assert outcome.ok, outcome
    for name, check in outcome.programs.items():
        assert check.kernels is not None
        assert (check.kernels.isa is None) == (kernels == "off"), f"{name}: {check.kernels}"


def test_every_runtime_answers_alike(executorch_folder: Path, bundle_folder: Path) -> None:
    """The same network, exported for LiteRT and for ExecuTorch by itself."""
    first, second = (Bundle.load(folder).golden() for folder in (bundle_folder, executorch_folder))
    assert first.keys() <= second.keys()
    for key, expected in first.items():
        if key.startswith("policy/"):
            np.testing.assert_allclose(second[key], expected, atol=1e-4, err_msg=key)
        else:
            np.testing.assert_array_equal(second[key], expected, err_msg=key)


def test_sessions_choose_alike(executorch_folder: Path, bundle: Bundle, frames: np.ndarray) -> None:
    reference = Session(bundle, runtime="litert")
    sessions = [
        Session(open_bundle(executorch_folder, RUNTIME, kernels), runtime=RUNTIME, kernels=kernels)
        for kernels in ("auto", "off")
    ]
    for frame in frames:
        expected = reference.step(frame)
        for session in sessions:
            step = session.step(frame)
            assert step.action == expected.action
    for session in sessions:
        assert session.result().label == reference.result().label


def test_only_what_is_needed_is_read(executorch_folder: Path, tmp_path: Path) -> None:
    """Without the other kind's files the bundle still runs; asking for them is an error."""
    folder = Path(shutil.copytree(executorch_folder, tmp_path / "bundle"))
    for path in folder.glob("*.pte"):
        if not path.name.endswith(".kernels.pte"):
            path.unlink()
    opened = open_bundle(folder, RUNTIME)
    assert Session(opened, runtime=RUNTIME).kernels["w8a8"].isa is not None
    with pytest.raises(BundleError, match=r"cannot read .*w8a8\.pte"):
        opened.read(opened.program("w8a8").files[STOCK])
    with pytest.raises(BundleError, match=r"cannot read .*w8a8\.pte"):
        Bundle.load(folder)
    (folder / "w8a8.kernels.pte").write_bytes(b"short")
    with pytest.raises(BundleError, match="the manifest says"):
        open_bundle(folder, RUNTIME)


@pytest.mark.parametrize("key", [KERNELS, STOCK])
def test_order_is_that_of_the_specs(both: Bundle, key: str) -> None:
    content, inputs, outputs = policy_parts(both, key)
    values = inputs_for(inputs)
    straight = load_program(content, inputs, outputs, RUNTIME).run(*values)
    turned = load_program(content, inputs[::-1], outputs[::-1], RUNTIME).run(*values[::-1])
    for one, two in zip(straight, turned[::-1], strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("key", [KERNELS, STOCK])
def test_outputs_are_the_callers(both: Bundle, key: str) -> None:
    content, inputs, outputs = policy_parts(both, key)
    program = load_program(content, inputs, outputs, RUNTIME)
    first = program.run(*inputs_for(inputs))
    kept = [array.copy() for array in first]
    program.run(*[np.ones(spec.shape, spec.dtype) for spec in inputs])
    for one, two in zip(first, kept, strict=True):
        np.testing.assert_array_equal(one, two)


def test_inputs_are_compared(both: Bundle) -> None:
    program = load_program(*parts(both, KERNELS), RUNTIME)
    with pytest.raises(ValueError, match=r"args_0 must be int8 \[1, 48, 48, 3\], got float64"):
        program.run(np.zeros((1, 48, 48, 3)))
    with pytest.raises(ValueError, match="takes 1 inputs, got 2"):
        program.run(np.zeros((1, 48, 48, 3), np.int8), np.zeros(1, np.int8))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shape": (1, 24, 24, 3)}, r"is int8 \[1, 48, 48, 3\], the manifest says int8"),
        ({"dtype": "float32"}, "the manifest says float32"),
        ({"name": "args_7"}, "no tensor 'args_7' among its inputs: args_0"),
    ],
)
@pytest.mark.parametrize("key", [KERNELS, STOCK])
def test_other_tensors_than_the_manifest_says(
    both: Bundle, key: str, change: dict[str, object], expected: str
) -> None:
    content, (source,), outputs = parts(both, key)
    changed = msgspec.structs.replace(source, **change)
    with pytest.raises(BundleError, match=expected):
        load_program(content, (changed,), outputs, RUNTIME)


def test_forced_kernels(both: Bundle) -> None:
    assert load_program(*parts(both, KERNELS), RUNTIME, kernels="scalar").kernels.isa == "scalar"
    with pytest.raises(RuntimeMissingError, match=r"kernels scalar: .* runtime's own kernels"):
        load_program(*parts(both, STOCK), RUNTIME, kernels="scalar")
    assert program_keys("off") == (STOCK,)
    assert program_keys("auto") == (KERNELS, STOCK)


def test_threads_do_not_change_integers(both: Bundle) -> None:
    """Of our kernels; the runtime's own share one pool, which programs may not disagree about."""
    content, inputs, outputs = parts(both, KERNELS)
    codes = np.random.default_rng(1).integers(-128, 128, inputs[0].shape).astype(np.int8)
    one = load_program(content, inputs, outputs, RUNTIME, 1)
    (expected,) = one.run(codes)
    with pytest.raises(BundleError, match=r"programs that run on 1 threads are open"):
        load_program(content, inputs, outputs, RUNTIME, 2)
    del one
    two = load_program(content, inputs, outputs, RUNTIME, 2)
    np.testing.assert_array_equal(two.run(codes)[0], expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "identifier is missing"),
        (b"\0\0\0\0TFL3" + bytes(60), "identifier is missing"),
        (b"\0\0\0\0ET12" + bytes(60), "ExecuTorch cannot load it"),
        (b"\0\0\0\0ET99" + bytes(60), "ExecuTorch cannot load it"),
    ],
)
def test_not_a_program(both: Bundle, content: bytes, expected: str) -> None:
    _, inputs, outputs = parts(both, KERNELS)
    with pytest.raises(BundleError, match=expected) as caught:
        load_program(content, inputs, outputs, RUNTIME)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", [KERNELS, STOCK])
def test_every_cut_is_refused(both: Bundle, key: str) -> None:
    content, inputs, outputs = parts(both, key, "w2a2r32")
    for size in np.linspace(8, len(content) - 4096, 25).astype(int):
        with pytest.raises(BundleError) as caught:
            load_program(content[:size], inputs, outputs, RUNTIME)
        assert "\n" not in str(caught.value), f"{size} of {len(content)} bytes"


def test_a_damaged_graph_is_refused(both: Bundle) -> None:
    """Behind a valid hash: any bit of the payload, wherever the program holds it."""
    content, inputs, outputs = parts(both, KERNELS, "w4a4")
    start = content.index(b"EDGEDNQG")
    size = 32 + int.from_bytes(content[start + 16 : start + 24], "little")
    for seed in range(300):
        generator = random.Random(seed)
        damaged = bytearray(content)
        for _ in range(generator.choice((1, 4, 32))):
            damaged[start + generator.randrange(size)] ^= 1 << generator.randrange(8)
        with pytest.raises(BundleError, match="edge-dnq kernels: the integer graph"):
            load_program(bytes(damaged), inputs, outputs, RUNTIME)


@pytest.mark.parametrize("key", [KERNELS, STOCK])
def test_damaged_files_never_reach_the_runtime(
    executorch_folder: Path, tmp_path: Path, key: str
) -> None:
    folder = Path(shutil.copytree(executorch_folder, tmp_path / "bundle"))
    path = folder / Bundle.load(folder).program("w8a8").files[key].file
    content = path.read_bytes()
    kernels = "auto" if key == KERNELS else "off"
    for seed in range(300):
        generator = random.Random(seed)
        damaged = bytearray(content)
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(BundleError, match="does not have the sha256"):
            open_bundle(folder, RUNTIME, kernels)


TORCH_FREE = """
    import sys
    sys.modules["torch"] = None
    from edge_dnq import Session
    from edge_dnq.session import open_bundle
    from edge_dnq.verification import verify_bundle
    for kernels in ("auto", "off"):
        assert verify_bundle(sys.argv[1], runtime="executorch", kernels=kernels).ok
    assert not any(name.startswith("executorch") for name in sys.modules)
    print("ran")
"""


def test_torch_is_not_needed(executorch_folder: Path) -> None:
    assert python(TORCH_FREE, executorch_folder).strip() == "ran"


def test_errors_are_not_printed(both: Bundle, capfd: pytest.CaptureFixture[str]) -> None:
    _, inputs, outputs = parts(both, KERNELS)
    with pytest.raises(BundleError):
        load_program(b"\0\0\0\0ET12" + bytes(60), inputs, outputs, RUNTIME)
    captured = capfd.readouterr()
    assert captured.err == captured.out == ""


TWICE = """
    import ctypes, shutil, sys
    from edge_dnq.bundle import Bundle
    from edge_dnq.executorch_library import executorch_library_path, require_library
    from edge_dnq.programs import load_program
    require_library()
    runtime = ctypes.CDLL("libexecutorch.so")
    count = runtime["_ZN10executorch7runtime27get_num_registered_backendsEv"]
    before = count()
    ctypes.CDLL(str(executorch_library_path()))
    assert count() == before
    copy = shutil.copy(executorch_library_path(), sys.argv[2])
    ctypes.CDLL(copy)
    assert count() == before, (before, count())
    spec = Bundle.load(sys.argv[1]).program("w8a8")
    content = Bundle.load(sys.argv[1]).read(spec.files["executorch-kernels"])
    program = load_program(content, (spec.input,), (spec.output,), "executorch")
    assert program.kernels.isa
    print("once")
"""


def test_the_backend_registers_once(executorch_folder: Path, tmp_path: Path) -> None:
    answer = python(TWICE, executorch_folder, tmp_path / "libedge_dnq_copy.so")
    assert answer.strip() == "once"


WITH_TORCH = """
    import sys
    from edge_dnq.verification import verify_bundle
    from edge_dnq.session import Session, open_bundle
    outcome = verify_bundle(sys.argv[1], runtime="executorch")
    assert outcome.ok, outcome
    for check in outcome.programs.values():
        assert check.kernels.isa is None
        assert "no ExecuTorch library" in check.kernels.problem or "cannot load" in (
            check.kernels.problem), check.kernels
    assert "torch" in sys.modules
    print("ran")
"""


def test_without_the_library_torch_runs_stock_programs(
    executorch_folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    missing = {LIBRARY_VARIABLE: str(tmp_path / "missing.so")}
    assert python(WITH_TORCH, executorch_folder, **missing).strip().endswith("ran")


WITHOUT_BOTH = """
    import importlib.util, sys
    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name: None if name == "torch" else find(name)
    from edge_dnq.errors import RuntimeMissingError
    from edge_dnq.verification import verify_bundle
    try:
        verify_bundle(sys.argv[1], runtime="executorch")
    except RuntimeMissingError as error:
        print(error)
"""


def test_without_library_and_torch(executorch_folder: Path, tmp_path: Path) -> None:
    missing = {LIBRARY_VARIABLE: str(tmp_path / "missing.so")}
    message = python(WITHOUT_BOTH, executorch_folder, **missing)
    assert message.startswith("cannot load ")
    assert message.strip().endswith("or install torch")


def test_the_runtime_is_listed() -> None:
    assert RUNTIME in available_runtimes()


def test_programs_are_closed(both: Bundle) -> None:
    """Many programs one after the other, dropped in any order."""
    content, inputs, outputs = parts(both, KERNELS, "w2a2r32")
    programs = [ExecuTorchProgram(content, inputs, outputs) for _ in range(8)]
    codes = np.zeros(inputs[0].shape, np.int8)
    expected = programs[0].run(codes)[0]
    del programs[::2]
    for program in programs:
        np.testing.assert_array_equal(program.run(codes)[0], expected)
