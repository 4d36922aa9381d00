"""The figures of a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge_dnq.profiling.table import Interval, ThreadCosts
from edge_dnq.report.colors import ActionStyle
from edge_dnq.report.front import FrontPoint
from edge_dnq.report.layers import Histogram, Layer, NetworkLayers
from edge_dnq.report.svg import DIM, GRID, PAPER, drawing, page_svg
from edge_dnq.sweep.plot import STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "s", "D", "^", "v", "P", "X")
HATCHES = ("", "////", "....", "", "xxxx", "----")
ROOM_FOR_TEXT = 0.16
"""Share of a bar from which its number fits inside."""


def layer_figure(layer: Layer, styles: Mapping[str, ActionStyle]) -> str:
    """Draw the histograms of one layer: a column per program, weights above activations."""
    names = list(layer.programs)
    weighted = any(values.weights is not None for values in layer.programs.values())
    rows = 2 if weighted else 1
    with drawing(80 * rows) as figure:
        grid = figure.subplots(rows, len(names), squeeze=False)
        for column, name in enumerate(names):
            values, color = layer.programs[name], styles[name].color
            if values.weights is not None:
                _histogram(grid[0][column], values.weights, color, zero=False)
            _histogram(grid[-1][column], values.activations, color, zero=not layer.signed)
            grid[0][column].set_title(name)
        if weighted:
            grid[0][0].set_ylabel("weights")
        grid[-1][0].set_ylabel("activations")
        return page_svg(
            figure,
            f"layer-{layer.place}",
            f"Layer {layer.place}: how its weights and activations are spread",
            "; ".join(_in_words(name, layer.programs[name].activations) for name in names),
        )


def _in_words(name: str, histogram: Histogram) -> str:
    return (
        f"{name}: {histogram.levels} levels, {100 * histogram.zero:.0f} % of the activations are "
        f"zero, {100 * histogram.largest:.1f} % at the largest code"
    )


def _histogram(axes: Axes, histogram: Histogram, color: str, *, zero: bool) -> None:
    """Draw the shares; zeros of a rectifier are told in a number, or they would hide the rest."""
    shares = np.array(histogram.shares)
    edges = np.linspace(histogram.low, histogram.high, len(shares) + 1)
    if zero:
        shares[0] = max(0.0, shares[0] - histogram.zero)
        axes.text(
            0.98,
            0.97,
            f"{100 * histogram.zero:.0f} % zero",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=8,
        )
    top = float(shares.max()) or 1.0
    axes.stairs(shares / top, edges, fill=True, color=color)
    axes.set_ylim(0, 1.45 if zero else 1.05)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ticks = [0, 1] if histogram.low > -0.5 else [-1, 0, 1]
    axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=8)


def sqnr_figure(layers: NetworkLayers, styles: Mapping[str, ActionStyle], *, weights: bool) -> str:
    """Draw the SQNR of every layer and program."""
    what = "weights" if weights else "activations"
    with drawing(190) as figure:
        axes = figure.subplots()
        told = []
        for place, name in enumerate(_compared(layers)):
            pairs = [
                (layer.place, value)
                for layer in layers.layers
                if (value := _sqnr_of(layer, name, weights=weights)) is not None
            ]
            finite = [(x, y) for x, y in pairs if math.isfinite(y)]
            if not finite:
                continue
            axes.plot(
                *zip(*finite, strict=True),
                color=styles[name].color,
                marker=MARKERS[place % len(MARKERS)],
                markersize=4,
                linewidth=1,
                label=name,
            )
            lowest = min(finite, key=lambda pair: pair[1])
            told.append(f"{name}: lowest {lowest[1]:.1f} dB in layer {lowest[0]}")
        axes.set_xlim(0.5, len(layers.layers) + 0.5)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("layer")
        axes.set_ylabel("SQNR, dB")
        axes.grid(axis="y")
        if told:
            figure.legend(loc="outside upper center", ncols=4, handlelength=1.5)
        title = f"Quantisation error of the {what} by layer, against {layers.reference}"
        return page_svg(figure, f"sqnr-{what}", title, "; ".join(told))


def _compared(layers: NetworkLayers) -> list[str]:
    names = layers.layers[0].programs if layers.layers else {}
    return [name for name in names if name != layers.reference]


def _sqnr_of(layer: Layer, name: str, *, weights: bool) -> float | None:
    values = layer.programs[name]
    return values.weight_sqnr if weights else values.activation_sqnr


def front_figure(points: Sequence[FrontPoint], unit: str) -> str:
    """Draw accuracy over cost, a mark per policy and a curve per family that has one."""
    families = {name: [p for p in points if p.family == name] for name in STYLES}
    with drawing(320) as figure:
        axes = figure.subplots()
        for name, own in families.items():
            if not own:
                continue
            own = sorted(own, key=lambda point: point.cost)
            label, color, mark, line = STYLES[name]
            accuracy = np.array([point.accuracy for point in own])
            low, high = (np.array([getattr(p, end) for p in own]) for end in ("low", "high"))
            drawn = axes.errorbar(
                [point.cost for point in own],
                100 * accuracy,
                (100 * (accuracy - low), 100 * (high - accuracy)),
                color=color,
                marker=mark,
                markersize=5,
                linestyle=line if len(own) > 2 else "",
                linewidth=1,
                elinewidth=0.8,
                label=label,
            )
            for bar in drawn.lines[2]:
                bar.set_alpha(0.5)
        axes.set_xlabel(f"cost, {unit}")
        axes.set_ylabel("accuracy, %")
        axes.set_xlim(left=0)
        axes.margins(x=0.14, y=0.14)
        axes.grid()
        _name_points(axes, [point for point in points if point.named])
        figure.legend(loc="outside upper left", ncols=1, handlelength=1.5, labelspacing=0.3)
        best = max(points, key=lambda point: point.accuracy)
        cheap = min(points, key=lambda point: point.cost)
        return page_svg(
            figure,
            "front",
            "Accuracy and cost of every policy that was evaluated",
            f"Most accurate: {best.name}, {100 * best.accuracy:.1f} % at {best.cost:.3f}. "
            f"Cheapest: {cheap.name}, {100 * cheap.accuracy:.1f} % at {cheap.cost:.3f}.",
        )


def _name_points(axes: Axes, points: Sequence[FrontPoint]) -> None:
    """Write names above marks; those of marks that are near each other in a pile, with lines."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    piles: list[list[FrontPoint]] = []
    for point in sorted(points, key=lambda point: point.cost):
        if piles and point.cost - piles[-1][-1].cost < 0.16 * (high - low):
            piles[-1].append(point)
        else:
            piles.append([point])
    for pile in piles:
        highest = max(point.accuracy for point in pile)
        for place, point in enumerate(sorted(pile, key=lambda point: -point.accuracy)):
            rise = (100 * highest - bottom) / (top - bottom) + 0.03 + 0.045 * place
            axes.annotate(
                point.name.removeprefix("uniform:"),
                (point.cost, 100 * point.accuracy),
                ((point.cost - low) / (high - low) + 0.015, rise),
                textcoords="axes fraction",
                fontsize=8,
                arrowprops={"arrowstyle": "-", "color": DIM, "linewidth": 0.5}
                if len(pile) > 1
                else None,
            )


