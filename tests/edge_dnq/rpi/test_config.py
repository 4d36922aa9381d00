from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from edge_dnq.errors import EdgeDnqError
from edge_dnq.rpi.config import Config, RecogniserConfig, parse_config, read_config

EXAMPLE = Path(__file__).resolve().parents[3] / "rpi" / "rpi.toml"
OPTIONAL = {"budget_ms", "fps", "cost", "deadline_ms", "host", "username", "password_file", "tls"}
OPTIONAL |= {"serve", "metrics"}


def test_the_example_says_nothing_but_the_bundle() -> None:
    expected = Config(recogniser=RecogniserConfig(bundle="/opt/edge-dnq/bundle"))
    assert read_config(EXAMPLE) == expected


def test_the_example_shows_every_key_with_its_default() -> None:
    text = re.sub(r"^#(?=[a-z_]+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    # One budget at most: the three are shown together.
    shown = parse_config(text.encode(), "the example")
    for name in Config.__struct_fields__:
        table, default = getattr(shown, name), getattr(Config(), name)
        for key, value in msgspec.structs.asdict(table).items():
            before = getattr(default, key)
            where = f"{name}.{key}"
            assert re.search(rf"^#?{key} = ", EXAMPLE.read_text(), re.MULTILINE), where
            if before not in (None, "", False):
                assert value == before, where


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[camera]\nsourc = 1", "unknown field `sourc`"),
        ('[camera]\nwidth = "wide"', r"camera.width"),
        ("[camera]\nstall_s = 0", "stall_s must be positive"),
        ("[camera]\nfrozen_s = -1", "frozen_s must be at least 0"),
        ("[camera]\nstall_s = nan", "stall_s must be positive"),
        ("[recogniser]\nbudget_ms = -3.0", "budget_ms must be positive"),
        ("[mqtt]\nqos = 3", "qos must be 0, 1 or 2"),
        ("[mqtt]\nport = 0", "port must be"),
        ("[camera", "x.toml"),
        ("\xff", "x.toml"),
    ],
)
def test_mistakes_name_file_and_key(text: str, message: str) -> None:
    with pytest.raises(EdgeDnqError, match=re.escape(message)) as caught:
        parse_config(text.encode("latin-1"), "x.toml")
    assert str(caught.value).startswith("x.toml: ")


def test_a_missing_file_is_one_line() -> None:
    with pytest.raises(EdgeDnqError, match=r"cannot read nowhere\.toml: No such file"):
        read_config(Path("nowhere.toml"))
