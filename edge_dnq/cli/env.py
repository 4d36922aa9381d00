"""``edge-dnq env``: this machine and what is installed on it."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

import click

import edge_dnq
from edge_dnq import host
from edge_dnq.cli.options import json_option
from edge_dnq.cli.output import console, human_bytes, next_step, print_json, table
from edge_dnq.executorch_library import BUILD, LibraryStatus, library_status
from edge_dnq.kernels import CHOICE_VARIABLE, KernelsStatus, kernels_status

RUNTIMES: dict[str, tuple[str, ...]] = {
    "ai-edge-litert": ("ai-edge-litert",),
    "tflite-runtime": ("tflite-runtime",),
    "executorch": ("executorch",),
}
"""Inference runtime -> its distributions."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "numpy": ("numpy",),
    "opencv": ("opencv-python-headless", "opencv-python", "opencv-contrib-python"),
    "torch": ("torch",),
    "safetensors": ("safetensors",),
    "litert-torch": ("litert-torch",),
    "matplotlib": ("matplotlib",),
    "jinja2": ("jinja2",),
    "starlette": ("starlette",),
    "prometheus-client": ("prometheus-client",),
    "psutil": ("psutil",),
}
"""Library -> the distributions that bring it."""

NEEDS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("opencv", ("opencv",), "every verb that sees video", "pip install 'edge-dnq[video]'"),
    (
        "litert",
        ("ai-edge-litert", "tflite-runtime", "executorch"),
        "run, eval, verify, demo",
        "pip install 'edge-dnq[litert]'",
    ),
    (
        "report",
        ("matplotlib",),
        "report, run --timeline, eval --plot, demo",
        "pip install 'edge-dnq[report]'",
    ),
    (
        "serve",
        ("starlette",),
        "run --serve, run --metrics",
        "pip install 'edge-dnq[serve]'",
    ),
    (
        "profile",
        ("psutil",),
        "temperature and frequency in profile --sustained",
        "pip install 'edge-dnq[profile]'",
    ),
    ("train", ("torch",), "train, export, demo", "pip install 'edge-dnq[train]'"),
    (
        "safetensors",
        ("safetensors",),
        "checkpoints that end in .safetensors, demo",
        "pip install 'edge-dnq[train]'",
    ),
    ("export", ("litert-torch",), "export, demo", "pip install 'edge-dnq[export]'"),
)
"""What is needed, the packages of which any one serves, what for, and how it is installed."""


@click.command(name="env")
@json_option
def command(as_json: bool) -> None:
    """Show this machine, its runtimes, and what is missing."""
    facts = collect()
    if as_json:
        print_json(facts)
    else:
        _show(facts)


def collect() -> dict[str, Any]:
    """Return the facts as plain JSON values; nothing heavy is imported."""
    runtimes = {name: host.installed_version(*names) for name, names in RUNTIMES.items()}
    packages = {name: host.installed_version(*names) for name, names in PACKAGES.items()}
    have = {name for name, version in {**runtimes, **packages}.items() if version}
    return {
        "edge_dnq": edge_dnq.__version__,
        "cpu": host.read_cpu(),
        "memory_bytes": host.read_memory(),
        "system": platform.platform(),
        "python": host.python_version(),
        "runtimes": runtimes,
        "packages": packages,
        "kernels": kernels_status(),
        "executorch_library": library_status(),
        "missing": [*_missing(have), *_missing_library()],
    }


def _missing(have: set[str]) -> Iterator[dict[str, str]]:
    for name, serving, purpose, install in NEEDS:
        if not have.intersection(serving):
            yield {"name": name, "needed_for": purpose, "install": install}


def _missing_library() -> Iterator[dict[str, str]]:
    """Yield the library for ExecuTorch where the runtime is installed and the library unusable."""
    status = library_status()
    if status.installed is not None and status.problem is not None:
        purpose = "--runtime executorch without torch, and the kernels there"
        yield {"name": "ExecuTorch library", "needed_for": purpose, "install": BUILD}


def _kernels(status: KernelsStatus) -> str:
    if not status.available:
        return f"the runtime's own: {status.problem}"
    choice = f", chosen by {CHOICE_VARIABLE}" if status.choice != "auto" else ""
    return f"edge-dnq {status.version} on {status.isa}{choice}; has {', '.join(status.isas)}"


def _executorch(status: LibraryStatus) -> str:
    if status.problem is not None:
        return status.problem
    return f"built for ExecuTorch {status.built_for}, which is installed as {status.installed}"


def _show(facts: dict[str, Any]) -> None:
    out = console()
    cpu, memory = facts["cpu"], facts["memory_bytes"]
    machine = table("machine", "what", "value")
    machine.add_row("processor", f"{cpu.model} ({cpu.architecture})")
    machine.add_row("usable cores", str(cpu.cores))
    machine.add_row("instruction sets", " ".join(cpu.features) or "none that matter here")
    if memory["total"] is not None and memory["available"] is not None:
        free = human_bytes(memory["available"])
        machine.add_row("memory", f"{human_bytes(memory['total'])}, {free} available")
    machine.add_row("system", facts["system"])
    machine.add_row("Python", facts["python"])
    machine.add_row("edge-dnq", facts["edge_dnq"])
    machine.add_row("kernels", _kernels(facts["kernels"]))
    machine.add_row("ExecuTorch library", _executorch(facts["executorch_library"]))
    out.print(machine)

    software = table("software", "package", "version")
    for name, version in {**facts["runtimes"], **facts["packages"]}.items():
        software.add_row(name, version or "[dim]not installed[/dim]")
    out.print(software)

    if not facts["missing"]:
        click.echo("nothing is missing")
        next_step("edge-dnq demo")
        return
    missing = table("missing", "what", "needed for", "install with")
    for item in facts["missing"]:
        missing.add_row(item["name"], item["needed_for"], item["install"].replace("[", r"\["))
    out.print(missing)
