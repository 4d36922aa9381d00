"""Opening a foreign torch archive without running what is in it."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edge_dnq.errors import CheckpointError
from edge_dnq.nn.checkpoint import FORMAT, require_intact_archive, require_recent_torch

HINT = "expected a checkpoint of the VideoIQ code, or one written by `edge-dnq train`"
WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Where training scripts keep the weights beside epoch and optimiser."""

PARALLEL_PREFIX = "module."
FACTS = ("epoch", "arch", "best_top1", "best_acc")
_DAMAGE = (
    pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError,
    AttributeError, IndexError, UnicodeDecodeError,
)  # fmt: skip


@dataclass(frozen=True)
class Archive:
    """The weights of a file by their plain names, and what else it says about itself."""

    path: Path
    state: dict[str, Tensor]
    facts: dict[str, str | int | float]


def is_foreign(path: Path) -> bool:
    """Tell whether ``path`` is a torch file that ``edge-dnq train`` did not write.

    By the suffix alone where that says it (``.pth``, ``.tar``); a ``.pt`` file is opened. A file
    that cannot be opened is nobody's: False, and the native reader tells what is wrong with it.
    """
    if path.is_dir() or path.suffix in (".safetensors", ""):
        return False
    if path.suffix != ".pt":
        return path.suffix in (".pth", ".tar", ".ckpt", ".bin")
    try:
        payload = _load(path)
    except CheckpointError:
        return False
    if not isinstance(payload, Mapping) or payload.get("format") == FORMAT:
        return False
    return any(key.startswith("backbone.") for key in _weights(payload) or {})


def read_archive(path: Path) -> Archive:
    """Read the weights of ``path``, whatever wrapped them.

    Raises:
        CheckpointError: missing, truncated, not a torch file, holding anything but plain data, or
            without weights.
        RuntimeMissingError: torch is too old to open files safely.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist: {HINT}")
    payload = _load(path)
    state = _weights(payload) if isinstance(payload, Mapping) else None
    if not state:
        raise CheckpointError(f"{path} holds no weights (no state_dict of tensors): {HINT}")
    for key, value in state.items():
        if value.layout != torch.strided or value.is_quantized or value.is_complex():
            raise CheckpointError(f"{path} has {key} as an unusual kind of tensor: {HINT}")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{path} has NaN or infinite values in {key}: {HINT}")
    assert isinstance(payload, Mapping)
    return Archive(path, state, _facts(payload))


def _load(path: Path) -> Any:
    require_recent_torch()
    if zipfile.is_zipfile(path):
        require_intact_archive(path, HINT)
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        text = str(error)
        if "Unsupported global" in text or "Unsupported class" in text:
            raise CheckpointError(
                f"{path} holds Python objects beside its weights, which are not unpickled: save it "
                "again with {'state_dict': checkpoint['state_dict']} alone"
            ) from error
        raise CheckpointError(f"{path} is damaged or not a torch file: {HINT}") from error


def _numpy_scalars() -> list[Any]:
    """Return what torch may build besides tensors: a best accuracy is often a numpy number."""
    scalar = np.float64(0).__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = {type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64)}
    return [*((scalar, name) for name in names), np.dtype, *kinds]


def _weights(payload: Mapping[Any, Any]) -> dict[str, Tensor] | None:
    """Return the tensors by name without the prefix of data parallelism; None where none are."""
    found: Any = next(
        (payload[key] for key in WRAPPERS if isinstance(payload.get(key), Mapping)), payload
    )
    state: dict[str, Tensor] = {}
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            return None
        state[key.removeprefix(PARALLEL_PREFIX)] = value
    return state if len(state) == len(found) else None


def _facts(payload: Mapping[Any, Any]) -> dict[str, str | int | float]:
    facts: dict[str, str | int | float] = {}
    for key in FACTS:
        value = payload.get(key)
        if isinstance(value, Tensor) and value.numel() == 1:
            value = value.item()
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str | int | float):
            facts[key] = value
    return facts
