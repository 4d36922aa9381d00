"""The front as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.report.colors import BLUE, GREEN, GREY, GREYS, ORANGE, PURPLE, SKY, VERMILION
from edge_dnq.staging import staged_file
from edge_dnq.sweep.front import Front, SweepPoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

STYLES = {
    "uniform": ("uniform program", BLUE, "s", "none"),
    "cycle": ("every n-th frame", GREEN, "^", "--"),
    "random": ("random mix", GREY, "x", "--"),
    "cascade": ("confidence cascade", PURPLE, "D", ":"),
    "exit": ("early exit, borders told", SKY, "P", "-."),
    "exit_told": ("early exit, borders and filler told", SKY, "+", ":"),
    "change": ("on change of the picture", GREYS[2], "<", "--"),
    "learned": ("learned policy, by lambda", VERMILION, "o", "-"),
    "budget": ("learned policy, budget held", ORANGE, "v", "-"),
}
"""Family -> what it is called, its colour, mark and line."""


def check_plot_path(path: Path) -> None:
    """Refuse a picture that could not be written, before the work is done.

    Raises:
        EdgeDnqError: an unknown suffix.
        RuntimeMissingError: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise EdgeDnqError(f"cannot write {path}: a plot ends in {', '.join(SUFFIXES)}")
    _figure_class()


def _figure_class() -> type[Figure]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RuntimeMissingError(
            f"a plot needs matplotlib: pip install 'edge-dnq[report]' ({error})"
        ) from error
    made: type[Figure] = Figure
    return made


def write_plot(path: Path, result: Front, name: str) -> None:
    """Draw accuracy against cost.

    Args:
        path: Ends in ``.png``, ``.svg`` or ``.pdf``.
        result: The front.
        name: Of the bundle, for the heading.

    Raises:
        EdgeDnqError: an unknown suffix, or the file cannot be written.
        RuntimeMissingError: matplotlib is not installed.
    """
    check_plot_path(path)
    figure = _figure_class()(figsize=(9, 5.5), layout="constrained", facecolor="white")
    axes: Any = figure.subplots()
    for family in STYLES:
        _draw(axes, family, result.of(family))
    axes.set_xlabel(f"mean cost of a frame, in frames of {result.reference}")
    axes.set_ylabel("top-1 accuracy, %")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="lower right")
    axes.set_title(
        f"{name}: {result.clips} clips; bars are {100 * result.confidence:.0f} % bootstrap "
        f"intervals; {result.reference_ms_per_frame:.3g} ms per frame is 1",
        loc="left",
        fontsize=10,
    )
    with staged_file(path) as temporary:
        figure.savefig(temporary, dpi=120, format=path.suffix[1:].lower())


def _draw(axes: Any, family: str, points: list[SweepPoint]) -> None:
    if not points:
        return
    label, color, mark, line = STYLES[family]
    ordered = sorted(points, key=lambda point: point.relative_cost.mean)
    means = [100 * point.accuracy_top1.mean for point in ordered]
    axes.errorbar(
        [point.relative_cost.mean for point in ordered],
        means,
        yerr=[
            [m - 100 * p.accuracy_top1.low for m, p in zip(means, ordered, strict=True)],
            [100 * p.accuracy_top1.high - m for m, p in zip(means, ordered, strict=True)],
        ],
        label=label,
        color=color,
        marker=mark,
        linestyle=line,
        markersize=5,
        linewidth=1,
        elinewidth=0.6,
        capsize=2,
    )
    for point in ordered:
        if family == "uniform" or point.setting == 0:
            axes.annotate(
                point.policy.removeprefix("uniform:"),
                (point.relative_cost.mean, 100 * point.accuracy_top1.mean),
                xytext=(5, -10),
                textcoords="offset points",
                fontsize=8,
                color=color,
            )
