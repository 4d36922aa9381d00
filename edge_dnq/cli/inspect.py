"""``edge-dnq inspect``: what is inside a bundle or a checkpoint."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from edge_dnq.bundle import Bundle
from edge_dnq.cli import videoiq
from edge_dnq.cli.options import json_option
from edge_dnq.cli.output import console, human_bytes, next_step, print_json, table
from edge_dnq.errors import RuntimeMissingError
from edge_dnq.executorch_library import library_status
from edge_dnq.manifest import FileSpec, Manifest, PolicySpec, ProgramSpec
from edge_dnq.programs import executorch
from edge_dnq.programs.executorch_file import read_blob_facts
from edge_dnq.programs.tflite_file import ProgramFacts, read_program_facts
from edge_dnq.session import POLICY

CHECKPOINTS = (".pt", ".safetensors")
FOREIGN = (".pth", ".tar", ".ckpt", ".bin")
TFLITE = "litert"
COMMONEST = 2
"""Kinds of operations that the table names; JSON has them all."""


@click.command(name="inspect")
@click.argument("path", metavar="BUNDLE|CHECKPOINT", type=click.Path(path_type=Path))
@videoiq.recognition_options
@json_option
def command(path: Path, skip_lengths: str | None, bits: str | None, as_json: bool) -> None:
    """Show what is inside a bundle or a checkpoint.

    Of a bundle: the manifest and, read from the programs themselves, their operations, the levels
    of their activations and the range of their weights. Of a checkpoint: configuration,
    parameters, training record. Checkpoints of the original VideoIQ code are recognised.
    """
    if path.suffix in CHECKPOINTS + FOREIGN and not path.is_dir() and videoiq.is_import(path):
        model = videoiq.load(path, videoiq.ImportSettings(skip_lengths=skip_lengths, bits=bits))
        if as_json:
            print_json(videoiq.checkpoint_facts(model))
        else:
            videoiq.show_checkpoint(model)
        return
    if path.suffix in CHECKPOINTS and not path.is_dir():
        facts = checkpoint_facts(path)
        if as_json:
            print_json(facts)
        else:
            _show_checkpoint(path, facts)
        return
    bundle = Bundle.load(path)
    facts = bundle_facts(bundle)
    if as_json:
        print_json(facts)
    else:
        _show_bundle(bundle, facts)


def bundle_facts(bundle: Bundle) -> dict[str, Any]:
    """Return the manifest and the facts of every program, as plain JSON values."""
    manifest = bundle.manifest
    programs = {
        program.name: _program(bundle, program.files)
        for program in manifest.programs
        if TFLITE in program.files
    }
    facts: dict[str, Any] = {"manifest": msgspec.to_builtins(manifest), "programs": programs}
    if manifest.policy is not None and TFLITE in manifest.policy.files:
        facts["policy"] = _program(bundle, manifest.policy.files)
    facts["executorch"] = _executorch(bundle)
    return facts


def _executorch(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """Return the facts of the ExecuTorch programs by name, and by their name in ``files``."""
    manifest = bundle.manifest
    parts: dict[str, ProgramSpec | PolicySpec] = {spec.name: spec for spec in manifest.programs}
    if manifest.policy is not None:
        parts[POLICY] = manifest.policy
    found: dict[str, dict[str, Any]] = {}
    for name, spec in parts.items():
        for key in executorch.STOCK, executorch.KERNELS:
            if key in spec.files:
                facts = _executorch_program(bundle.read(spec.files[key]), spec)
                found.setdefault(name, {})[key] = {"file": spec.files[key].file, **facts}
    return found


def _executorch_program(content: bytes, spec: ProgramSpec | PolicySpec) -> dict[str, Any]:
    ends = (
        (spec.inputs, spec.outputs)
        if isinstance(spec, PolicySpec)
        else ((spec.input,), (spec.output,))
    )
    backends, problem = None, library_status().problem
    if problem is None:
        backends = Counter(executorch.ExecuTorchProgram(content, *ends).backends)
    blob = read_blob_facts(content)
    return {
        "backends": backends,
        "problem": problem,
        "integer_graph": None if blob is None else asdict(blob),
        "bytes": len(content),
    }


def _program(bundle: Bundle, files: dict[str, FileSpec]) -> dict[str, Any]:
    facts = read_program_facts(bundle.read(files[TFLITE]))
    return {
        "ops": facts.ops,
        "tensors": facts.tensors,
        "activation_levels": {str(n): count for n, count in facts.activation_levels.items()},
        "activations": [_activation(facts, index) for index in range(len(facts.hidden))],
        "weight_range": facts.weight_range,
        "weights": [msgspec.to_builtins(weights) for weights in facts.weights],
        "macs": facts.macs,
        "bytes": facts.bytes,
    }


def _activation(facts: ProgramFacts, index: int) -> dict[str, Any]:
    activation = facts.hidden[index]
    return {**msgspec.to_builtins(activation), "levels": activation.levels}


def checkpoint_facts(path: Path) -> dict[str, Any]:
    """Return a checkpoint's configuration, parameter counts, MACs and record.

    Raises:
        CheckpointError: not a checkpoint.
        RuntimeMissingError: torch is not installed.
    """
    try:
        from edge_dnq.nn.checkpoint import load_checkpoint
    except ImportError as error:
        raise RuntimeMissingError(
            f"reading a checkpoint needs torch: pip install 'edge-dnq[train]' ({error})"
        ) from error
    model = load_checkpoint(path)
    parts = {"backbone": model.backbone, "policy": model.policy}
    counts = {
        name: sum(p.numel() for p in part.parameters()) for name, part in parts.items() if part
    }
    macs = {p.name: model.backbone.macs(p.name) for p in model.config.backbone.programs}
    if model.policy is not None:
        macs["policy"] = model.policy.macs()
    return {
        "config": msgspec.to_builtins(model.config),
        "actions": list(model.config.actions),
        "parameters": counts,
        "macs": macs,
        "record": model.record,
        "bytes": path.stat().st_size,
    }


def _show_bundle(bundle: Bundle, facts: dict[str, Any]) -> None:
    out = console()
    manifest = bundle.manifest
    _show_manifest(out, manifest)
    programs = table(
        "programs",
        "program",
        "operations",
        "hidden activations",
        "body weights",
        "MMACs",
        "size",
        right=("MMACs", "size"),
    )
    for name, entry in facts["programs"].items():
        programs.add_row(name, _ops(entry), _levels(entry), _weights(entry), *_size(entry))
    if "policy" in facts:
        entry = facts["policy"]
        programs.add_row("policy", _ops(entry), _levels(entry), _weights(entry), *_size(entry))
    if facts["programs"] or "policy" in facts:
        out.print(programs)
    if facts["executorch"]:
        _show_executorch(out, facts["executorch"])
    next_step(f"edge-dnq verify {bundle.path}")


def _show_executorch(out: Console, facts: dict[str, dict[str, Any]]) -> None:
    columns = ("program", "regions by backend", "integer graph", "size")
    programs = table("ExecuTorch programs", *columns, right=("size",))
    problem = None
    for kinds in facts.values():
        for entry in kinds.values():
            backends = "unknown"
            if entry["backends"] is not None:
                backends = ", ".join(f"{n} {backend}" for backend, n in entry["backends"].items())
            problem = problem or entry["problem"]
            graph = entry["integer_graph"]
            shown = "none"
            if graph is not None:
                shown = "{operations} operations, version {version}, CRC {crc32}".format(**graph)
            programs.add_row(entry["file"], backends, shown, human_bytes(entry["bytes"]))
    out.print(programs)
    if problem is not None:
        click.echo(f"backends are unknown: {problem}")


def _show_manifest(out: Console, manifest: Manifest) -> None:
    overview = table(f"bundle {manifest.name}", "what", "value")
    overview.add_row("made by", manifest.created_by)
    shown = ", ".join(manifest.labels[:6]) + (", ..." if len(manifest.labels) > 6 else "")
    overview.add_row("labels", f"{len(manifest.labels)}: {shown}")
    size = f"{manifest.input.width} x {manifest.input.height} RGB"
    overview.add_row("input", f"{size}, {manifest.clip_frames} frames per clip in training")
    overview.add_row("actions", ", ".join(action.name for action in manifest.actions))
    out.print(overview)


def _ops(entry: dict[str, Any]) -> str:
    counts = sorted(entry["ops"].items(), key=lambda item: -item[1])
    shown = ", ".join(f"{count} {name}" for name, count in counts[:COMMONEST])
    more = ", ..." if len(counts) > COMMONEST else ""
    return f"{sum(entry['ops'].values())}: {shown}{more}"


def _levels(entry: dict[str, Any]) -> str:
    levels = entry["activation_levels"]
    return ", ".join(f"{count} x {n} levels" for n, count in levels.items()) or "float"


def _weights(entry: dict[str, Any]) -> str:
    body = [w for w in entry["weights"] if w["role"] == "body"]
    parts = []
    if entry["weight_range"] is not None:
        low, high = entry["weight_range"]
        parts.append(f"{low:g}..{high:g}" + (" odd" if all(w["odd"] for w in body) else ""))
    parts += sorted({w["dtype"].lower() for w in body if not w["dtype"].startswith("INT")})
    return ", ".join(parts) or "none"


def _size(entry: dict[str, Any]) -> tuple[str, str]:
    return f"{entry['macs'] / 1e6:.1f}", human_bytes(entry["bytes"])


def _show_checkpoint(path: Path, facts: dict[str, Any]) -> None:
    config, backbone = facts["config"], facts["config"]["backbone"]
    overview = table(f"checkpoint {path}", "what", "value")
    overview.add_row(
        "network",
        f"{backbone['architecture']}, width {backbone['width']:g}, {backbone['stem']} stem, "
        f"input {backbone['input_size']} px",
    )
    overview.add_row("labels", f"{len(config['labels'])}: {', '.join(config['labels'][:6])}")
    overview.add_row("actions", ", ".join(facts["actions"]))
    for name, count in facts["parameters"].items():
        overview.add_row(f"{name} parameters", f"{count:,}")
    for name, count in facts["macs"].items():
        overview.add_row(f"{name} MACs", f"{count / 1e6:.1f} M")
    for key, value in facts["record"].items():
        overview.add_row(f"record: {key}", str(value))
    overview.add_row("size", human_bytes(facts["bytes"]))
    console().print(overview)
    next_step(f"edge-dnq export {path} -o {path.with_suffix('')}-bundle/")
