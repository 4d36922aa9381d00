"""What is recognised, what is asked for, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.videoiq.archive import is_foreign
from edge_dnq.nn.videoiq.model import ImportOptions, load_videoiq
from tests.edge_dnq.nn.videoiq.checkpoints import random_state, save

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def whole() -> State:
    return random_state(features=64, hidden=16)


@pytest.fixture(scope="module")
def one_parent(whole: State) -> State:
    """Without the policy, whose millions of weights take most of the time."""
    return {key: value for key, value in whole.items() if not key.startswith("policy_net")}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"depth": 18}, ("one parent", (32, 4, 2), 18, False, 1)),
        ({"depth": 34, "full": True, "skips": 0}, ("one parent", (32, 4, 2), 34, True, 0)),
        ({"depth": 50, "bits": (8, 4)}, ("one parent", (8, 4), 50, False, 1)),
        (
            {"depth": 18, "bits": (4, 2), "full": True},
            ("separate full-precision backbone", (32, 4, 2), 18, False, 1),
        ),
        ({"depth": 18, "bits": (4, 2)}, ("one parent", (4, 2), 18, False, 1)),
    ],
)
def test_families_are_told_apart_by_their_keys(
    made: dict[str, Any], expected: tuple[object, ...], tmp_path: Path
) -> None:
    path = save(tmp_path / "m.pth.tar", random_state(**made, features=64, hidden=16, classes=9))
    model = load_videoiq(path)
    layout = model.layout
    found = (layout.family, layout.program_bits, layout.depth, layout.teacher, layout.skips)
    assert found == expected
    assert (layout.classes, layout.features, layout.hidden) == (9, 64, 16)
    assert model.facts == {"epoch": 7, "arch": "res18", "best_top1": 51.5}
    assert model.unused == ()


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("legacy", [False, True])
def test_wrappers(prefix: str, legacy: bool, one_parent: State, tmp_path: Path) -> None:
    """Optimiser states and numpy numbers beside the weights, either file format, any name."""
    path = tmp_path / "best.pth.tar"
    optimiser = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
    save(path, one_parent, prefix, optimizer=optimiser, best_top1=np.float64(0.5))
    if legacy:
        payload = {"state_dict": {prefix + key: value for key, value in one_parent.items()}}
        torch.save(payload, path, _use_new_zipfile_serialization=False)
    model = load_videoiq(path)
    assert is_foreign(path)
    assert model.layout.bits == (32, 4, 2)
    assert legacy or model.facts["best_top1"] == 0.5
    bare = tmp_path / "bare.pt"
    torch.save(one_parent, bare)
    assert is_foreign(bare)
    assert load_videoiq(bare).layout == model.layout


def test_what_the_file_does_not_say_is_asked_for(tmp_path: Path) -> None:
    state = random_state(skips=2, features=64, hidden=16, classes=3)
    path = save(tmp_path / "m.pth.tar", state)
    with pytest.raises(CheckpointError, match=r"has 2 skip actions.*--skip-lengths 1,2"):
        load_videoiq(path)
    model = load_videoiq(path, ImportOptions(skip_lengths=(1, 3), labels=("a", "b", "c")))
    assert model.actions == ("w32a32", "w4a4", "w2a2", "skip", "skip3")
    for lengths in ((1,), (1, 1), (0, 2), (1, 2, 3)):
        with pytest.raises(CheckpointError, match=r"--skip-lengths .* does not fit"):
            load_videoiq(path, ImportOptions(skip_lengths=lengths))
    with pytest.raises(CheckpointError, match="has 3 classes, but 2 labels"):
        load_videoiq(path, ImportOptions(skip_lengths=(1, 2), labels=("a", "b")))


def test_the_order_of_precisions_is_never_guessed(one_parent: State, tmp_path: Path) -> None:
    path = save(tmp_path / "m.pth.tar", dict(sorted(one_parent.items())))
    with pytest.raises(CheckpointError, match=r"lists its precisions as 2,32,4.*--bits 32,4,2"):
        load_videoiq(path)
    assert load_videoiq(path, ImportOptions(bits=(32, 4, 2))).layout.bits == (32, 4, 2)
    with pytest.raises(CheckpointError, match="--bits 4,2 does not name the precisions"):
        load_videoiq(path, ImportOptions(bits=(4, 2)))


@pytest.mark.parametrize("keep", [0, 10, 1000, 0.5, 0.99])
@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_files(keep: float, legacy: bool, one_parent: State, tmp_path: Path) -> None:
    path = tmp_path / "m.pth.tar"
    torch.save({"state_dict": one_parent}, path, _use_new_zipfile_serialization=not legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(CheckpointError, match="is damaged or not a torch file: expected a checkp"):
        load_videoiq(path)


def test_a_flipped_byte(one_parent: State, tmp_path: Path) -> None:
    path = save(tmp_path / "m.pth.tar", one_parent)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        load_videoiq(path)


class Trap:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


def test_code_in_a_file_does_not_run(one_parent: State, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = save(tmp_path / "m.pth.tar", one_parent, args=Trap(mark))
    with pytest.raises(CheckpointError, match="holds Python objects beside its weights"):
        load_videoiq(path)
    assert not mark.exists()


def rename(state: State, old: str, new: str) -> State:
    return {re.sub(old, new, key): value for key, value in state.items()}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("^backbone", "base", r"has no backbone\.conv1\.weight; it has base\."),
        (r"^fc\.", "new_fc.", r"has no fc\.weight"),
        (r"\.bn1_", ".norm1_", r"no batch norm of any precision"),
        (r"layer3\.1\.", "layer3.2.", r"has 2-2-2-2 basic blocks|missing backbone\.layer3\.1"),
        (r"layer4", "layer5", r"has 2-2-2-0 basic blocks: expected a ResNet of depth 18"),
        (r"layer2\.0\.conv2", "layer2.0.conv_b", r"missing backbone\.layer2\.0\.conv2\.weight"),
        (r"q_alpha2", "alpha2", r"missing backbone\.layer1\.0\.q_alpha2_2, .* more; unknown"),
        (r"downsample_4", "shortcut_4", r"missing backbone\.layer2\.0\.downsample_4\.0\.weight"),
        (r"policy_net\.rnn", "policy_net.lstm", r"incomplete policy: policy_net\.rnn"),
        (r"features\.17", "features.18", r"missing policy_net\.features\.17\.conv"),
        (r"bn1_32\b", "bn1_3", r"a precision of 3 bits; programs are made for 32, 8, 4 and 2"),
    ],
)  # fmt: skip
def test_renamed_tensors(
    old: str, new: str, message: str, whole: State, one_parent: State, tmp_path: Path
) -> None:
    state = whole if "policy" in message else one_parent
    path = save(tmp_path / "m.pth.tar", rename(state, old, new))
    with pytest.raises(CheckpointError, match=message) as caught:
        load_videoiq(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "shape", "message"),
    [
        ("backbone.layer2.1.conv1.weight", (16, 16, 1, 1), r"has shape \[16, 16, 1, 1\] where \["),
        ("backbone.bn1.running_var", (9,), r"running_var has shape \[9\] where \[8\]"),
        ("backbone.layer1.0.q_alpha1_4", (8,), r"q_alpha1_4 has shape \[8\] where \[\] fits"),
        ("fc.bias", (6,), r"fc\.bias has shape \[6\] where \[5\] fits"),
        ("policy_net.linear.weight", (2, 16), r"linear\.bias has shape \[4\] where \[2\] fits"),
        ("policy_net.rnn.weight_hh", (64, 8), r"and \d+ more"),
    ],
)  # fmt: skip
def test_tensors_of_another_shape(
    key: str, shape: tuple[int, ...], message: str, whole: State, one_parent: State, tmp_path: Path
) -> None:
    state = whole if key.startswith("policy") else one_parent
    path = save(tmp_path / "m.pth.tar", {**state, key: torch.ones(shape)})
    with pytest.raises(CheckpointError, match=message):
        load_videoiq(path)


def test_a_policy_of_too_few_actions(tmp_path: Path) -> None:
    state = random_state(skips=-1, features=64, hidden=16)
    path = save(tmp_path / "m.pth.tar", state)
    with pytest.raises(CheckpointError, match=r"a policy of 2 actions for 3 precisions"):
        load_videoiq(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("backbone.layer1.0.q_alpha1_4", 0.0, "has the clip value 0 in"),
        ("backbone.layer1.0.q_alpha1_4", float("nan"), "NaN or infinite values in"),
        ("backbone.bn1.running_var", -1.0, "a negative variance in backbone.bn1.running_var"),
    ],
)
def test_values_that_cannot_be(
    key: str, value: float, message: str, one_parent: State, tmp_path: Path
) -> None:
    broken = torch.full_like(one_parent[key], value)
    path = save(tmp_path / "m.pth.tar", {**one_parent, key: broken})
    with pytest.raises(CheckpointError, match=message):
        load_videoiq(path)


def test_weights_without_a_quantised_form(one_parent: State, tmp_path: Path) -> None:
    key = "backbone.layer1.1.conv2.weight"
    path = save(tmp_path / "m.pth.tar", {**one_parent, key: torch.zeros_like(one_parent[key])})
    with pytest.raises(CheckpointError, match=f"all weights of {key} are zero"):
        load_videoiq(path).backbone(4)


def test_unknown_tensors_are_named(one_parent: State, tmp_path: Path) -> None:
    path = save(tmp_path / "m.pth.tar", {**one_parent, "backbone.extra.weight": torch.ones(3)})
    assert load_videoiq(path).unused == ("backbone.extra.weight",)


def test_vector_clip_values(one_parent: State, tmp_path: Path) -> None:
    vectors = {
        key: value.reshape(1) if ".q_alpha" in key else value for key, value in one_parent.items()
    }
    model = load_videoiq(save(tmp_path / "m.pth.tar", vectors))
    rectifier = model.backbone(4).blocks[0].rectifiers[0]
    assert rectifier.alpha == pytest.approx(float(one_parent["backbone.layer1.0.q_alpha1_4"]))
