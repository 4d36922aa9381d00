"""``edge-dnq verify``: prove that a bundle is whole and computes what it should."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from edge_dnq.cli.native_log import quiet_native
from edge_dnq.cli.options import json_option, kernels_option, runtime_option, threads_option
from edge_dnq.cli.output import console, next_step, print_json, table
from edge_dnq.session import POLICY
from edge_dnq.verification import Verification, verify_bundle

GOOD, BAD = "[green]ok[/green]", "[red]FAILED[/red]"


@click.command(name="verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@runtime_option
@threads_option
@kernels_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    bundle: Path,
    runtime: str,
    threads: int,
    kernels: str,
    as_json: bool,
) -> None:
    """Check every file of a bundle, then every program against its golden vectors.

    Integer programs must agree bit for bit. The policy's memory is float32, and the policy must
    agree within 1e-4: processors add floating-point numbers in different orders. Float32 programs
    must agree within 1e-3 of their largest output. Of an imported
    checkpoint's programs it also states the distance to the float arithmetic they were made from,
    in deviations of the logits. Exit code 1 when anything fails.
    """
    with quiet_native():
        result = verify_bundle(bundle, runtime=runtime, threads=threads, kernels=kernels)
    if as_json:
        print_json(result)
    else:
        _show(bundle, result)
    if not result.ok:
        context.exit(1)


def _show(bundle: Path, result: Verification) -> None:
    out = console()
    files = table(f"files of {bundle}", "file", "size and sha256")
    for name, check in result.files.items():
        files.add_row(name, GOOD if check.ok else BAD)
    out.print(files)
    if result.runtime is not None:
        out.print(_programs(result))
    problems = [check.problem for check in result.files.values()]
    problems += [entry.problem for entry in result.programs.values()]
    for problem in dict.fromkeys(problem for problem in problems if problem):
        click.echo(problem)
    if result.ok:
        click.echo(f"{bundle} is whole; {_agreement(result)}")
        next_step(f"edge-dnq run {bundle} VIDEO")
    else:
        if all(check.ok for check in result.files.values()):
            click.echo(
                "the files are whole, but this runtime computes otherwise: the golden integers are "
                "those of ai-edge-litert with XNNPACK; older runtimes round by another rule"
            )
        click.echo(f"{bundle} FAILED")
        if result.runtime is not None:
            next_step("edge-dnq env")


def _agreement(result: Verification) -> str:
    checks = {name: check for name, check in result.programs.items() if name != POLICY}
    within = {name: check.tolerance for name, check in checks.items() if check.tolerance}
    exact = "every integer program" if within else "every program"
    parts = [f"{exact} agrees bit for bit"] if len(within) < len(checks) else []
    parts += [f"{name} within {tolerance:.2g}" for name, tolerance in within.items()]
    if POLICY in result.programs:
        parts.append(f"the policy within {result.programs[POLICY].tolerance:.2g}")
    return ", ".join(parts)


def _programs(result: Verification) -> Table:
    numbers: tuple[str, ...] = ("outputs", "mismatches", "largest difference")
    compared = any(check.float_difference is not None for check in result.programs.values())
    numbers += ("to float arithmetic",) if compared else ()
    title = f"golden vectors on {result.runtime}"
    programs = table(title, "program", "kernels", "result", *numbers, right=numbers)
    for name, check in result.programs.items():
        largest = "" if check.largest_difference is None else f"{check.largest_difference:.2g}"
        verdict = GOOD if check.ok else BAD
        kernels = check.kernels.name if check.kernels is not None else ""
        row = [name, kernels, verdict, str(check.outputs), str(check.mismatches), largest]
        if compared:
            distance = check.float_difference
            row.append("" if distance is None else f"{distance:.2g}")
        programs.add_row(*row)
    return programs
