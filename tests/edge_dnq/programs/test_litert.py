from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import BundleError, RuntimeMissingError
from edge_dnq.manifest import TensorSpec
from edge_dnq.programs import RUNTIMES, available_runtimes, load_program
from edge_dnq.programs.litert import LiteRtProgram, find_package

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")

REPOSITORY = Path(__file__).resolve().parents[3]


def policy_parts(
    bundle: Bundle,
) -> tuple[bytes, tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    spec = bundle.manifest.policy
    assert spec is not None
    return bundle.read(spec.files["litert"]), spec.inputs, spec.outputs


def inputs_for(specs: tuple[TensorSpec, ...]) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=spec.shape).astype(spec.dtype) for spec in specs]


def test_registry() -> None:
    assert "litert" in available_runtimes()
    assert set(available_runtimes()) <= set(RUNTIMES)
    with pytest.raises(RuntimeMissingError, match="unknown runtime 'lite': choose one of litert"):
        load_program(b"", (), (), "lite")


def test_the_newer_package_is_preferred() -> None:
    assert find_package().name == "ai-edge-litert"


def test_order_is_that_of_the_specs(bundle: Bundle) -> None:
    content, inputs, outputs = policy_parts(bundle)
    values = inputs_for(inputs)
    straight = load_program(content, inputs, outputs, "litert").run(*values)
    turned = load_program(content, inputs[::-1], outputs[::-1], "litert").run(*values[::-1])
    for one, two in zip(straight, turned[::-1], strict=True):
        np.testing.assert_array_equal(one, two)
    assert [array.shape for array in straight] == [spec.shape for spec in outputs]


def test_outputs_are_the_callers(bundle: Bundle) -> None:
    content, inputs, outputs = policy_parts(bundle)
    program = load_program(content, inputs, outputs, "litert")
    first = program.run(*inputs_for(inputs))
    kept = [array.copy() for array in first]
    program.run(*[np.ones(spec.shape, spec.dtype) for spec in inputs])
    for one, two in zip(first, kept, strict=True):
        np.testing.assert_array_equal(one, two)


def test_threads_do_not_change_integers(bundle: Bundle) -> None:
    spec = bundle.program("w8a8")
    content = bundle.read(spec.files["litert"])
    codes = np.random.default_rng(1).integers(-128, 128, spec.input.shape).astype(np.int8)
    results = [
        load_program(content, (spec.input,), (spec.output,), "litert", threads).run(codes)[0]
        for threads in (1, 2)
    ]
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shape": (1, 24, 24, 3)}, "is int8 .* the manifest says int8"),
        ({"dtype": "float32"}, "the manifest says float32"),
        ({"scale": 0.5}, "and zero point 0, the manifest says 0.5 and 0"),
        ({"zero_point": 3}, "the manifest says .* and 3"),
        ({"name": "args_7"}, "no tensor 'args_7' among its inputs: args_0"),
    ],
)
def test_other_tensors_than_the_manifest_says(
    bundle: Bundle, change: dict[str, object], expected: str
) -> None:
    spec = bundle.program("w8a8")
    changed = msgspec.structs.replace(spec.input, **change)
    with pytest.raises(BundleError, match=expected):
        load_program(bundle.read(spec.files["litert"]), (changed,), (spec.output,), "litert")


def test_other_number_of_tensors(bundle: Bundle) -> None:
    content, inputs, outputs = policy_parts(bundle)
    with pytest.raises(BundleError, match="has 3 inputs, the manifest 2"):
        load_program(content, inputs[:2], outputs, "litert")
    with pytest.raises(BundleError, match="twice among its outputs"):
        load_program(content, inputs, (outputs[0], outputs[1], outputs[1]), "litert")


@pytest.mark.parametrize("content", [b"", b"TFL3", bytes(5000), b"\0\0\0\0TFL3" + bytes(60)])
def test_not_a_program(bundle: Bundle, content: bytes) -> None:
    _, inputs, outputs = policy_parts(bundle)
    with pytest.raises(BundleError) as caught:
        LiteRtProgram(content, inputs, outputs)
    assert "\n" not in str(caught.value)


