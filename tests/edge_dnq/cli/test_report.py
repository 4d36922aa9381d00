from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge_dnq.cli.conftest import Cli

pytest.importorskip("matplotlib")


def test_one_command_makes_the_whole_page(
    cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path
) -> None:
    evaluation = cli("eval", bundle_folder, clips_csv, "--limit", 2, "--json")
    (tmp_path / "eval.json").write_text(evaluation.out)
    page = tmp_path / "page.html"
    done = cli(
        "report", bundle_folder, "--eval", tmp_path / "eval.json", "--clips", clips_csv, "-o", page
    )
    assert done.code == 0, done.err
    assert done.out.startswith(f"wrote {page}, ")
    text = page.read_text()
    for figure in ("front", "mix", "sqnr-weights", "sqnr-activations", "layer-1"):
        assert f'id="{figure}-title"' in text, figure
    assert text.count('class="strip"') == 3


def test_a_sweep_is_drawn(cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path) -> None:
    swept = cli("eval", bundle_folder, clips_csv, "--sweep", "--json")
    (tmp_path / "sweep.json").write_text(swept.out)
    page = tmp_path / "page.html"
    done = cli("report", bundle_folder, "--eval", tmp_path / "sweep.json", "-o", page)
    assert done.code == 0, done.err
    text = page.read_text()
    shown: dict[str, list[bool]] = {}
    for point in swept.json["points"]:
        shown.setdefault(point["family"], []).append(point["policy"] in text)
    # Of rivals only the settings that are on the front of their family.
    assert all(shown["uniform"])
    assert all(shown["learned"])
    assert all(any(own) for own in shown.values()), shown
    assert "confidence cascade" in text


def test_a_bundle_alone_is_enough(cli: Cli, bundle_folder: Path, tmp_path: Path) -> None:
    done = cli("report", bundle_folder, "-o", tmp_path / "page.html")
    assert done.code == 0, done.err
    assert 'id="layer-1-title"' in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-o", "page.pdf"), "ends in .html"),
        (("--eval", "none.json"), "cannot read none.json"),
        (("--clips", "none.csv"), "no data set at none.csv"),
    ],
)
def test_mistakes_are_one_line(
    cli: Cli, bundle_folder: Path, words: tuple[str, ...], expected: str
) -> None:
    assert expected in cli("report", bundle_folder, *words).error
