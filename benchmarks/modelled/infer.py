"""Runs in the emulated Python and marks where inferences begin and end, for the plugin.

``infer.py DELEGATE PROGRAM...`` runs every program on the stock runtime, then on the delegate.
"""

from __future__ import annotations

import contextlib
import os
import sys

from ai_edge_litert.interpreter import Interpreter, load_delegate

MARK = 0x6ED9E
WARM = 2


def mark() -> None:
    """Let the plugin note how many instructions there were; there is no such process."""
    with contextlib.suppress(OSError):
        os.getpriority(os.PRIO_PROCESS, MARK)


library, *programs = sys.argv[1:]
for program in programs:
    for with_kernels in (False, True):
        delegates = [load_delegate(library)] if with_kernels else []
        interpreter = Interpreter(program, num_threads=1, experimental_delegates=delegates)
        interpreter.allocate_tensors()
        for _ in range(WARM):
            interpreter.invoke()
        mark()
        interpreter.invoke()
        mark()