def test_damage_behind_a_valid_hash_does_not_crash(bundle: Bundle) -> None:
    """Flip bits all over a program: it either runs or is refused in one line."""
    content, inputs, outputs = policy_parts(bundle)
    values = inputs_for(inputs)
    refused = []
    for seed in range(60):
        generator = random.Random(seed)
        damaged = bytearray(content)
        for _ in range(generator.choice((1, 4, 32))):
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        try:
            with np.errstate(all="ignore"):
                load_program(bytes(damaged), inputs, outputs, "litert").run(*values)
        except BundleError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in message for message in refused)


STUB = """
class Interpreter:
    def __init__(self, **arguments):
        raise ValueError("stub")
"""
SELECT = """
import sys
sys.modules["ai_edge_litert"] = None
from edge_dnq.errors import RuntimeMissingError
from edge_dnq.programs.litert import find_package
try:
    print(find_package().name)
except RuntimeMissingError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("interpreter", "expected"),
    [
        (STUB, "tflite-runtime"),
        (None, "no runtime for TFLite programs is installed: pip install 'edge-dnq[litert]'"),
        ("import numpy._no_such_part", "tflite-runtime: No module named 'numpy._no_such_part'"),
        ("raise ImportError('built for numpy 1\\nand more')", "tflite-runtime: built for numpy 1"),
    ],
)
def test_falling_back(tmp_path: Path, interpreter: str | None, expected: str) -> None:
    """Without LiteRT its predecessor is taken, and a broken one is told apart from a missing."""
    if interpreter is not None:
        package = tmp_path / "tflite_runtime"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "interpreter.py").write_text(interpreter)
        metadata = tmp_path / "tflite_runtime-2.14.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Name: tflite-runtime\nVersion: 2.14.0\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"}
    result = subprocess.run(
        [sys.executable, "-c", SELECT], env=environment, capture_output=True, text=True, check=True
    )
    assert expected in result.stdout


PREDECESSOR = """
import sys
import numpy as np
from edge_dnq import Bundle, Session
from edge_dnq.kernels import kernels_status
from edge_dnq.programs.litert import find_package
assert find_package().name == "tflite-runtime"
bundle = Bundle.load(sys.argv[1])
golden = bundle.golden()
session = Session(bundle, policy="uniform:w8a8", kernels="off")
for frame, codes in zip(golden["frames"], golden["program/w8a8"]):
    step = session.step(frame)
    spec = bundle.program("w8a8").output
    expected = (codes.astype(float) - spec.zero_point) * spec.scale
    # Another rounding rule: some codes off, never another picture.
    assert np.abs(step.logits - expected).max() <= 12 * spec.scale
learned = Session(bundle, kernels="off")
first = learned.step(golden["frames"][0]).policy_logits
expected = golden["policy/logits"][0]
# The encoder's features may be some of 255 codes off; the memory is the same float32.
np.testing.assert_allclose(first, expected, atol=0.02 * np.abs(expected).max())
assert session.result().executed == len(golden["frames"])
if kernels_status().available:
    # The package's kernels round as ever, whoever runs them.
    for name in ("w8a8", "w4a4", "w2a2r32"):
        session = Session(bundle, policy=f"uniform:{name}")
        assert session.kernels[name].isa is not None, session.kernels[name].describe()
        spec = bundle.program(name).output
        for frame, codes in zip(golden["frames"], golden[f"program/{name}"]):
            expected = (codes.astype(np.float32) - spec.zero_point) * np.float32(spec.scale)
            np.testing.assert_array_equal(session.step(frame).logits, expected, err_msg=name)
print("ran")
"""


@pytest.mark.slow
def test_on_the_predecessor(bundle_folder: Path, tmp_path: Path) -> None:
    """Run the bundle on tflite-runtime in an environment of its own."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    packages = ["tflite-runtime>=2.14", "numpy<2", "opencv-python-headless<4.12", "msgspec"]
    install = [str(python), "-m", "pip", "install", "-q", "--no-input", *packages]
    installed = subprocess.run(install, capture_output=True, text=True)
    if installed.returncode:
        reason = (installed.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"tflite-runtime cannot be installed here: {reason}")
    shutil.copytree(REPOSITORY / "edge_dnq", tmp_path / "code" / "edge_dnq")
    result = subprocess.run(
        [str(python), "-c", textwrap.dedent(PREDECESSOR), str(bundle_folder)],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "code")},
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == "ran", result.stderr
