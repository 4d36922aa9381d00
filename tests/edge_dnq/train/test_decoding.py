from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge_dnq.errors import DataError, SourceError
from edge_dnq.train import decoding
from edge_dnq.train.decoding import decode_all


@dataclass(frozen=True)
class _Stub:
    """A clip whose pixels are its number, or that fails in one of the ways clips fail."""

    number: int
    failure: str = ""
    label: int = 0

    def __str__(self) -> str:
        return f"clip {self.number}"

    def load(self, frames: int, size: int) -> np.ndarray:
        if self.failure == "unreadable":
            raise SourceError(f"{self} is no video")
        if self.failure == "crash":
            os.abort()
        if self.failure == "exit":
            os._exit(3)
        return np.full((frames, size, size, 3), self.number, np.uint8)


@pytest.fixture
def array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(decoding, "INLINE", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))  # so that workers know the stub
    path = tmp_path / "pixels.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(9, 2, 4, 4, 3)).flush()
    return path


def _outcomes(path: Path, failures: dict[int, str]) -> dict[int, str | None]:
    clips = [_Stub(i, failures.get(i, "")) for i in range(9)]
    return dict(decode_all(path, clips))  # type: ignore[arg-type]


def test_workers_fill_the_array(array: Path) -> None:
    assert _outcomes(array, {}) == dict.fromkeys(range(9))
    assert np.load(array)[:, 0, 0, 0, 0].tolist() == list(range(9))


def test_a_clip_that_crashes_the_decoder_costs_only_itself(array: Path) -> None:
    outcomes = _outcomes(array, {0: "crash", 4: "crash", 5: "unreadable", 8: "crash"})
    failed = {row: reason for row, reason in outcomes.items() if reason}
    assert failed == {
        0: "clip 0 crashes the video decoder",
        4: "clip 4 crashes the video decoder",
        5: "clip 5 is no video",
        8: "clip 8 crashes the video decoder",
    }
    assert np.load(array)[[1, 2, 3, 6, 7], 0, 0, 0, 0].tolist() == [1, 2, 3, 6, 7]


def test_a_worker_that_ends_otherwise_is_an_error(array: Path) -> None:
    with pytest.raises(DataError, match="ended with code 3 near clip 2"):
        _outcomes(array, {2: "exit"})


def test_workers_do_not_pay_for_torch() -> None:
    code = "import sys, edge_dnq.train.decoding; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
