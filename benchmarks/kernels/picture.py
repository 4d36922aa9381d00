"""The speed of everything beside the faster stock LiteRT program, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.kernels.measure import OURS, OURS_EXECUTORCH, OWN, Machine, Result

SERIES = (
    ("litert", "int8", "LiteRT int8", "#b8b8b8"),
    ("litert", "fp32", "LiteRT fp32", "#dcdcdc"),
    ("executorch", "int8", "ExecuTorch int8", "#a3b8cc"),
    ("ncnn", "int8", "ncnn int8", "#86a3bd"),
    ("onnxruntime", "int8", "ONNX Runtime int8", "#6a8fae"),
    ("openvino", "int8", "OpenVINO int8", "#4d7ba0"),
    (OURS, "w8a8", "edge-dnq w8a8", "#f2b872"),
    (OURS, "w4a4", "edge-dnq w4a4", "#e58a2b"),
    (OURS, "w2a2", "edge-dnq w2a2", "#b85410"),
    (OURS_EXECUTORCH, "w8a8", "in ExecuTorch w8a8", "#a9d18e"),
    (OURS_EXECUTORCH, "w4a4", "in ExecuTorch w4a4", "#6fae45"),
    (OURS_EXECUTORCH, "w2a2", "in ExecuTorch w2a2", "#44752a"),
)
HEADINGS: dict[Machine, str] = {
    "avx2": "as an AVX2 machine",
    "native": "as it is",
}


def draw(results: Sequence[Result], cpu: str, path: Path) -> None:
    """Write the picture of the single-thread results."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    single = [result for result in results if result.threads == 1]
    machines = [m for m in HEADINGS if any(result.machine == m for result in single)]
    figure, axes = pyplot.subplots(
        len(machines), 1, figsize=(11, 3.4 * len(machines)), squeeze=False, layout="constrained"
    )
    for axis, machine in zip(axes[:, 0], machines, strict=True):
        shown = [result for result in single if result.machine == machine]
        width = 0.92 / len(SERIES)
        for index, (runtime, kind, label, color) in enumerate(SERIES):
            positions, speeds = [], []
            for group, result in enumerate(shown):
                row = result.of(runtime, kind)
                if row is not None:
                    positions.append(group + (index - (len(SERIES) - 1) / 2) * width)
                    speeds.append(result.stock().milliseconds / row.milliseconds)
            bars = axis.bar(positions, speeds, width * 0.94, label=label, color=color)
            if runtime in OWN:
                axis.bar_label(bars, fmt="%.1f", fontsize=6, padding=1)
        axis.axhline(1, color="#707070", linewidth=0.8, zorder=0)
        axis.set_xticks(range(len(shown)), [result.title for result in shown])
        axis.set_title(f"{cpu}, {HEADINGS[machine]}", fontsize=10, loc="left")
        axis.set_ylabel("speed / faster\nstock LiteRT program", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="x", length=0)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", fontsize=8, frameon=False, ncols=6)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
