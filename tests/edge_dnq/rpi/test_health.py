from __future__ import annotations

from pathlib import Path

import pytest

from edge_dnq.rpi.health import TEMPERATURE, THROTTLED, Board, flags


def board(root: Path, throttled: str | None, millidegrees: str) -> Board:
    for name, text in ((THROTTLED, throttled), (TEMPERATURE, millidegrees)):
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text + "\n")
    return Board(root)


@pytest.mark.parametrize(
    ("word", "now", "since_boot"),
    [
        ("0", (), ()),
        ("50005", ("under_voltage", "throttled"), ("under_voltage", "throttled")),
        ("throttled=0x80008", ("soft_temperature_limit",), ("soft_temperature_limit",)),
        ("0x20000", (), ("frequency_capped",)),
    ],
)
def test_the_firmwares_word(
    tmp_path: Path, word: str, now: tuple[str, ...], since_boot: tuple[str, ...]
) -> None:
    health = board(tmp_path, word, "61322").read()
    assert (health.now, health.since_boot, health.celsius) == (now, since_boot, 61.322)


def test_a_board_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    health = board(tmp_path, None, "not a number").read()
    assert (health.now, health.since_boot) == (None, None)


def test_the_firmwares_tool_is_asked_where_there_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "vcgencmd"
    tool.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x4\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert board(tmp_path, None, "40000").read().now == ("throttled",)


def test_names_of_bits() -> None:
    assert flags(0b1111) == (
        "under_voltage", "frequency_capped", "throttled", "soft_temperature_limit",
    )  # fmt: skip
