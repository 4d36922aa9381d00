"""Runs in the emulated Python: ``infer.py PROGRAM TIMES [DELEGATE]`` runs a program so often."""

from __future__ import annotations

import sys

from ai_edge_litert.interpreter import Interpreter, load_delegate

delegates = [load_delegate(path) for path in sys.argv[3:]]
interpreter = Interpreter(sys.argv[1], num_threads=1, experimental_delegates=delegates)
interpreter.allocate_tensors()
for _ in range(int(sys.argv[2])):
    interpreter.invoke()
