from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.folds import divide, main, recording
from edge_dnq.train.listing import list_clips

LABELS = ("clap", "jump_up", "run")


def rows_of(seed: int, *, val: bool) -> list[dict[str, str]]:
    """Clips of recordings of one to five clips, of three classes, in the manner of HMDB51."""
    rng = np.random.default_rng(seed)
    rows = []
    for label in LABELS:
        for number in range(int(rng.integers(5, 12))):
            held = "val" if val and number == 0 else "train"
            for take in range(int(rng.integers(1, 6))):
                name = f"{label}/Tape_{label[0]}{number}_{label}_f_nm_np1_le_bad_{take}.avi"
                rows.append({"path": name, "label": label, "split": held})
    return rows


def test_a_recording_is_the_name_before_the_label() -> None:
    name = "April_09_brush_hair_u_nm_np1_ba_goo_2.mp4"
    assert recording(f"brush_hair/{name}", "brush_hair") == "April_09"


@given(seed=st.integers(0, 1 << 32), folds=st.integers(2, 6), val=st.booleans())
def test_folds_share_no_recording_and_are_even(seed: int, folds: int, val: bool) -> None:
    rows = rows_of(seed, val=val)
    places = divide(rows, folds, seed=0)
    assert set(places) <= set(range(folds))
    homes = defaultdict(set)
    for row, place in zip(rows, places, strict=True):
        homes[recording(row["path"], row["label"]), row["label"]].add(place)
    assert all(len(home) == 1 for home in homes.values())
    if val:
        kept = [row["split"] == "val" for row in rows]
        assert kept == [place == 0 for place in places]
        return
    for label in LABELS:
        own = [p for row, p in zip(rows, places, strict=True) if row["label"] == label]
        counts = np.bincount(own, minlength=folds)
        # The largest recording has five clips, and the last one went to the emptiest fold.
        assert counts.max() - counts.min() <= 5


def test_every_fold_is_a_listing_that_names_recordings(tmp_path: Path) -> None:
    rows = rows_of(1, val=True)
    for row in rows:
        path = tmp_path / row["path"]
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("path", "label", "split"))
        writer.writeheader()
        writer.writerows(rows)
    words = [str(tmp_path / "clips.csv"), "-o", str(tmp_path / "folds"), "--folds", "3"]
    assert CliRunner().invoke(main, words).exit_code == 0
    held_out = []
    for fold in range(3):
        listings = {
            split: list_clips(tmp_path / "folds" / f"fold{fold}.csv", split)
            for split in ("train", "val")
        }
        assert sum(len(listing.clips) for listing in listings.values()) == len(rows)
        names = {
            split: {(clip.label, clip.recording) for clip in listing.clips}
            for split, listing in listings.items()
        }
        assert not names["train"] & names["val"]
        held_out += [str(clip) for clip in listings["val"].clips]
    assert sorted(held_out) == sorted(str(tmp_path / row["path"]) for row in rows)
    assert CliRunner().invoke(main, [*words[:-1], "1"]).exit_code != 0


@pytest.mark.parametrize("folds", [2, 5])
def test_a_listing_without_val_fills_all_folds(folds: int) -> None:
    assert set(divide(rows_of(2, val=False), folds, seed=3)) == set(range(folds))
