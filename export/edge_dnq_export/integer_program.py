"""One integer graph as programs for every kind of runtime, each run before it is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge_dnq.bundle import FileSpec, TensorSpec, file_spec
from edge_dnq.programs import load_program
from edge_dnq.verification import golden_key
from edge_dnq_export import checks, reference
from edge_dnq_export.graph import Int8, IntegerGraph
from edge_dnq_export.targets import Target


class IntegerFiles(NamedTuple):
    """What was written.

    Attributes:
        files: The files by their names in the manifest.
        stock_differences: Of stock ExecuTorch: outputs that differ from the other programs' because
            it rounds additions by another rule, and by how many codes at most; None without it.
    """

    files: dict[str, FileSpec]
    stock_differences: tuple[int, int] | None


def write_integer_program(
    graph: IntegerGraph,
    targets: tuple[Target, ...],
    codes: Int8,
    expected: Int8,
    ends: tuple[TensorSpec, TensorSpec],
    folder: Path,
    golden: dict[str, np.ndarray],
    require_widths: Callable[[bytes], None],
) -> IntegerFiles:
    """Write ``graph`` for every target, and run each file on ``codes``.

    Args:
        graph: The program; its name becomes the files'.
        targets: The kinds of programs.
        codes: int8 frames [N, H, W, 3].
        expected: What the reference makes of them, int8 [N, K].
        ends: Tensors of the program: input and output.
        folder: Where the files are put.
        golden: Takes ``expected``, and what a kind that rounds otherwise must give.
        require_widths: Raises where a TFLite file is not as narrow as it should be.

    Raises:
        ExportError: a file does not answer like its reference.
    """
    name, (source, output) = graph.program, ends
    golden[f"program/{name}"] = expected
    files: dict[str, FileSpec] = {}
    differences = None
    for target in targets:
        path = folder / f"{name}{target.suffix}"
        target.write_program(graph, path)
        content, wanted = path.read_bytes(), expected
        if target.runtime == "litert":
            require_widths(content)
        if not target.exact:
            wanted = reference.run(graph, codes, target.add)[graph.output]
            differences = checks.difference(expected, wanted)
            golden[golden_key(target.key, name)] = wanted
        program = load_program(
            content, (source,), (output,), target.runtime, kernels=target.kernels
        )
        checks.require_equal(path.name, wanted, checks.program_outputs(program, codes))
        files[target.key] = file_spec(folder, path.name)
    return IntegerFiles(files, differences)
