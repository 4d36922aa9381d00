"""Who watches a run from elsewhere: the live page and the metrics, as one thing to the loop."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from edge_dnq.playback import Moment
from edge_dnq.serve.address import Address, parse_address
from edge_dnq.serve.feed import Feed
from edge_dnq.serve.metrics import RunMetrics
from edge_dnq.serve.server import BackgroundServer, require_server

STDOUT = "-"


@dataclass(frozen=True)
class Wanted:
    """What was asked for.

    Attributes:
        page: Where to serve the live page.
        metrics: Where to serve the metrics.
        print_metrics: Whether to print them at the end.
    """

    page: Address | None = None
    metrics: Address | None = None
    print_metrics: bool = False

    @property
    def open_to_others(self) -> list[Address]:
        """Addresses that other machines can reach."""
        both = dict.fromkeys(a for a in (self.page, self.metrics) if a is not None)
        return [address for address in both if not address.local]

    def __bool__(self) -> bool:
        return self.page is not None or self.metrics is not None or self.print_metrics


def parse_wanted(serve: str | None, metrics: str | None) -> Wanted:
    """Read the two options.

    Raises:
        EdgeDnqError: an address is none.
        RuntimeMissingError: a package of the ``serve`` extra is missing.
    """
    printed = metrics == STDOUT
    wanted = Wanted(
        parse_address(serve) if serve is not None else None,
        parse_address(metrics) if metrics is not None and not printed else None,
        printed,
    )
    if wanted:
        require_server()
    return wanted


class Spectators:
    """A context manager; the loop gives every moment to :meth:`add`, which waits for nobody.

    Args:
        wanted: What was asked for.
        feed: The slot of the live page.
        metrics: The run's numbers.
    """

    def __init__(self, wanted: Wanted, feed: Feed, metrics: RunMetrics) -> None:
        self._wanted = wanted
        self._feed = feed
        self._metrics = metrics
        self._stack = ExitStack()
        self.urls: list[str] = []

    def __enter__(self) -> Spectators:
        wanted = self._wanted
        with ExitStack() as stack:
            if wanted.page is not None:
                server = stack.enter_context(BackgroundServer(self._page, wanted.page))
                self.urls.append(server.address.url)
            if wanted.metrics is not None and wanted.metrics != wanted.page:
                server = stack.enter_context(BackgroundServer(self._numbers, wanted.metrics))
                self.urls.append(f"{server.address.url}metrics")
            self._stack = stack.pop_all()
        return self

    def _page(self, address: Address) -> Any:
        from edge_dnq.serve.app import live_app

        shared = self._wanted.metrics == self._wanted.page
        return live_app(self._feed, self._metrics if shared else None, address)

    def _numbers(self, address: Address) -> Any:
        from edge_dnq.serve.app import live_app

        return live_app(None, self._metrics, address)

    def add(self, moment: Moment) -> None:
        """Take one moment."""
        self._metrics.add(moment)
        self._feed.publish(moment)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._feed.end()
        self._stack.__exit__(kind, error, trace)