def cost_figure(name: str, costs: ThreadCosts, styles: Mapping[str, ActionStyle]) -> str:
    """Draw what a frame of each action takes: the median, and a line to the 95th percentile."""
    rows = [(action, cost) for action, cost in costs.actions.items() if action in styles]
    with drawing(46 + 20 * len(rows)) as figure:
        axes = figure.subplots()
        for place, (action, cost) in enumerate(rows):
            axes.barh(place, cost.median_ms, 0.7, color=styles[action].color)
            axes.plot([cost.median_ms, cost.p95_ms], [place, place], color=DIM, linewidth=1)
            axes.plot([cost.p95_ms], [place], color=DIM, marker="|", markersize=7)
        axes.set_yticks(range(len(rows)), [action for action, _ in rows])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel("ms per frame, policy included")
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        told = [f"{action}: {c.median_ms:.3f} ms, p95 {c.p95_ms:.3f} ms" for action, c in rows]
        return page_svg(figure, name, "What a frame of each action takes", "; ".join(told))


def sustained_figure(
    name: str, intervals: Sequence[Interval], styles: Mapping[str, ActionStyle]
) -> str:
    """Draw how durations, and the temperature, go on over minutes of work."""
    hot = any(interval.celsius is not None for interval in intervals)
    with drawing(230 if hot else 170) as figure:
        grid = figure.subplots(2 if hot else 1, 1, squeeze=False, sharex=True)
        upper, lower = grid[0][0], grid[-1][0]
        minutes = [interval.time_s / 60 for interval in intervals]
        for action, style in styles.items():
            if action in intervals[0].median_ms:
                taken = [interval.median_ms.get(action, math.nan) for interval in intervals]
                upper.plot(minutes, taken, color=style.color, label=action)
        upper.set_ylim(bottom=0)
        upper.set_ylabel("ms per frame")
        if hot:
            degrees = [math.nan if i.celsius is None else i.celsius for i in intervals]
            lower.plot(minutes, degrees, color=DIM)
            lower.set_ylabel("degrees C")
        lower.set_xlabel("minutes")
        figure.legend(loc="outside upper right", ncols=4, handlelength=1.2)
        first, last = intervals[0].median_ms, intervals[-1].median_ms
        told = [
            f"{a}: {first[a]:.3f} ms at first, {last.get(a, math.nan):.3f} ms at last"
            for a in first
        ]
        return page_svg(figure, name, "Durations over minutes of work", "; ".join(told))


def mix_figure(mix: Mapping[str, Mapping[str, float]], styles: Mapping[str, ActionStyle]) -> str:
    """Draw which actions the frames of each class got, as stacked bars."""
    labels = list(mix)
    with drawing(46 + 17 * len(labels)) as figure:
        axes = figure.subplots()
        left = np.zeros(len(labels))
        places = np.arange(len(labels))
        for index, (name, style) in enumerate(styles.items()):
            shares = np.array([mix[label].get(name, 0.0) for label in labels])
            axes.barh(
                places,
                shares,
                0.8,
                left,
                color=style.color,
                hatch=HATCHES[index % len(HATCHES)],
                edgecolor=GRID,
                linewidth=0.5,
                label=name,
            )
            for place, share in enumerate(shares):
                if share >= ROOM_FOR_TEXT:
                    axes.text(
                        left[place] + share / 2,
                        place,
                        f"{100 * share:.0f}",
                        ha="center",
                        va="center",
                        fontsize=8,
                        bbox={"boxstyle": "round,pad=0.15", "fc": PAPER, "ec": "none"},
                    )
            left += shares
        axes.set_yticks(places, labels)
        axes.set_xticks([0, 0.5, 1], ["0", "50", "100"])
        axes.set_xlabel("% of frames")
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.tick_params(axis="x", color=DIM)
        figure.legend(loc="outside upper right", ncols=4, handlelength=1.2, columnspacing=1.0)
        told = [
            f"{label}: " + ", ".join(f"{name} {100 * share:.0f} %" for name, share in row.items())
            for label, row in mix.items()
        ]
        return page_svg(figure, "mix", "Actions by class", "; ".join(told))
