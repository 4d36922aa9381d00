from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import edge_dnq


def run(code: str, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return result.stdout


def test_names_resolve() -> None:
    for name in edge_dnq.__all__:
        assert getattr(edge_dnq, name)
        assert name in dir(edge_dnq)
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        edge_dnq.Sesion  # noqa: B018


def test_import_is_light() -> None:
    heavy = "numpy cv2 msgspec torch ai_edge_litert"
    code = f"import sys, edge_dnq; print([m for m in '{heavy}'.split() if m in sys.modules])"
    assert run(code).strip() == "[]"


def test_the_device_side_needs_no_torch(bundle_folder: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="no runtime is installed")
    code = """
import sys
for name in ("torch", "litert_torch", "safetensors", "matplotlib"):
    sys.modules[name] = None  # importing one of them fails
import numpy as np
from edge_dnq import Bundle, Session
session = Session(Bundle.load(sys.argv[1]))
print(session.step(np.zeros((60, 80, 3), np.uint8)).executed, session.result().frames)
"""
    assert run(code, str(bundle_folder)).strip() == "True 1"


def test_without_a_runtime_the_command_is_told(bundle_folder: Path) -> None:
    code = """
import sys
from importlib.machinery import PathFinder

class Hidden(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.split(".")[0] in ("ai_edge_litert", "tflite_runtime")
        return None if hidden else super().find_spec(name, path, target)

sys.meta_path[:] = [f for f in sys.meta_path if f is not PathFinder] + [Hidden]
from edge_dnq import Bundle, Session
from edge_dnq.errors import RuntimeMissingError
for runtime in ("auto", "litert"):
    try:
        Session(Bundle.load(sys.argv[1]), runtime=runtime)
    except RuntimeMissingError as error:
        print(error)
"""
    lines = run(code, str(bundle_folder)).strip().splitlines()
    assert len(lines) == 2
    assert all(line.endswith("pip install 'edge-dnq[litert]'") for line in lines)
