"""Where to listen, and which names a request may call this machine by."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from edge_dnq.errors import EdgeDnqError

LOCALHOST = "127.0.0.1"
SEND_BUFFER = 256 << 10
"""Bytes that the system keeps for a slow client; more would only show it an older picture."""


@dataclass(frozen=True)
class Address:
    """A host and a port; port 0 means any that is free."""

    host: str
    port: int

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """What to type into a browser on this machine."""
        host = self.host
        if host in ("0.0.0.0", "::"):
            host = LOCALHOST
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"


def parse_address(text: str) -> Address:
    """Read ``PORT``, ``HOST:PORT`` or ``[IPV6]:PORT``; without a host only this machine is served.

    Raises:
        EdgeDnqError: anything else.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        host = LOCALHOST
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (":" in bare) != (bare != host) or not bare:
        raise EdgeDnqError(f"cannot listen on {text!r}: expected [HOST:]PORT")
    if not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise EdgeDnqError(f"cannot listen on {text!r}: expected a port of 0..65535, got {port!r}")
    return Address(bare, int(port))


def listen(address: Address) -> tuple[socket.socket, Address]:
    """Begin to listen; return the socket and the address it really has.

    Raises:
        EdgeDnqError: the address is taken, not this machine's, or not allowed.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            made.bind(where)
            made.listen(128)
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise EdgeDnqError(
            f"cannot listen on {address.host}:{address.port}: {error.strerror or error}"
        ) from error
    return made, Address(address.host, made.getsockname()[1])


def may_be_called(host_header: str, address: Address) -> bool:
    """Tell whether a request's Host header names this machine.

    A page from elsewhere can make its own name point here (DNS rebinding), so names count only if
    they are this machine's. Numeric addresses cannot be made to point anywhere else.

    Args:
        host_header: As sent, with or without a port.
        address: Where the server listens.
    """
    name = host_header.strip().lower()
    host, colon, port = name.rpartition(":")
    if not colon or not port.isdecimal() or name.endswith("]"):
        host = name
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        own = socket.gethostname().lower()
        return host in {"localhost", own, f"{own}.local", address.host.lower()}
    return True
