"""The contest's rows: who is a rival, and that both runtimes run the same network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the benchmark needs the exporter")

from benchmarks.kernels.measure import OURS, OURS_EXECUTORCH, Result, Row
from benchmarks.kernels.report import summary_table
from benchmarks.kernels.runners import LiteRt, Task, executorch


def result(**milliseconds: float) -> Result:
    rows = []
    for name, value in milliseconds.items():
        runtime, _, kind = name.rpartition("_")
        rows.append(Row(name, runtime.replace("_", "-"), kind, value, value, 1))
    return Result("n", "Network", "native", 1, 10, rows)


def test_the_package_is_no_rival_of_itself() -> None:
    found = result(
        edge_dnq_w8a8=2.0,
        edge_dnq_executorch_w8a8=1.0,
        litert_int8=5.0,
        litert_fp32=4.0,
        openvino_int8=3.0,
    )
    assert found.best_peer().runtime == "openvino"
    assert found.stock().kind == "fp32"
    assert found.of(OURS, "w8a8") is not found.of(OURS_EXECUTORCH, "w8a8")
    header, _, machine, row = summary_table([found]).splitlines()
    assert header.count("|") == machine.count("|") == row.count("|")
    assert "3.00 OpenVINO int8" in row


def test_both_runtimes_run_the_same_network(bundle_folder: Path, executorch_folder: Path) -> None:
    for program in ("w8a8", "w4a4"):
        tasks = (
            Task("litert", str(bundle_folder / f"{program}.tflite"), isa="auto"),
            Task("executorch", str(executorch_folder / f"{program}.kernels.pte"), isa="auto"),
        )
        runners = LiteRt(tasks[0]), executorch(tasks[1])
        for runner in runners:
            runner.run()
        np.testing.assert_array_equal(*(runner.output() for runner in runners))
        macs = [
            [op["macs"] for graph in runner.report()["graphs"] for part in graph["partitions"]
             for op in part["ops"]]
            for runner in runners
        ]  # fmt: skip
        assert macs[0] == macs[1]
        assert sum(macs[0]) > 1e5
