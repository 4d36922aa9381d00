"""One way to run a model per runtime; each is used in a process of its own."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from msgspec import to_builtins

from edge_dnq.bundle import Bundle
from edge_dnq.programs import load_program

SEED = 1


class Task(NamedTuple):
    """What a worker process runs.

    Attributes:
        runtime: One of :data:`RUNNERS`.
        model: The model's file.
        threads: Threads of the runtime.
        isa: Instruction set of the package's kernels, or ``auto``; None for the stock runtime.
        profile: Whether the package's kernels time every operation.
    """

    runtime: str
    model: str
    threads: int = 1
    isa: str | None = None
    profile: bool = False


class Runner(Protocol):
    """A loaded model with its input in place."""

    def run(self) -> None:
        """Run once."""

    def output(self) -> np.ndarray:
        """Return the last run's logits, float."""


def frame(size: int, channels: int = 3) -> np.ndarray:
    """Return the input that every runtime gets, float32 [1, C, S, S] in -1..1."""
    rng = np.random.default_rng(SEED)
    return rng.uniform(-1, 1, (1, channels, size, size)).astype(np.float32)


def codes(size: int, channels: int, scale: float, zero_point: int) -> np.ndarray:
    """Return the same as int8 [1, S, S, C]."""
    x = np.rint(frame(size, channels).transpose(0, 2, 3, 1) / scale) + zero_point
    return np.ascontiguousarray(np.clip(x, -128, 127).astype(np.int8))


class LiteRt:
    """LiteRT, stock or with the package's kernels."""

    def __init__(self, task: Task, report_key: str = "benchmark") -> None:
        from ai_edge_litert.interpreter import Interpreter, load_delegate

        from edge_dnq.kernels import litert_delegate_path

        delegates = []
        self.report_key = report_key
        self.library: Path | None = None
        if task.isa is not None:
            self.library = litert_delegate_path()
            if self.library is None:
                raise RuntimeError("the package was installed without its kernels")
            options = {
                "isa": task.isa,
                "report": report_key,
                "profile": int(task.profile),
            }
            delegates = [load_delegate(str(self.library), options)]
        self.interpreter = Interpreter(
            task.model, num_threads=task.threads, experimental_delegates=delegates
        )
        self.interpreter.allocate_tensors()
        (source,) = self.interpreter.get_input_details()
        (self.target,) = self.interpreter.get_output_details()
        _, size, _, channels = source["shape"]
        if source["dtype"] == np.int8:
            x = codes(size, channels, *source["quantization"])
        else:
            x = np.ascontiguousarray(frame(size, channels).transpose(0, 2, 3, 1))
        self.interpreter.set_tensor(source["index"], x)

    def run(self) -> None:
        self.interpreter.invoke()

    def output(self) -> np.ndarray:
        y = self.interpreter.get_tensor(self.target["index"]).astype(np.float64)
        if self.target["dtype"] == np.int8:
            scale, zero = self.target["quantization"]
            y = (y - zero) * scale
        return np.asarray(y).ravel()

    def report(self) -> dict[str, Any]:
        """Return what the package's delegate says of itself."""
        library = ctypes.CDLL(str(self.library))
        key = self.report_key.encode()
        size = library.edge_dnq_litert_report(key, None, ctypes.c_size_t(0)) + 1
        buffer = ctypes.create_string_buffer(size)
        library.edge_dnq_litert_report(key, buffer, ctypes.c_size_t(size))
        account: dict[str, Any] = json.loads(buffer.value)
        return account


class OnnxRuntime:
    """ONNX Runtime on its CPU provider."""

    def __init__(self, task: Task) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            task.model, options, providers=["CPUExecutionProvider"]
        )
        (source,) = self.session.get_inputs()
        self.feed = {source.name: frame(source.shape[2])}
        self.result: Any = None

    def run(self) -> None:
        self.result = self.session.run(None, self.feed)

    def output(self) -> np.ndarray:
        return np.asarray(self.result[0]).ravel()


