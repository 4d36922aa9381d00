"""Checkpoints: one file that holds weights, configuration and a short training record.

``.pt`` is a torch archive with ``format``, ``version``, ``config`` (JSON), ``record`` (JSON) and
``state_dict``, opened with ``weights_only=True``. ``.safetensors`` holds the same strings as
metadata. Files may come from strangers: the archive is checked before torch reads it, tensors are
checked before they reach a network.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edge_dnq.errors import CheckpointError, RuntimeMissingError
from edge_dnq.nn.config import ModelConfig, decode_config, encode_config
from edge_dnq.nn.model import VideoModel
from edge_dnq.staging import staged_file

FORMAT = "edge-dnq"
VERSION = 1
SUFFIXES = (".pt", ".safetensors")
MINIMUM_TORCH = (2, 10)
"""Older releases have known holes in ``weights_only=True``."""

HINT = "expected a checkpoint written by `edge-dnq train`"
NAMED_KEYS = 3


def save_checkpoint(
    path: str | Path,
    model: VideoModel,
    record: Mapping[str, Any] | None = None,
    *,
    half: bool = False,
) -> None:
    """Write ``model`` to ``path``, whole or not at all.

    Args:
        path: Ends in ``.pt`` or ``.safetensors``.
        model: Any device; tensors are stored on the CPU.
        record: Replaces ``model.record``: JSON values such as stage, metrics, data, seed, epochs.
        half: Store the weights of convolutions and linear layers as float16, which turns some of
            their 8-bit codes by one; all else stays float32.

    Raises:
        CheckpointError: another suffix, or a weight that is not finite.
        EdgeDnqError: the file system refuses.
    """
    path = Path(path)
    _require_suffix(path)
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    if half:
        state = {
            key: value.half() if _may_be_half(value) else value for key, value in state.items()
        }
    _require_finite(state, path)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "config": encode_config(model.config),
        "record": json.dumps(dict(model.record if record is None else record)),
    }
    with staged_file(path) as temporary:
        if path.suffix == ".pt":
            torch.save({**header, "state_dict": state}, temporary)
        else:
            from safetensors.torch import save_file

            metadata = {key: str(value) for key, value in header.items()}
            save_file(state, temporary, metadata=metadata)


def load_checkpoint(path: str | Path) -> VideoModel:
    """Rebuild the model of ``path`` on the CPU, in evaluation mode, with its ``record``.

    Raises:
        CheckpointError: the file is missing, damaged, not a checkpoint, of an unknown version, or
            its tensors do not fit its own configuration or are not finite.
        RuntimeMissingError: torch is too old to open files safely, or safetensors is missing.
    """
    path = Path(path)
    _require_suffix(path)
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist: {HINT}")
    header, state = _read_archive(path) if path.suffix == ".pt" else _read_safetensors(path)
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not an edge-dnq checkpoint: {HINT}")
    if str(header.get("version")) != str(VERSION):
        raise CheckpointError(
            f"{path} has checkpoint version {header.get('version')!r}, this release reads "
            f"{VERSION}: upgrade edge-dnq or train again"
        )
    config = decode_config(_text(header, "config", path))
    _require_fit(config, state, path)
    _require_finite(state, path)
    model = VideoModel(config)
    model.load_state_dict(state)  # turns float16 into the float32 of the model
    model.record = _decode_record(_text(header, "record", path), path)
    return model.eval()


def _may_be_half(tensor: Tensor) -> bool:
    """Tell whether a tensor is one of weights, which may be stored as float16."""
    return tensor.dtype == torch.float32 and tensor.dim() > 1


def _dtypes(tensor: Tensor) -> tuple[torch.dtype, ...]:
    """Return the types in which a tensor of a model may be stored."""
    return (tensor.dtype, torch.float16) if _may_be_half(tensor) else (tensor.dtype,)


def require_recent_torch(version: str = torch.__version__) -> None:
    """Refuse releases of torch that cannot open an untrusted file safely.

    Raises:
        RuntimeMissingError: ``version`` is older than 2.10.
    """
    numbers = version.split("+")[0].split(".")
    if tuple(int(part) for part in numbers[:2]) < MINIMUM_TORCH:
        raise RuntimeMissingError(
            f"torch {version} is too old to open checkpoints safely: pip install 'torch>=2.10'"
        )


def _require_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise CheckpointError(f"{path} must end in {' or '.join(SUFFIXES)}: {HINT}")


def require_intact_archive(path: Path, hint: str = HINT) -> None:
    """Check sizes and checksums with a memory-safe reader before torch's native one sees them.

    Raises:
        CheckpointError: the archive is damaged; the message ends in ``hint``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # torch never compresses; a compressed entry could expand without bound.
            intact = all(e.compress_type == zipfile.ZIP_STORED for e in archive.infolist())
            intact = intact and archive.testzip() is None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged or not a torch archive: {hint}") from error
    if not intact:
        raise CheckpointError(f"{path} is damaged: {hint}")


