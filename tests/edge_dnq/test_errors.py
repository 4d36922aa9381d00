from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import EdgeDnqError, SourceError
from edge_dnq.video.sources import open_source


@given(st.text(st.characters()))
def test_one_printable_line(text: str) -> None:
    message = str(EdgeDnqError(f"x{text}"))
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    message.encode()  # lone surrogates, as in undecodable file names, cannot be written


def test_plain_messages_stay_and_errors_cross_processes() -> None:
    error = pickle.loads(pickle.dumps(SourceError("größer: 2 × 3")))
    assert type(error) is SourceError
    assert str(error) == "größer: 2 × 3"


def test_names_of_files_are_escaped() -> None:
    with pytest.raises(SourceError, match=r"no such video: a\\nb\\x1b\[31m\\udcff"):
        open_source("a\nb\x1b[31m\udcff")
