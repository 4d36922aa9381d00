"""The same float network in the formats of other runtimes, as it is and quantised to int8.

Each is quantised by the runtime's own tool, after training, on random frames: what is timed is the
work, not the accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.kernels.networks import FloatNetwork, once
from edge_dnq_export.quiet import quiet

CALIBRATION_FRAMES = 4


def frames(size: int) -> list[np.ndarray]:
    """Return frames to calibrate on, float32 [1, 3, S, S]."""
    rng = np.random.default_rng(0)
    shape = (1, 3, size, size)
    return [rng.uniform(-1, 1, shape).astype(np.float32) for _ in range(CALIBRATION_FRAMES)]


def write_onnx(network: FloatNetwork, size: int, path: Path) -> None:
    """Write float ONNX."""
    with quiet():
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, size, size),),
            str(path),
            opset_version=17,
            dynamo=False,
            input_names=["x"],
            output_names=["y"],
        )


def write_onnx_int8(source: Path, size: int, path: Path) -> None:
    """Quantise ONNX as ONNX Runtime runs it fastest: activations uint8, weights int8."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rest = iter([{"x": frame} for frame in frames(size)])

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.rest, None)

    prepared = path.with_suffix(".prepared.onnx")
    with quiet():
        quant_pre_process(str(source), str(prepared))
        quantize_static(
            str(prepared),
            str(path),
            Reader(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
    prepared.unlink()


def write_openvino_int8(source: Path, size: int, path: Path) -> None:
    """Quantise ONNX by NNCF for OpenVINO; ``path`` is the .xml, the weights lie beside it."""
    with quiet():
        import nncf
        import openvino

        model = openvino.Core().read_model(str(source))
        data = nncf.Dataset(frames(size))
        quantised = nncf.quantize(model, data, subset_size=CALIBRATION_FRAMES)
        openvino.save_model(quantised, str(path))


def write_executorch(network: FloatNetwork, size: int, int8: bool, path: Path) -> None:
    """Lower to ExecuTorch's XNNPACK backend."""
    with quiet():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        example = (torch.zeros(1, 3, size, size),)
        module: Any = network
        if int8:
            module = _quantised_for_executorch(network, size)
        lowered = to_edge_transform_and_lower(
            torch.export.export(module, example), partitioner=[XnnpackPartitioner()]
        )
        path.write_bytes(lowered.to_executorch().buffer)


def _quantised_for_executorch(network: FloatNetwork, size: int) -> Any:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    example = (torch.zeros(1, 3, size, size),)
    exported = torch.export.export(network, example).module()
    config = get_symmetric_quantization_config(is_per_channel=True)
    prepared = prepare_pt2e(exported, XNNPACKQuantizer().set_global(config))
    for frame in frames(size):
        prepared(torch.from_numpy(frame))
    converted = convert_pt2e(prepared)
    quantised = sum("quantize" in str(node.target) for node in converted.graph.nodes)
    if quantised < len(network.shapes):
        raise RuntimeError(f"only {quantised} quantise operations: the quantiser did nothing")
    return converted


def write_all(
    folder: Path, size: int, wanted: set[str], make: Callable[[], FloatNetwork]
) -> dict[tuple[str, str], Path]:
    """Write what ``wanted`` runtimes take; return the files by (runtime, "fp32" or "int8")."""
    files: dict[tuple[str, str], Path] = {}
    network: list[FloatNetwork] = []

    def float_network() -> FloatNetwork:
        if not network:
            network.append(make().eval())
        return network[0]

    onnx = folder / "float.onnx"
    if wanted & {"onnxruntime", "openvino"}:
        once(onnx, lambda path: write_onnx(float_network(), size, path))
    if "onnxruntime" in wanted:
        files["onnxruntime", "fp32"] = onnx
        files["onnxruntime", "int8"] = once(
            folder / "int8.onnx", lambda path: write_onnx_int8(onnx, size, path)
        )
    if "openvino" in wanted:
        files["openvino", "fp32"] = onnx
        path = folder / "openvino-int8" / "model.xml"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            write_openvino_int8(onnx, size, path)
        files["openvino", "int8"] = path
    if "ncnn" in wanted:
        from benchmarks.kernels.ncnn_model import write_ncnn

        for kind in ("fp32", "int8"):
            path = folder / f"ncnn-{kind}" / "model.param"
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                write_ncnn(float_network(), size, kind == "int8", path)
            files["ncnn", kind] = path
    if "executorch" in wanted:
        for kind in ("fp32", "int8"):
            files["executorch", kind] = once(
                folder / f"{kind}.pte",
                lambda path, int8=(kind == "int8"): write_executorch(  # type: ignore[misc]
                    float_network(), size, int8, path
                ),
            )
    return files
