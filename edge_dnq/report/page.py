"""The report: one HTML file that holds everything it shows and asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_dnq.bundle import Bundle
from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.profiling.table import CostTable, bundle_digest, costs_folder, read_table
from edge_dnq.programs.tflite_file import ProgramFacts, read_program_facts
from edge_dnq.report import figures
from edge_dnq.report.clips import ClipStudy
from edge_dnq.report.colors import (
    BY_BITS,
    GREYS,
    SERIES,
    SPARE,
    ActionStyle,
    action_styles,
    readable_on,
)
from edge_dnq.report.front import FrontPoint
from edge_dnq.report.layers import TFLITE, NetworkLayers
from edge_dnq.report.svg import color_variable
from edge_dnq.staging import staged_file

if TYPE_CHECKING:
    from jinja2 import Environment

PAPERS = {"light": "#ffffff", "dark": "#14171a"}
TEMPLATE = "report.html.j2"
INSTALL = "pip install 'edge-dnq[report]'"


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Attributes:
        bundle: The bundle.
        layers: Its layers; None where it has no TFLite programs.
        points: Policies that were evaluated.
        study: Clips that were played; None where none were given.
        tables: Costs that were measured, of any device.
    """

    bundle: Bundle
    layers: NetworkLayers | None
    points: Sequence[FrontPoint] = ()
    study: ClipStudy | None = None
    tables: Sequence[CostTable] = ()


def environment(package: str = "edge_dnq.report") -> Environment:
    """Return the templates of a package.

    Raises:
        RuntimeMissingError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise RuntimeMissingError(f"a report needs jinja2: {INSTALL} ({error})") from error
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_report(path: Path, report: Report) -> None:
    """Write a report as one file.

    Raises:
        EdgeDnqError: the file cannot be written.
        RuntimeMissingError: jinja2 or matplotlib is not installed.
    """
    page = render(report)
    with staged_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render(report: Report) -> str:
    """Return the page."""
    manifest = report.bundle.manifest
    styles = action_styles(manifest)
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            report=report,
            manifest=manifest,
            styles=styles,
            facts=_facts(report.bundle),
            figures=_figures(report, styles),
            variables={name: color_variables(paper) for name, paper in PAPERS.items()},
            variable=color_variable,
        )
    )


def matching_tables(bundle: Bundle) -> tuple[list[CostTable], list[str]]:
    """Return the cost tables beside a bundle that are of it, and why others were left out."""
    digest, found, problems = bundle_digest(bundle.manifest), [], []
    for path in sorted(costs_folder(bundle.path).glob("*.json")):
        try:
            table = read_table(path)
        except EdgeDnqError as error:
            problems.append(str(error))
            continue
        if table.subject.bundle != digest:
            problems.append(f"{path} is of another export of this bundle")
        elif table.threads:
            found.append(table)
    return found, problems


def _facts(bundle: Bundle) -> dict[str, ProgramFacts]:
    """Return what every TFLite program says about itself, the policy last."""
    manifest = bundle.manifest
    files = {program.name: program.files for program in manifest.programs}
    if manifest.policy is not None:
        files["policy"] = manifest.policy.files
    return {
        name: read_program_facts(bundle.read(own[TFLITE]))
        for name, own in files.items()
        if TFLITE in own
    }


def _figures(report: Report, styles: Mapping[str, ActionStyle]) -> dict[str, Any]:
    """Draw everything there is something to draw for; the page takes the SVG as it is."""
    from markupsafe import Markup

    made: dict[str, Any] = {}
    layers = report.layers
    if layers is not None:
        made["layers"] = [Markup(figures.layer_figure(x, styles)) for x in layers.layers]
        if len(layers.layers[0].programs) > 1:
            for name in ("weights", "activations"):
                svg = figures.sqnr_figure(layers, styles, weights=name == "weights")
                made[f"sqnr_{name}"] = Markup(svg)
    if report.points:
        made["front"] = Markup(figures.front_figure(report.points, "relative to w8a8"))
    made["costs"] = [
        Markup(figures.cost_figure(f"costs-{place}", table.threads[0], styles))
        for place, table in enumerate(report.tables)
    ]
    made["sustained"] = [
        Markup(figures.sustained_figure(f"sustained-{place}", table.sustained, styles))
        if len(table.sustained) > 1
        else None
        for place, table in enumerate(report.tables)
    ]
    if report.study is not None:
        made["mix"] = Markup(figures.mix_figure(report.study.mix, styles))
    return made


def color_variables(paper: str) -> dict[str, str]:
    """Return the page's variable of every colour, readable on ``paper``."""
    colors = (*BY_BITS.values(), *SPARE, *GREYS, *SERIES)
    return {color_variable(color): readable_on(color, paper) for color in colors}
