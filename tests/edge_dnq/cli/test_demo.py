from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.cli.demo import CHECKPOINT, PASSES, play_and_show, render
from edge_dnq.evaluation import PairedSessions
from edge_dnq.video.sources import open_source
from tests.edge_dnq.cli.conftest import CLIP_FRAMES, Cli

pytest.importorskip("matplotlib")


def test_the_demonstration_clip_is_always_the_same(tmp_path: Path) -> None:
    first, second = render(tmp_path / "1.mp4"), render(tmp_path / "2.mp4")
    assert first.read_bytes() == second.read_bytes()
    with open_source(first) as source:
        assert sum(1 for _ in source) > 50


def test_playing_draws_and_measures(
    bundle: Bundle, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay, picture = tmp_path / "overlay.mp4", tmp_path / "timeline.png"
    pair = play_and_show(bundle, str(clip), overlay, picture, None)
    assert isinstance(pair, PairedSessions)
    assert pair.frames == PASSES * CLIP_FRAMES
    assert overlay.stat().st_size > 0
    assert picture.stat().st_size > 0
    assert "ms per frame" in capsys.readouterr().out


@pytest.mark.slow
def test_the_whole_demonstration(cli: Cli, clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="the exporter is not installed")
    assert (files("edge_dnq") / "assets" / CHECKPOINT).is_file()
    outcome = cli("demo", clip, "-o", tmp_path / "demo")
    assert outcome.code == 0, outcome.err
    assert "next: edge-dnq" in outcome.out
    assert "on the same frames" in outcome.out
    made = {path.name for path in (tmp_path / "demo").iterdir()}
    assert made == {"bundle", "overlay.mp4", "timeline.png"}
    assert cli("verify", tmp_path / "demo" / "bundle").code == 0
