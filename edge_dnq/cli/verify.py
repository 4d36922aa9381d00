"""``edge-dnq verify``: prove that a bundle is whole and computes what it should."""

from __future__ import annotations

from pathlib import Path

import click

from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import json_option, runtime_option, threads_option
from edge_dnq.cli.output import console, next_step, print_json, table
from edge_dnq.verification import POLICY_TOLERANCE, Verification, verify_bundle

GOOD, BAD = "[green]ok[/green]", "[red]FAILED[/red]"


@click.command(name="verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@runtime_option
@threads_option
@json_option
@click.pass_context
def command(
    context: click.Context, bundle: Path, runtime: str, threads: int, as_json: bool
) -> None:
    """Check every file of a bundle, then every program against its golden vectors.

    Programs must agree bit for bit. The policy is float32 and must agree within 1e-4, because
    processors add floating-point numbers in different orders. Exit code 1 when anything fails.
    """
    with quiet_native():
        result = verify_bundle(bundle, runtime=runtime, threads=threads)
    if as_json:
        print_json(result)
    else:
        _show(bundle, result)
    if not result.ok:
        context.exit(1)


def _show(bundle: Path, result: Verification) -> None:
    out = console()
    files = table(f"files of {bundle}", "file", "size and sha256", "problem")
    for name, check in result.files.items():
        files.add_row(name, GOOD if check.ok else BAD, check.problem or "")
    out.print(files)
    programs = table(
        f"golden vectors on {result.runtime or 'no runtime'}",
        "program",
        "result",
        "outputs",
        "mismatches",
        "largest difference",
        "problem",
        right=("outputs", "mismatches", "largest difference"),
    )
    for name, entry in result.programs.items():
        largest = "" if entry.largest_difference is None else f"{entry.largest_difference:.2g}"
        programs.add_row(
            name,
            GOOD if entry.ok else BAD,
            str(entry.outputs),
            str(entry.mismatches),
            largest,
            entry.problem or "",
        )
    out.print(programs)
    if result.ok:
        click.echo(
            f"{bundle} is whole; programs agree bit for bit, the policy within {POLICY_TOLERANCE:g}"
        )
        next_step(f"edge-dnq run {bundle} VIDEO")
    else:
        click.echo(f"{bundle} FAILED: copy it again or export it again")
