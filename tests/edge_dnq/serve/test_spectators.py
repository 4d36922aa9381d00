from __future__ import annotations

import socket
import threading

import pytest

from edge_dnq.errors import EdgeDnqError
from edge_dnq.playback import Tally
from edge_dnq.serve.address import Address, listen
from edge_dnq.serve.feed import Feed
from edge_dnq.serve.metrics import RunMetrics
from edge_dnq.serve.spectators import Spectators, Wanted, parse_wanted
from tests.edge_dnq.serve.conftest import LOCAL, STYLES, moment


def spectators(wanted: Wanted) -> Spectators:
    return Spectators(wanted, Feed(STYLES, Tally(list(STYLES)), "a run"), RunMetrics(STYLES))


def port(url: str) -> int:
    return int(url.partition("//")[2].partition("/")[0].rpartition(":")[2])


def test_what_is_asked_for() -> None:
    assert not parse_wanted(None, None)
    both = parse_wanted("8000", "0.0.0.0:8000")
    assert (both.page, both.metrics) == (Address("127.0.0.1", 8000), Address("0.0.0.0", 8000))
    assert both.open_to_others == [Address("0.0.0.0", 8000)]
    assert parse_wanted(None, "-") == Wanted(print_metrics=True)
    with pytest.raises(EdgeDnqError, match="cannot listen"):
        parse_wanted("everywhere", None)


def test_nothing_is_left_when_it_is_over() -> None:
    before = threading.active_count()
    for _ in range(3):
        with spectators(Wanted(page=LOCAL, metrics=Address("127.0.0.1", 0))) as served:
            (url,) = served.urls
            served.add(moment(0))
            client = socket.create_connection(("127.0.0.1", port(url)))
            client.sendall(b"GET /video HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(100)
        rest = b""
        while part := client.recv(1 << 16):
            rest += part
        assert rest.endswith(b"0\r\n\r\n"), "the stream was cut off"
        client.close()
        taken, _ = listen(Address("127.0.0.1", port(url)))
        taken.close()
    # Threads of the pool that drew pictures end with their loop.
    assert threading.active_count() <= before + 1


def test_page_and_metrics_can_have_an_address_each() -> None:
    with spectators(Wanted(page=LOCAL, metrics=Address("localhost", 0))) as served:
        page, metrics = served.urls
        assert port(page) != port(metrics)
        assert metrics.endswith("/metrics")


def test_an_exception_ends_it_as_well() -> None:
    served = spectators(Wanted(page=LOCAL))
    with pytest.raises(KeyboardInterrupt), served:
        raise KeyboardInterrupt
    taken, _ = listen(Address("127.0.0.1", port(served.urls[0])))
    taken.close()


def test_one_taken_port_starts_nothing() -> None:
    held, address = listen(LOCAL)
    with held:
        before = threading.active_count()
        with pytest.raises(EdgeDnqError, match="cannot listen"):
            spectators(Wanted(page=LOCAL, metrics=address)).__enter__()
        assert threading.active_count() == before
