"""The log of a run: one JSON object per line, and a picture of its curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict

from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.staging import staged_file


class Entry(TypedDict):
    """One line of the log.

    Attributes:
        stage: Name of the stage.
        epoch: Epochs done, from 1.
        seconds: Wall time of the epoch.
        values: Metrics by name: losses (means over the epoch), accuracies (fractions), costs.
    """

    stage: str
    epoch: int
    seconds: float
    values: dict[str, float]


class MetricsLog:
    """``metrics.jsonl``, kept in memory as well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[Entry] = []
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    self.entries.append(json.loads(line))
                except ValueError:
                    break  # the line that was being written when the run was interrupted

    def add(self, entry: Entry) -> None:
        """Append one line.

        Raises:
            EdgeDnqError: the file system refuses.
        """
        self.entries.append(entry)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise EdgeDnqError(f"cannot write {self.path}: {error.strerror or error}") from error

    def rewind(self, stage: str, epoch: int) -> None:
        """Forget what ``stage`` logged after ``epoch``: it is about to be done again."""
        self.entries = [e for e in self.entries if e["stage"] != stage or e["epoch"] <= epoch]
        with staged_file(self.path) as temporary:
            lines = "".join(json.dumps(entry) + "\n" for entry in self.entries)
            temporary.write_text(lines, encoding="utf-8")

    def latest(self, stage: str) -> dict[str, float]:
        """Return the newest value of every metric of ``stage``."""
        result: dict[str, float] = {}
        for entry in self.entries:
            if entry["stage"] == stage:
                result.update(entry["values"])
        return result


def draw_curves(entries: list[Entry], path: Path) -> None:
    """Draw one row per stage, losses on the left and the rest on the right, as a picture.

    Raises:
        RuntimeMissingError: matplotlib is not installed.
        EdgeDnqError: the file system refuses.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RuntimeMissingError("curves need matplotlib: pip install 'edge-dnq[report]'") from (
            error
        )
    stages = list(dict.fromkeys(entry["stage"] for entry in entries))
    if not stages:
        return
    figure = Figure(figsize=(11, 3.2 * len(stages)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(stages), 2, squeeze=False)
    for stage, (losses, scores) in zip(stages, rows, strict=True):
        for name, epochs, values in _series(entries, stage):
            axes: Any = losses if name.startswith("loss") else scores
            axes.plot(epochs, values, label=name, marker="." if len(values) < 30 else None)
        for axes, title in ((losses, "losses"), (scores, "fractions")):
            axes.set_title(f"{stage}: {title}", fontsize=10)
            axes.set_xlabel("epoch")
            axes.grid(alpha=0.3)
            if axes.lines:
                axes.legend(fontsize=7)
    with staged_file(path) as temporary:
        figure.savefig(temporary, dpi=100)


def _series(entries: list[Entry], stage: str) -> list[tuple[str, list[int], list[float]]]:
    series: dict[str, tuple[list[int], list[float]]] = {}
    for entry in entries:
        if entry["stage"] == stage:
            for name, value in entry["values"].items():
                epochs, values = series.setdefault(name, ([], []))
                epochs.append(entry["epoch"])
                values.append(value)
    return [(name, *points) for name, points in series.items()]