class OpenVino:
    """OpenVINO on the CPU, tuned for latency."""

    def __init__(self, task: Task) -> None:
        import openvino

        settings = {
            "INFERENCE_NUM_THREADS": task.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = openvino.Core().compile_model(task.model, "CPU", settings)
        self.request = compiled.create_infer_request()
        self.x = frame(compiled.inputs[0].shape[2])
        self.request.set_input_tensor(openvino.Tensor(self.x))

    def run(self) -> None:
        self.request.infer()

    def output(self) -> np.ndarray:
        return np.array(self.request.get_output_tensor().data).ravel()


class Ncnn:
    """ncnn on the CPU."""

    def __init__(self, task: Task) -> None:
        import ncnn

        model = Path(task.model)
        self.net = ncnn.Net()
        self.net.opt.num_threads = task.threads
        self.net.opt.use_vulkan_compute = False
        failed = self.net.load_param(str(model)) or self.net.load_model(
            str(model.with_suffix(".bin"))
        )
        if failed:
            raise RuntimeError(f"ncnn cannot load {model}")
        size = int(model.with_name("size.txt").read_text())
        self.x = frame(size)[0].copy()
        self.input = ncnn.Mat(self.x)
        self.result: Any = None

    def run(self) -> None:
        extractor = self.net.create_extractor()
        extractor.input("in0", self.input)
        _, self.result = extractor.extract("out0")

    def output(self) -> np.ndarray:
        return np.array(self.result).ravel()


class ExecuTorchKernels:
    """ExecuTorch with the package's kernels, as a session runs it: without torch.

    The task's model is a program in a bundle.
    """

    def __init__(self, task: Task) -> None:
        path = Path(task.model)
        bundle = Bundle.load(path.parent)
        (spec,) = (
            program
            for program in bundle.manifest.programs
            if path.name in {file.file for file in program.files.values()}
        )
        ends = (spec.input,), (spec.output,)
        isa = task.isa or "auto"
        self.program = load_program(path.read_bytes(), *ends, "executorch", task.threads, isa)
        (scale, zero), (self.scale, self.zero) = spec.input.grid, spec.output.grid
        _, size, _, channels = spec.input.shape
        self.codes = codes(size, channels, scale, zero)
        self.result: Any = None

    def run(self) -> None:
        (self.result,) = self.program.run(self.codes)

    def output(self) -> np.ndarray:
        return (self.result.astype(np.float64).ravel() - self.zero) * self.scale

    def report(self) -> dict[str, Any]:
        """Return what the package's backend says of itself."""
        return {"graphs": [{"partitions": to_builtins(self.program.kernels.partitions)}]}


class ExecuTorch:
    """ExecuTorch with its XNNPACK backend."""

    def __init__(self, task: Task) -> None:
        import torch
        from executorch.extension.pybindings import portable_lib
        from executorch.runtime import Runtime

        portable_lib._unsafe_reset_threadpool(task.threads)
        self.program = Runtime.get().load_program(task.model)
        method = self.program.load_method("forward")
        assert method is not None
        self.method = method
        size = method.metadata.input_tensor_meta(0).sizes()[2]
        self.x = torch.from_numpy(frame(size))
        self.result: Any = None

    def run(self) -> None:
        self.result = self.method.execute((self.x,))

    def output(self) -> np.ndarray:
        y: np.ndarray = self.result[0].numpy()
        return y.ravel()


def executorch(task: Task) -> Runner:
    """Return ExecuTorch with the package's kernels, or stock."""
    return ExecuTorch(task) if task.isa is None else ExecuTorchKernels(task)


RUNNERS: dict[str, Callable[[Task], Runner]] = {
    "litert": LiteRt,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "ncnn": Ncnn,
    "executorch": executorch,
}

PACKAGES: dict[str, tuple[str, str]] = {
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "onnxruntime": ("onnxruntime", "onnxruntime"),
    "openvino": ("openvino", "openvino"),
    "ncnn": ("ncnn", "ncnn"),
    "executorch": ("executorch", "executorch"),
}
"""Runtime -> import name and distribution of its package."""
