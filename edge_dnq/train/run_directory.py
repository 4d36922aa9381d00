"""The directory of a run: its configuration, the state of every stage, its log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from edge_dnq.errors import EdgeDnqError
from edge_dnq.staging import staged_file
from edge_dnq.train.config import TrainConfig
from edge_dnq.train.distributed import Compute
from edge_dnq.train.optimise import Optimiser

CONFIG = "run.json"
METRICS = "metrics.jsonl"
CURVES = "curves.png"


class RunDirectory:
    """Files of one run; every one is written whole or not at all.

    Randomness needs no saving: every epoch draws from generators seeded by run, stage and epoch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def metrics(self) -> Path:
        """The log, one JSON object per line."""
        return self.path / METRICS

    @property
    def curves(self) -> Path:
        """The picture of the log."""
        return self.path / CURVES

    def open(self, config: TrainConfig, data: str, labels: tuple[str, ...], resume: bool) -> None:
        """Create the directory, or check that it belongs to this very run.

        Raises:
            EdgeDnqError: it exists without ``resume``, is not a run, or is of another run.
        """
        file = self.path / CONFIG
        description = {
            "data": data, "labels": list(labels), "config": msgspec.to_builtins(config),
        }  # fmt: skip
        if not file.exists():
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise EdgeDnqError(f"{self.path} exists and is no training run: choose another")
            with staged_file(file) as temporary:
                temporary.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
            return
        if not resume:
            raise EdgeDnqError(
                f"{self.path} holds a run already: pass --resume to go on, or another --run-dir"
            )
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EdgeDnqError(f"{file} is unreadable: choose another --run-dir") from error
        # Through JSON, so that tuples and lists compare equal.
        if difference := _difference(known, json.loads(json.dumps(description))):
            raise EdgeDnqError(
                f"{self.path} was started with other settings ({difference}): "
                "repeat them, or choose another --run-dir"
            )

    def save(
        self, stage: str, epoch: int, network: nn.Module, optimiser: Optimiser, compute: Compute
    ) -> None:
        """Keep the state of ``stage`` after ``epoch`` epochs.

        Raises:
            EdgeDnqError: the file system refuses.
        """
        state = {
            "epoch": epoch,
            "network": network.state_dict(),
            "optimiser": optimiser.torch.state_dict(),
            "scaler": compute.scaler.state_dict(),
        }
        try:
            with staged_file(self._state_file(stage)) as temporary:
                torch.save(state, temporary)
        except RuntimeError as error:  # torch's writer reports a full disk as one
            raise EdgeDnqError(f"cannot write {self._state_file(stage)}: {error}") from error

    def restore(
        self, stage: str, network: nn.Module, optimiser: Optimiser, compute: Compute
    ) -> int:
        """Put back the newest state of ``stage``; return how many epochs it has done.

        Raises:
            EdgeDnqError: the state is unreadable or of another network.
        """
        if not self._state_file(stage).exists():
            return 0
        state = self._load(stage)
        try:
            network.load_state_dict(state["network"])
            optimiser.torch.load_state_dict(state["optimiser"])
            compute.scaler.load_state_dict(state["scaler"])
            return int(state["epoch"])
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise self._damaged(stage) from error

    def epochs_done(self, stage: str) -> int:
        """Return how many epochs of ``stage`` are kept."""
        return int(self._load(stage)["epoch"]) if self._state_file(stage).exists() else 0

    def load_network(self, stage: str, network: nn.Module) -> None:
        """Fill ``network`` with what ``stage`` has trained.

        Raises:
            EdgeDnqError: the state is missing, unreadable or of another network.
        """
        if not self._state_file(stage).exists():
            raise EdgeDnqError(f"{self.path} has no state of the stage {stage}: train it first")
        try:
            network.load_state_dict(self._load(stage)["network"])
        except (RuntimeError, KeyError) as error:
            raise self._damaged(stage) from error

    def _state_file(self, stage: str) -> Path:
        return self.path / f"{stage}.state.pt"

    def _load(self, stage: str) -> dict[str, Any]:
        try:
            state = torch.load(self._state_file(stage), map_location="cpu", weights_only=True)
        except Exception as error:  # torch documents no closed set of errors for damaged files
            raise self._damaged(stage) from error
        if not isinstance(state, dict):
            raise self._damaged(stage)
        return state

    def _damaged(self, stage: str) -> EdgeDnqError:
        file = self._state_file(stage)
        return EdgeDnqError(f"{file} is damaged or of another run: delete it to redo the stage")


def _difference(known: Any, wanted: Any, key: str = "") -> str | None:
    """Name the first value that differs, as ``key: old, now new``."""
    if isinstance(known, dict) and isinstance(wanted, dict):
        for name in [*wanted, *(known.keys() - wanted.keys())]:
            found = _difference(known.get(name), wanted.get(name), f"{key}.{name}".lstrip("."))
            if found:
                return found
        return None
    return None if known == wanted else f"{key}: {known}, now {wanted}"
