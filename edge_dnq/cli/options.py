"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

from edge_dnq.kernels import CHOICES
from edge_dnq.policy import FORMS
from edge_dnq.programs import RUNTIMES

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
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
