"""Runs in the emulated Python: every program of a folder on the stock runtime and on a delegate.

``run_programs.py FOLDER DELEGATE ISA...`` reads NAME.tflite with its inputs NAME.inputs.npz (arrays
i0, i1, ...) and writes answers.npz: NAME/WHO/OUTPUT, where WHO is "stock" or an instruction set.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, load_delegate


def answers(content: bytes, inputs: list[np.ndarray], delegates: list[Any]) -> list[np.ndarray]:
    interpreter = Interpreter(
        model_content=content, num_threads=1, experimental_delegates=delegates
    )
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    return [interpreter.get_tensor(detail["index"]).copy() for detail in outputs]


def main(folder: Path, library: str, isas: list[str]) -> None:
    found: dict[str, np.ndarray] = {}
    for program in sorted(folder.glob("*.tflite")):
        with np.load(program.with_suffix(".inputs.npz")) as arrays:
            inputs = [arrays[f"i{index}"] for index in range(len(arrays.files))]
        for who in ("stock", *isas):
            delegates = [] if who == "stock" else [load_delegate(library, {"isa": who})]
            for index, answer in enumerate(answers(program.read_bytes(), inputs, delegates)):
                found[f"{program.stem}/{who}/{index}"] = answer
    np.savez(folder / "answers.npz", **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
