"""Compare policies on the same clips: Markdown tables of one sweep, for the documentation.

    python benchmarks/policies.py BUNDLE DATA [--split val] [--frames N] [--plot FILE]
        [--streams [--filler SHARE] [--rounds N]]
        [--costs TABLE]

Prints the machine, the policies (of rivals the settings on the front of their family), and what the
learned ones win over every family at equal milliseconds. It is ``edge-dnq eval --sweep`` in another
dress: profile the bundle first, or costs are measured for a moment.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from edge_dnq.cli.front_tables import HEADINGS, percent, points_of, short_policy
from edge_dnq.cli.options import composed
from edge_dnq.host import read_cpu
from edge_dnq.programs.litert import find_package
from edge_dnq.session import open_bundle
from edge_dnq.sweep.front import FAMILIES, Front, SweepPoint, sweep
from edge_dnq.sweep.plot import check_plot_path, write_plot


def markdown(front: Front) -> Iterator[str]:
    """Yield the lines of both tables."""
    yield "| policy | top-1 % | ms per frame | of w8a8 | flicker % | actions |"
    yield "|---|---|---|---|---|---|"
    for family in FAMILIES:
        for point in front.of(family):
            yield (
                f"| `{short_policy(point.policy)}` | {percent(point.accuracy_top1)} | "
                f"{point.ms_per_frame:.3f} | {point.relative_cost.mean:.2f} | "
                f"{percent(point.flicker)} | {_actions(point)} |"
            )
    compared = [point for point in front.points if point.against]
    if not compared:
        return
    families = list(compared[0].against)
    yield ""
    yield "| points of accuracy over | " + " | ".join(HEADINGS[name] for name in families) + " |"
    yield "|---" * (len(families) + 1) + "|"
    for point in compared:
        cells = [points_of(point.against[name].difference) for name in families]
        yield f"| `{point.policy}` at {point.relative_cost.mean:.2f} | " + " | ".join(cells) + " |"


def _actions(point: SweepPoint) -> str:
    return " ".join(f"{name} {share:.0%}" for name, share in point.actions.items() if share)


def machine() -> str:
    """Return what the costs hold for, in one line."""
    cpu, package = read_cpu(), find_package()
    features = " ".join(cpu.features)
    return f"{cpu.model} ({cpu.architecture}, {features}), {package.name} {package.version}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("data")
    parser.add_argument("--split", default="val")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--streams", action="store_true")
    parser.add_argument("--filler", type=float)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--costs", type=Path, help="of another device")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if arguments.plot is not None:
        check_plot_path(arguments.plot)
    bundle = open_bundle(arguments.bundle)
    front, _ = sweep(
        bundle,
        arguments.data,
        arguments.split,
        streams=composed(arguments.streams, arguments.filler, arguments.rounds),
        frames=arguments.frames,
        limit=arguments.limit,
        costs=arguments.costs,
    )
    print(f"{machine()}, one thread; {front.videos}, {front.frames} frames; {front.costs}\n")
    print("\n".join(markdown(front)))
    if arguments.plot is not None:
        write_plot(arguments.plot, front, bundle.manifest.name)


if __name__ == "__main__":
    main()
