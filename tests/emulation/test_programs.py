"""The delegate against stock LiteRT on every emulated processor, all int8 elements."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from tests.edge_dnq.programs.tflite_models import Model, Op, RandomNetwork
from tests.emulation import run_programs
from tests.emulation.machine import Machine, Processor

RUN_PROGRAMS = Path(run_programs.__file__)
ISAS = {"neon": ("neon", "scalar"), "neondot": ("neondot", "neon")}


class Programs:
    """Programs and inputs in a folder, and everybody's answers to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs: dict[str, list[np.ndarray]] = {}

    def add(self, name: str, content: bytes, *inputs: np.ndarray) -> None:
        (self.folder / f"{name}.tflite").write_bytes(content)
        arrays = {f"i{index}": value for index, value in enumerate(inputs)}
        np.savez(self.folder / f"{name}.inputs.npz", **arrays)
        self.inputs[name] = list(inputs)

    def here(self, name: str) -> list[np.ndarray]:
        """Answers of the stock runtime on this machine's own processor."""
        content = (self.folder / f"{name}.tflite").read_bytes()
        return run_programs.answers(content, self.inputs[name], [])

    def on(
        self, machine: Machine, processor: Processor, cross_build: Path
    ) -> dict[str, np.ndarray]:
        library = cross_build / "libedge_dnq_litert.so"
        command = [RUN_PROGRAMS, self.folder, library, *ISAS[processor.isa]]
        done = machine.python(processor, command)
        assert done.returncode == 0, f"{processor.name}: {done.stderr[-3000:]}"
        with np.load(self.folder / "answers.npz") as answers:
            return dict(answers)

    def check(self, machine: Machine, processor: Processor, cross_build: Path) -> None:
        """The delegate answers like the stock runtime of the same processor."""
        answers = self.on(machine, processor, cross_build)
        assert len(answers) >= len(self.inputs) * (1 + len(ISAS[processor.isa]))
        for key, answer in answers.items():
            name, _, index = key.split("/")
            np.testing.assert_array_equal(
                answer, answers[f"{name}/stock/{index}"], f"{key} on {processor.name}"
            )


@pytest.mark.slow
def test_random_networks_answer_like_the_stock_runtime(
    machine: Machine, cross_build: Path, processor: Processor, tmp_path: Path
) -> None:
    programs = Programs(tmp_path)
    for seed in range(24):
        network = RandomNetwork(seed, taps=0.0 if seed % 3 else 1.0)
        programs.add(f"random{seed}", network.content, network.codes(seed))
    programs.check(machine, processor, cross_build)


def test_an_exported_bundle_answers_like_the_stock_runtime(
    machine: Machine, cross_build: Path, processor: Processor, bundle: Bundle, tmp_path: Path
) -> None:
    programs = Programs(tmp_path)
    random = np.random.default_rng(0)
    for path in sorted(bundle.path.glob("*.tflite")):
        content = path.read_bytes()
        inputs = [
            random.integers(-128, 128, detail["shape"]).astype(np.int8)
            if detail["dtype"] == np.int8
            else random.integers(-2, 3, detail["shape"]).astype(detail["dtype"])
            for detail in run_programs.Interpreter(model_content=content).get_input_details()
        ]
        programs.add(path.stem, content, *inputs)
    assert len(programs.inputs) == 4
    programs.check(machine, processor, cross_build)


def test_addition_rounds_the_same_on_both_architectures(
    machine: Machine, cross_build: Path, processor: Processor, tmp_path: Path
) -> None:
    """All pairs of codes; scales include those at which sums fall between two levels."""
    programs = Programs(tmp_path)
    left, right = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    codes = [side.reshape(1, 256, 256, 1).astype(np.int8) for side in (left, right)]
    for index, (first, second) in enumerate(((1.0, 0.5), (1.0, 0.25), (0.713, 1.9), (3.1, 2.0))):
        model = Model()
        inputs = [model.tensor((1, 256, 256, 1), scale, 3) for scale in (first, second)]
        output = model.tensor((1, 256, 256, 1), 1.0, -128)
        model.add(Op.ADD, inputs, output)
        programs.add(f"add{index}", model.build(inputs, [output]), *codes)
    answers = programs.on(machine, processor, cross_build)
    for name in programs.inputs:
        for who in ("stock", *ISAS[processor.isa]):
            np.testing.assert_array_equal(answers[f"{name}/{who}/0"], programs.here(name)[0], who)


def test_mean_rounds_once_on_this_architecture(
    machine: Machine, cross_build: Path, processor: Processor, tmp_path: Path
) -> None:
    """Near ties, where fusing the multiplication with the addition shows."""
    programs, expected = Programs(tmp_path), {}
    random = np.random.default_rng(1)
    for index in range(60):
        side, total, level = (
            int(random.integers(*span)) for span in ((2, 15), (1, 4000), (0, 250))
        )
        count = side * side
        total = min(total, 255 * count)
        scale_in = np.float32(6 / 255)
        exact = total * float(scale_in) / count / (level + 0.5)
        scale_out = np.float32(exact * (1 + random.uniform(-4e-7, 4e-7)))
        codes = np.full(count, total // count - 128, np.int8)
        codes[: total % count] += 1
        model = Model()
        source = model.tensor((1, side, side, 8), float(scale_in), -128)
        output = model.tensor((1, 8), float(scale_out), -128)
        model.add(Op.MEAN, [source, model.constant([1, 2])], output, keepDims=False)
        values = np.repeat(codes[:, None], 8, axis=1).reshape(1, side, side, 8)
        programs.add(f"mean{index}", model.build([source], [output]), values)
        expected[f"mean{index}"] = _fused_mean(total - 128 * count, count, scale_in, scale_out)
    answers = programs.on(machine, processor, cross_build)
    for name, value in expected.items():
        for who in ("stock", *ISAS[processor.isa]):
            np.testing.assert_array_equal(answers[f"{name}/{who}/0"], value, f"{name} {who}")
    assert any((programs.here(name)[0] != value).any() for name, value in expected.items()), (
        "no case tells the two rules apart"
    )


def _fused_mean(total: int, count: int, scale_in: np.float32, scale_out: np.float32) -> int:
    """The stock runtime's mean with both zero points -128, each sum rounded once to float32."""
    factor = (scale_in / scale_out) * (np.float32(1) / np.float32(count))
    exact = Fraction(float(factor))
    offset = _float32(128 * count * exact - 128)
    rounded = round(Fraction(float(_float32(total * exact + Fraction(float(offset))))))
    return min(max(rounded, -128), 127)


def _float32(value: Fraction) -> np.float32:
    """The nearest float32, half to even."""
    if value == 0:
        return np.float32(0)
    exponent = math.frexp(float(value))[1] - 24
    step = Fraction(2) ** exponent
    return np.float32(float(round(value / step) * step))
