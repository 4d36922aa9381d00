"""How much each layer and activation suffers from few bits: the basis of ``lowest_bits``.

    python -m benchmarks.sensitivity RUN_DIR

One layer's weights or one activation at a time gets 4 or 2 bits while all else keeps 8; batch norms
and clip values are set anew, nothing is trained. What counts is the divergence of the classes'
probabilities from the full-precision network's, on training frames that nothing was set with.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from edge_dnq.nn.architectures import make_backbone
from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.config import ProgramConfig
from edge_dnq.nn.layers import NestedWeight
from edge_dnq.nn.quantisers import Grid
from edge_dnq.train.batches import BatchPlan, train_batches
from edge_dnq.train.config import TrainConfig
from edge_dnq.train.data import open_dataset
from edge_dnq.train.full_precision import STAGE
from edge_dnq.train.run_directory import CONFIG, RunDirectory

HIGH, LOW = ProgramConfig("w8a8", 8, 8), ProgramConfig("w2a2", 2, 2)
BITS = (4, 2)


def lowered(network: AnyPrecisionBackbone) -> list[str]:
    """Return the names of the layers and grids that the low program runs at 2 bits."""
    return [name for name, module in network.named_modules() if bits_of(module)[LOW.name] == 2]


def bits_of(module: torch.nn.Module) -> dict[str, int]:
    """Return the bits per program of a layer's weights or of a grid; 8 of everything else."""
    if isinstance(module, NestedWeight):
        return module.weight_bits
    return module.bits if isinstance(module, Grid) else {LOW.name: 8}


def divergence(network: AnyPrecisionBackbone, frames: Tensor, taught: Tensor) -> float:
    """Return the mean Kullback-Leibler divergence from the teacher, in nats.

    Args:
        network: Set from the frames before those.
        frames: Normalised, [M, 3, S, S]; the last N are judged.
        taught: The teacher's log-probabilities on the second half, [N, K].
    """
    network.calibrate(frames[: -len(taught)], HIGH.name)
    given = network.eval()(frames[-len(taught) :], HIGH.name).log_softmax(-1)
    return float((taught.exp() * (taught - given)).sum(-1).mean())


@click.command(help=__doc__)
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--frames", default=128, show_default=True)
@torch.no_grad()
def main(run: Path, frames: int) -> None:
    """Print the divergences in the order of the network."""
    stored = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    config = msgspec.convert(stored["config"], TrainConfig)
    labels = tuple(stored["labels"])
    model = config.model_config(labels, full_precision=True)
    teacher = make_backbone(model.backbone, len(labels), model.input_scale)
    RunDirectory(run).load_network(STAGE, teacher)
    clips = open_dataset(
        stored["data"], "train", clip_frames=config.clip_frames, cache_size=config.cache_size
    )
    plan = BatchPlan(config.backbone.input_size, config.mean, config.std, frames, frames=1)
    images = next(iter(train_batches(clips, plan, seed=0, epoch=0))).frames.flatten(0, 1)
    taught = teacher.eval()(images[len(images) // 2 :], None).log_softmax(-1)
    backbone = msgspec.structs.replace(
        config.backbone, programs=(HIGH, LOW), full_precision=False, lowest_bits={}
    )

    def with_bits(name: str | None, bits: int) -> float:
        network = type(teacher).from_full_precision(teacher, backbone)
        for own, module in network.named_modules():
            if own == name:
                bits_of(module)[HIGH.name] = bits
        return divergence(network, images, taught)

    names = lowered(type(teacher).from_full_precision(teacher, backbone))
    table = Table("layer or activation", *(f"{bits} bit" for bits in BITS))
    table.add_row("everything at 8 bit", f"{with_bits(None, 8):.3f}", "")
    for name in track(names, disable=not Console().is_terminal):
        table.add_row(name, *(f"{with_bits(name, bits):.3f}" for bits in BITS))
    Console(width=90).print(table)


if __name__ == "__main__":
    main()
