"""Any-precision residual networks."""

from __future__ import annotations

import pytest
import torch

from edge_dnq.nn.config import BackboneConfig, ProgramConfig
from edge_dnq.nn.operations import FakeQuantOperations
from edge_dnq.nn.resnet import AnyPrecisionResNet


def network(architecture: str = "resnet18", **options: object) -> AnyPrecisionResNet:
    config = BackboneConfig(
        architecture=architecture,  # type: ignore[arg-type]
        **{"width": 0.125, "stem": "small", "input_size": 32, **options},  # type: ignore[arg-type]
    )
    torch.manual_seed(0)
    return AnyPrecisionResNet(config, 5)


def frames(count: int = 4, size: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (count, 3, size, size), generator=generator)
    return (pixels - 128).float() / 128


@pytest.mark.parametrize(
    ("architecture", "macs"),
    # Published counts at width 1, 224 px and 1000 classes: 1.82, 3.67 and 4.09 G.
    [("resnet18", 1.82e9), ("resnet34", 3.67e9), ("resnet50", 4.09e9)],
)
def test_macs_match_the_published_counts(architecture: str, macs: float) -> None:
    config = BackboneConfig(architecture=architecture)  # type: ignore[arg-type]
    with torch.device("meta"):
        counted = AnyPrecisionResNet(config, 1000).macs("w8a8")
    assert counted == pytest.approx(macs, rel=0.01)


@pytest.mark.parametrize("architecture", ["resnet18", "resnet34", "resnet50"])
def test_all_programs_share_one_set_of_weights(architecture: str) -> None:
    model = network(architecture)
    convolutions = [name for name, _ in model.named_parameters() if name.endswith(".weight")]
    assert not any(
        program in name and "norms" not in name
        for name in convolutions
        for program in model.programs
    )
    outputs = []
    for program in model.programs:
        model.calibrate(frames(), program)
        outputs.append(model.eval()(frames(), program))
    assert not torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[1], outputs[2])


def test_deployed_arithmetic_follows_the_fake_quantised_network() -> None:
    """Operation by operation, given the same inputs, they differ only by the bias's rounding."""
    model = network().eval()
    for program in model.programs:
        model.calibrate(frames(), program)
    deployed = model(frames(), "w8a8")
    with torch.no_grad():
        floating = model.compute(FakeQuantOperations("w8a8"), frames())
    step = model.logit_grid.clip_value("w8a8") / 127
    # At 8 bit a bias is rounded by 1/1000 of a level; flips of single levels remain.
    assert float((deployed - floating).abs().max()) <= 8 * step


def test_training_reaches_every_parameter() -> None:
    model = network(full_precision=True).train()
    for program in (*model.programs, None):
        model(frames(), program).square().mean().backward()
    without = [name for name, p in model.named_parameters() if p.grad is None]
    assert without == []
    zero = [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 0]
    assert zero == []


def test_a_student_starts_from_its_teacher() -> None:
    teacher = network(full_precision=True)
    teacher.train()(frames(), None)
    student = AnyPrecisionResNet.from_full_precision(teacher, network().config)
    assert torch.equal(student.stem.weight, teacher.stem.weight)
    source = teacher.stem.norm(None)
    for program in student.programs:
        assert torch.equal(student.stem.norm(program).running_mean, source.running_mean)


def test_unknown_programs_are_refused() -> None:
    with pytest.raises(KeyError, match="w8a8, w4a4, w2a2"):
        network()(frames(), "w3a3")
    with pytest.raises(KeyError, match="full-precision"):
        network()(frames(), None)


def test_programs_may_differ_in_resolution() -> None:
    programs = (ProgramConfig("w8a8", 8, 8), ProgramConfig("w8a8r16", 8, 8, resolution=16))
    model = network(programs=programs, input_size=32)
    assert model.resolution("w8a8r16") == 16
    assert model.macs("w8a8r16") < 0.3 * model.macs("w8a8")
    model.calibrate(frames(size=16), "w8a8r16")
    assert model.eval()(frames(size=16), "w8a8r16").shape == (4, 5)
