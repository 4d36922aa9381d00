"""How every verb prints: JSON on request, tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from edge_dnq.kernels import KernelUse


def print_json(value: Any) -> None:
    """Print ``value`` (records, dataclasses, plain containers) as one line of JSON.

    NaN and infinity become null, as JSON has no words for them.
    """
    click.echo(msgspec.json.encode(value).decode())


def table(title: str, *columns: str, right: str | tuple[str, ...] = ()) -> Table:
    """Return an empty table.

    Args:
        title: Heading.
        columns: Column names in order.
        right: Names of the columns to align right (numbers).
    """
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    numeric = (right,) if isinstance(right, str) else right
    for column in columns:
        made.add_column(column, justify="right" if column in numeric else "left")
    return made


def console(*, error: bool = False) -> Console:
    """Return a console on stdout, or on stderr for progress and notes."""
    return Console(stderr=error, highlight=False)


def kernel_lines(kernels: Mapping[str, KernelUse]) -> list[str]:
    """Say which kernels the programs run on, those alike on one line."""
    programs: dict[str, list[str]] = {}
    for name, use in kernels.items():
        programs.setdefault(use.describe(), []).append(name)
    return [f"{', '.join(names)}: {line}" for line, names in programs.items()]


def stock_difference_lines(differences: Mapping[str, tuple[int, int] | None]) -> list[str]:
    """Say of which programs stock ExecuTorch gives other outputs, and by how much.

    Args:
        differences: By program, how many outputs differ and by how many codes at most; None where
            there is no such program.
    """
    return [
        f"{name}: stock ExecuTorch rounds additions by a rule of its own: {found[0]} outputs are "
        f"up to {found[1]} codes off"
        for name, found in differences.items()
        if found is not None and found[0]
    ]


def human_bytes(count: int | float) -> str:
    """Return a size such as ``3.4 MB`` (powers of 1000)."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def next_step(line: str) -> None:
    """Tell the command to go on with."""
    click.echo(f"next: {line}")
