from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from edge_dnq.errors import EdgeDnqError
from edge_dnq.profiling.memory import Footprint, footprint, growth, in_process, reset_peak
from edge_dnq.profiling.table import Start, WholeStart

MEGABYTE = 1 << 20


def test_a_buffer_shows_in_the_peak_and_goes_from_the_size() -> None:
    before = footprint()
    if before is None or not reset_peak():
        pytest.skip("this system does not show a process's memory")
    # Straight from the system: an allocator may hand out memory that is resident already.
    with mmap.mmap(-1, 64 * MEGABYTE) as buffer:
        for page in range(0, len(buffer), mmap.PAGESIZE):
            buffer[page] = 1
        held = footprint()
    resident, peak = growth(before, footprint(), reset=True)
    assert held is not None
    assert held.resident - before.resident > 60 * MEGABYTE
    assert resident is not None
    assert peak is not None
    assert peak > 60 * MEGABYTE
    assert resident < 32 * MEGABYTE


def test_a_peak_that_may_be_older_is_not_attributed() -> None:
    before, after = Footprint(100, 900), Footprint(150, 900)
    assert growth(before, after, reset=False) == (50, None)
    assert growth(before, after, reset=True) == (50, 800)
    assert growth(None, after, reset=True) == (None, None)


def test_programs_are_loaded_in_processes_of_their_own(bundle_folder: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="no runtime is installed")
    words = (str(bundle_folder), "litert", "1", "auto")
    for name in ("w8a8", "policy"):
        start = in_process(Start, *words, name)
        assert min(start.load_ms, start.first_ms, start.next_ms) > 0, start
        if start.peak_bytes is not None:
            assert start.resident_bytes is not None
            assert start.peak_bytes >= start.resident_bytes >= 0
            assert start.peak_bytes < 200 * MEGABYTE
    whole = in_process(WholeStart, *words, "-")
    assert min(whole.ready_ms, whole.bundle_ms, whole.load_ms, whole.first_ms) > 0
    if whole.process_peak_bytes is not None:
        assert whole.peak_bytes is not None
        assert whole.process_peak_bytes > whole.peak_bytes


def test_a_failing_process_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EdgeDnqError, match="does not exist"):
        in_process(Start, str(tmp_path / "none"), "litert", "1", "auto", "w8a8")
