"""Tables of a front of policies, for the verbs and benchmarks that print one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import click

from edge_dnq.bootstrap import Interval
from edge_dnq.cli.output import console, table
from edge_dnq.sweep.front import FAMILIES, Front, SweepPoint

FILE_WIDTH = 150
"""Columns where nobody's window limits them."""

HEADINGS = {
    "uniform": "a uniform program",
    "cycle": "every n-th frame",
    "cascade": "cascade",
    "exit": "early exit",
    "exit_told": "early exit, filler told",
    "change": "on change",
    "random": "random mix",
}


def show_front(front: Front, title: str) -> None:
    """Print accuracy, cost and flicker of the policies, and what policies win over their rivals."""
    out = console()
    if not out.is_terminal:
        out.width = FILE_WIDTH
    out.print(_overview(front, title))
    compared = [point for point in front.points if point.against]
    if compared:
        out.print(_comparisons(compared))
    click.echo(
        f"cost: mean of a frame in frames of {front.reference} "
        f"({front.reference_ms_per_frame:.3f} ms), the policy's included; flicker: frames on which "
        "the running prediction changed; of rivals, settings on the front of their family"
    )
    click.echo(
        f"in brackets: {100 * front.confidence:.0f} % intervals, {front.resamples} paired "
        f"bootstrap samples of {front.groups} groups; over rivals: at equal ms, between two "
        "settings of a family by a coin per clip"
    )


def _overview(front: Front, title: str) -> object:
    columns = ("ms", "cost", "top 1 %", "over 8 bit", "flicker %", "flicker over 8 bit")
    shown = table(title, "policy", *columns, right=columns)
    for family in FAMILIES:
        for point in front.of(family):
            shown.add_row(
                short_policy(point.policy),
                f"{point.ms_per_frame:.4f}",
                f"{point.relative_cost.mean:.3f}",
                percent(point.accuracy_top1),
                points_of(point.difference),
                percent(point.flicker),
                points_of(point.flicker_difference),
            )
        shown.add_section()
    return shown


def _comparisons(points: Sequence[SweepPoint]) -> object:
    families = list(points[0].against)
    columns = [HEADINGS[family] for family in families]
    shown = table("points of accuracy over ...", "policy", "cost", *columns, right=tuple(columns))
    for point in points:
        shown.add_row(
            short_policy(point.policy),
            f"{point.relative_cost.mean:.3f}",
            *(points_of(point.against[family].difference) for family in families),
        )
    return shown


def short_policy(policy: str) -> str:
    """Write a cycle such as ``w8a8,skip,skip,skip`` as ``w8a8,3 skip``, a random mix shorter."""
    if policy.startswith("random:"):
        return "random " + " ".join(f"{float(p):.2f}" for p in policy[7:].split(","))
    parts = [(name, len(list(same))) for name, same in groupby(policy.split(","))]
    return ",".join(name if count == 1 else f"{count} {name}" for name, count in parts)


def percent(value: Interval) -> str:
    """Write a fraction and its interval as percentages."""
    mean, low, high = (100 * number for number in (value.mean, value.low, value.high))
    return f"{mean:.1f} ({low:.1f}-{high:.1f})"


def points_of(value: Interval) -> str:
    """Write a difference of fractions and its interval in points."""
    mean, low, high = (100 * number for number in (value.mean, value.low, value.high))
    return f"{mean:+.1f} ({low:+.1f}, {high:+.1f})"
