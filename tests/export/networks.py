"""Random calibrated networks of the family, and running their programs on the stock runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter

from edge_dnq.nn.architectures import make_backbone
from edge_dnq.nn.backbone import AnyPrecisionBackbone
from edge_dnq.nn.config import BackboneConfig, ProgramConfig
from edge_dnq_export import litert
from edge_dnq_export.graph import IntegerGraph


def pixels(size: int, seed: int, count: int = 3) -> np.ndarray:
    """Smooth random images, uint8 [N, size, size, 3]: closer to video than white noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 4, 4, 3)).astype(np.float32)
    image = torch.nn.functional.interpolate(
        torch.from_numpy(coarse).permute(0, 3, 1, 2), (size, size), mode="bilinear"
    )
    noise = rng.normal(0, 8, (count, size, size, 3))
    return np.clip(image.permute(0, 2, 3, 1).numpy() + noise, 0, 255).astype(np.uint8)


def normalised(images: np.ndarray) -> torch.Tensor:
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() - 128) / 128


def input_codes(images: np.ndarray) -> np.ndarray:
    return (images.astype(np.int16) - 128).astype(np.int8)


def random_network(
    architecture: str, width: float, size: int, seed: int, programs: tuple[ProgramConfig, ...]
) -> AnyPrecisionBackbone:
    """A network with random weights, gains and biases, calibrated on smooth images."""
    torch.manual_seed(seed)
    config = BackboneConfig(
        architecture=architecture,  # type: ignore[arg-type]
        width=width,
        stem="small" if size <= 64 else "imagenet",
        input_size=size,
        programs=programs,
    )
    network = make_backbone(config, classes=7 + seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "norms" in name:
                parameter.add_(torch.randn_like(parameter) * 0.3)
        network.classifier.bias.normal_()
    for program in network.programs:
        network.calibrate(normalised(pixels(size, seed)), program)
    return network.eval()


def run_on_stock_runtime(graph: IntegerGraph, codes: np.ndarray, folder: Path) -> np.ndarray:
    path = folder / f"{graph.program}.tflite"
    litert.write_program(graph, path)
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]
    output = interpreter.get_output_details()[0]
    results = []
    for frame in codes:
        interpreter.set_tensor(source["index"], frame[None])
        interpreter.invoke()
        results.append(interpreter.get_tensor(output["index"])[0])
    return np.stack(results)
