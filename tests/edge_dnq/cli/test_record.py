"""``edge-dnq record``."""

from __future__ import annotations

from pathlib import Path

from edge_dnq.train.recordings import Recording
from tests.edge_dnq.cli.conftest import Cli


def test_a_recording_and_what_is_said_of_it(
    cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path
) -> None:
    rows = [row for row in clips_csv.read_text().splitlines() if "broken" not in row]
    whole = clips_csv.with_name("whole.csv")
    whole.write_text("\n".join(rows) + "\n")
    words = ("record", bundle_folder, whole, "--policy-size", 24, "--cache-dir", tmp_path / "c")
    facts = cli(*words, "-o", tmp_path / "a.npz", "--frames", 3, "--views", 2, "--json").json
    made = Recording.load(tmp_path / "a.npz")
    assert facts["frames"] == len(made.pixels) == 3 * facts["sequences"]
    assert facts["filler"] == 0.0
    assert len(made.lengths) % 2 == 0
    told = cli(*words, "-o", tmp_path / "b.npz", "--streams")
    assert "without an action" in told.out
    assert "next: edge-dnq train" in told.out
    assert (Recording.load(tmp_path / "b.npz").owner < 0).any()


def test_mistakes_leave_no_file(
    cli: Cli, bundle_folder: Path, clips_csv: Path, tmp_path: Path
) -> None:
    target = tmp_path / "x.npz"
    unknown = cli("record", bundle_folder, "synthetic:12", "-o", target)
    assert unknown.code != 0
    assert "that" in unknown.error
    assert "lacks" in unknown.error
    split = cli("record", bundle_folder, clips_csv, "--split", "nothing", "-o", target)
    assert split.code != 0
    assert not target.exists()
