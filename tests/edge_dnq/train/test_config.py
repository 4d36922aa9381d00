from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from edge_dnq.errors import EdgeDnqError
from edge_dnq.nn.config import BackboneConfig, ModelConfig, PolicyConfig, ProgramConfig
from edge_dnq.train.config import TrainConfig, action_costs, load_config
from edge_dnq.train.presets import PAPER, PRESETS, QUICK

MODEL = ModelConfig(
    labels=("a", "b"),
    backbone=BackboneConfig(
        programs=(
            ProgramConfig("w8a8", 8, 8),
            ProgramConfig("w8a8r80", 8, 8, 80),
            ProgramConfig("w4a4", 4, 4),
            ProgramConfig("w2a2", 2, 2),
        )
    ),
    policy=PolicyConfig(skip_lengths=(1, 4)),
)
MACS = {"w8a8": 400, "w8a8r80": 100, "w4a4": 400, "w2a2": 400}


def test_costs_are_bit_operations() -> None:
    assert action_costs("macs", MODEL, MACS) == (1.0, 0.25, 0.25, 0.0625, 0.0, 0.0)


def test_costs_may_be_measured() -> None:
    measured = {"w8a8": 50.0, "w8a8r80": 10.0, "w4a4": 20.0, "w2a2": 15.0, "skip4": 0.5}
    assert action_costs(measured, MODEL, MACS) == (1.0, 0.2, 0.4, 0.3, 0.0, 0.01)


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"w8a8": 1.0, "w9a9": 1.0}, "costs name w9a9; the actions are w8a8, .*skip4"),
        ({"w8a8": 1.0, "w4a4": 1.0}, "costs leave out w8a8r80, w2a2"),
        (dict.fromkeys(MACS, 0.0), "must not all be zero"),
    ],
)
def test_costs_that_fit_no_policy(costs: dict[str, float], message: str) -> None:
    with pytest.raises(EdgeDnqError, match=message):
        action_costs(costs, MODEL, MACS)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_survive_json(name: str) -> None:
    text = msgspec.json.encode(PRESETS[name])
    assert msgspec.json.decode(text, type=TrainConfig) == PRESETS[name]


def test_paper_recipe() -> None:
    assert (PAPER.backbone.architecture, PAPER.backbone.input_size) == ("resnet50", 224)
    assert PAPER.clip_frames == 16
    assert (PAPER.full_precision.epochs, PAPER.policy_training.epochs) == (100, 50)
    assert PAPER.policy_training.temperature == 5.0
    assert PAPER.policy_training.temperature_decay == 0.956
    weights = PAPER.policy_training.losses
    assert (weights.cost, weights.entropy, weights.policy_class) == (0.16, 0.1, 1.0)
    assert (PAPER.policy.input_size, PAPER.policy.hidden) == (84, 512)


def test_settings_change_one_value_each(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"any_precision": {"epochs": 7, "batch": 3}, "clip_frames": 5}))
    config = load_config(QUICK, file, ("any_precision.epochs=9", "backbone.architecture=resnet34"))
    assert (config.any_precision.epochs, config.any_precision.batch) == (9, 3)
    assert config.backbone.architecture == "resnet34"
    assert config.clip_frames == 5
    assert config.full_precision == QUICK.full_precision


def test_measured_costs_may_replace_the_default() -> None:
    config = load_config(QUICK, None, ('policy_training.costs={"w8a8":2,"w4a4":1,"w2a2":1}',))
    assert config.policy_training.costs == {"w8a8": 2.0, "w4a4": 1.0, "w2a2": 1.0}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epochs", "expected key=value"),
        ("=3", "expected key=value"),
        ("epoch=3", "unknown field `epoch`"),
        ("any_precision.epochs=none", r"any_precision\.epochs"),
        ("any_precision.epochs=0", r"any_precision\.epochs"),
        ("policy_holdout=1", "policy_holdout"),
        ("full_precision.optimiser.name=adam", r"full_precision\.optimiser\.name"),
        ("any_precision=3", r"any_precision"),
    ],
)
def test_bad_settings(setting: str, message: str) -> None:
    with pytest.raises(EdgeDnqError, match=message):
        load_config(QUICK, None, (setting,))


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"nothing": 1}'])
def test_bad_file(content: str, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(content)
    with pytest.raises(EdgeDnqError):
        load_config(QUICK, file, ())
    with pytest.raises(EdgeDnqError, match="cannot read"):
        load_config(QUICK, tmp_path / "missing.json", ())