def _read_archive(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    require_recent_torch()
    require_intact_archive(path)
    try:
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError, RuntimeError, EOFError, OSError,
        ValueError, KeyError, TypeError, AttributeError, IndexError,
    ) as error:  # fmt: skip
        raise CheckpointError(f"{path} cannot be read as weights: {HINT}") from error
    state = payload.get("state_dict") if isinstance(payload, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise CheckpointError(f"{path} is not an edge-dnq checkpoint: {HINT}")
    return payload, dict(state)


def _read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise RuntimeMissingError(
            f"{path.name} needs safetensors: pip install 'edge-dnq[train]'"
        ) from error
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged or not a safetensors file: {HINT}") from error
    return header, state


def _text(header: Mapping[str, Any], key: str, path: Path) -> str:
    value = header.get(key)
    if not isinstance(value, str):
        raise CheckpointError(f"{path} carries no {key}: {HINT}")
    return value


def _decode_record(text: str, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise CheckpointError(f"{path} has an unreadable training record: {HINT}") from error
    if not isinstance(record, dict):
        raise CheckpointError(f"{path} has an unreadable training record: {HINT}")
    return record


def _listed(keys: Iterable[str]) -> str:
    names = sorted(keys)
    more = f" and {len(names) - NAMED_KEYS} more" if len(names) > NAMED_KEYS else ""
    return ", ".join(names[:NAMED_KEYS]) + more


def _require_fit(config: ModelConfig, state: Mapping[str, Tensor], path: Path) -> None:
    """Compare names, shapes and types with the network that ``config`` names, without memory."""
    try:
        with torch.device("meta"):
            expected = VideoModel(config).state_dict()
    except (RuntimeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path} names a network that cannot be built: {HINT}") from error
    problems = []
    if missing := expected.keys() - state.keys():
        problems.append(f"missing {_listed(missing)}")
    if extra := state.keys() - expected.keys():
        problems.append(f"unknown {_listed(extra)}")
    shared = expected.keys() & state.keys()
    if wrong := [k for k in shared if state[k].shape != expected[k].shape]:
        key = min(wrong)
        problems.append(
            f"{key} has shape {list(state[key].shape)} where {list(expected[key].shape)} fits"
            + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else "")
        )
    odd = [
        key
        for key in shared
        if state[key].layout != torch.strided or state[key].dtype not in _dtypes(expected[key])
    ]
    if odd:
        problems.append(f"unexpected tensor type in {_listed(odd)}")
    if problems:
        raise CheckpointError(
            f"{path} does not fit its configuration: {'; '.join(problems)}; {HINT}"
        )


def _require_finite(state: Mapping[str, Tensor], path: Path) -> None:
    broken = [
        key
        for key, value in state.items()
        if value.is_floating_point() and not bool(torch.isfinite(value).all())
    ]
    if broken:
        raise CheckpointError(
            f"{path} has NaN or infinite values in {_listed(broken)}: "
            "train again with a lower learning rate"
        )
