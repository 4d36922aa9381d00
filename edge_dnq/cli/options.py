"""Options that several verbs share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from edge_dnq.errors import EdgeDnqError
from edge_dnq.kernels import CHOICES
from edge_dnq.policy import FORMS
from edge_dnq.programs import RUNTIMES
from edge_dnq.streams import DEFAULT, Composition

runtime_option = click.option(
    "--runtime",
    type=click.Choice(["auto", *RUNTIMES]),
    default="auto",
    show_default=True,
    help="Inference runtime.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1, max=64),
    default=1,
    show_default=True,
    help="Threads per program.",
)
kernels_option = click.option(
    "--kernels",
    type=click.Choice(CHOICES),
    default="auto",
    show_default=True,
    help="off: the runtime's own kernels; or an instruction set.",
)
policy_option = click.option(
    "--policy", default="learned", show_default=True, metavar="POLICY", help=f"{FORMS}."
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of whatever is drawn at random.",
)
cache_dir_option = click.option(
    "--cache-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where decoded frames are kept.  [default: the user's cache folder]",
)
filler_option = click.option(
    "--filler",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="With --streams: how much of all frames is filler.  [default: 0.55]",
)
rounds_option = click.option(
    "--rounds",
    type=click.IntRange(min=1),
    help="With --streams: how often every clip is shown, in other surroundings.  [default: 1]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def composed(streams: bool, filler: float | None, rounds: int | None = None) -> Composition | None:
    """Return how streams are composed, by what was given; None where there are none.

    Raises:
        EdgeDnqError: something about streams was given, but not ``--streams``.
    """
    given: dict[str, Any] = {"filler": filler, "rounds": rounds}
    known = {name: value for name, value in given.items() if value is not None}
    if streams:
        return replace(DEFAULT, **known)
    if known:
        raise EdgeDnqError(f"--{next(iter(known))} is about streams: add --streams")
    return None
