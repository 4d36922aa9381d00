"""The delegate loaded as any user of LiteRT would, and interpreters with and without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, load_delegate

from edge_dnq.kernels import AdapterReport, read_report


class Delegate:
    """The delegate, and what it says it did.

    Attributes:
        interpreter: The last one that was made with it, kept because a report ends with it.
    """

    def __init__(self, library: Path, key: str, **options: str) -> None:
        self._library, self._key = library, key
        self.loaded = load_delegate(str(library), {"report": key, **options})
        self.interpreter: Any = None

    @property
    def report(self) -> AdapterReport:
        report = read_report(self._library, self._key)
        assert report is not None
        return report

    @property
    def reasons(self) -> dict[str, str]:
        """Why what was declined, in the program that was loaded last."""
        graph = self.report.graphs[-1]
        assert graph.claimed + len(graph.declined) == graph.nodes
        return {entry.op: entry.reason for entry in graph.declined}


def interpreter(content: bytes, delegate: Delegate | None = None, threads: int = 1) -> Any:
    delegates = None if delegate is None else [delegate.loaded]
    made = Interpreter(model_content=content, num_threads=threads, experimental_delegates=delegates)
    if delegate is not None:
        delegate.interpreter = made
    made.allocate_tensors()
    return made


def run(made: Any, *inputs: np.ndarray) -> list[np.ndarray]:
    for detail, value in zip(made.get_input_details(), inputs, strict=True):
        made.set_tensor(detail["index"], value)
    made.invoke()
    return [made.get_tensor(detail["index"]) for detail in made.get_output_details()]


def random_codes(shape: tuple[int, ...] | list[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


def outcome(content: bytes, delegate: Delegate | None, inputs: list[np.ndarray]) -> Any:
    """Return the outputs, or that the runtime refuses."""
    try:
        return [array.tolist() for array in run(interpreter(content, delegate), *inputs)]
    except (ValueError, RuntimeError):
        return "refused"
