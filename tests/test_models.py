"""The checkpoints that come with the repository: readable, small, of the recipes beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_dnq.nn.checkpoint import load_checkpoint
from edge_dnq.train.config import load_config
from edge_dnq.train.presets import PRESETS

ROOT = Path(__file__).resolve().parents[1]
MODELS = {
    "demo": ROOT / "edge_dnq" / "assets" / "demo.safetensors",
    "actions21": ROOT / "models" / "actions21.safetensors",
}
MOST_BYTES = 10_000_000


@pytest.mark.parametrize("name", MODELS)
def test_checkpoint_is_of_its_recipe(name: str) -> None:
    path = MODELS[name]
    model = load_checkpoint(path)
    recipe = load_config(PRESETS["quick"], path.with_suffix(".json"), ())
    assert model.config == recipe.model_config(model.config.labels, policy=True)
    assert path.stat().st_size < MOST_BYTES
    card = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    assert f"## {name} (`{path.relative_to(ROOT)}`" in card


def test_sensitive_layers_keep_their_bits() -> None:
    network = load_checkpoint(MODELS["actions21"]).backbone
    modules = dict(network.named_modules())
    assert modules["blocks.3.expand"].weight_bits == {"w8a8": 8, "w4a4": 4, "w2a2": 4}
    assert modules["blocks.0.filter_grid"].bits == {"w8a8": 8, "w4a4": 8, "w2a2": 8}
    assert modules["blocks.6.expand"].weight_bits == {"w8a8": 8, "w4a4": 4, "w2a2": 2}
