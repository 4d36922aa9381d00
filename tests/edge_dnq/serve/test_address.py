from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.errors import EdgeDnqError
from edge_dnq.serve.address import Address, listen, may_be_called, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port", "local", "url"),
    [
        ("8000", "127.0.0.1", 8000, True, "http://127.0.0.1:8000/"),
        ("localhost:1", "localhost", 1, True, "http://localhost:1/"),
        ("0.0.0.0:80", "0.0.0.0", 80, False, "http://127.0.0.1:80/"),
        ("[::1]:80", "::1", 80, True, "http://[::1]:80/"),
        ("[::]:80", "::", 80, False, "http://127.0.0.1:80/"),
        ("pi.local:80", "pi.local", 80, False, "http://pi.local:80/"),
        ("127.8.9.1:80", "127.8.9.1", 80, True, "http://127.8.9.1:80/"),
    ],
)
def test_addresses(text: str, host: str, port: int, local: bool, url: str) -> None:
    address = parse_address(text)
    assert (address.host, address.port, address.local, address.url) == (host, port, local, url)


@pytest.mark.parametrize(
    "text", ["", ":", ":80", "a", "80a", "-1", "65536", "::1:80", "[a]:80", "a:", "1:٣"]
)
def test_what_is_no_address_is_one_line(text: str) -> None:
    with pytest.raises(EdgeDnqError, match="cannot listen on"):
        parse_address(text)


@given(port=st.integers(0, 65535))
def test_every_port_is_one(port: int) -> None:
    assert parse_address(str(port)) == Address("127.0.0.1", port)


def test_a_taken_port_is_one_line() -> None:
    first, address = listen(Address("127.0.0.1", 0))
    with first, pytest.raises(EdgeDnqError, match=f"cannot listen on 127.0.0.1:{address.port}"):
        listen(address)


def test_another_machines_address_is_one_line() -> None:
    with pytest.raises(EdgeDnqError, match="cannot listen on"):
        listen(Address("192.0.2.1", 0))
    with pytest.raises(EdgeDnqError, match="cannot listen on"):
        listen(Address("nowhere.invalid", 0))


def test_names_of_this_machine_and_of_no_other() -> None:
    own = socket.gethostname()
    address = Address("pi.lan", 8000)
    for name in (
        "localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]", "192.168.1.7",
        own, f"{own}:8000", f"{own}.local", "pi.lan:8000", "PI.LAN",
    ):  # fmt: skip
        assert may_be_called(name, address), name
    for name in (
        "", "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example",
        "evil.example:127.0.0.1", "[::1].evil.example", ":8000", "localhost:8000:8000", "[::1",
    ):  # fmt: skip
        assert not may_be_called(name, address), name
