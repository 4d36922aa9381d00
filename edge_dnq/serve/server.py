"""Serving an ASGI application from a thread beside the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.serve.address import Address, listen

INSTALL = "pip install 'edge-dnq[serve]'"
CLIENTS = 128
START_S = 10.0
STOP_S = 5.0
LAST_WORDS_S = 2
"""How long streams may take to send their end."""


def require_server() -> None:
    """Refuse a page that could not be served, before the work is done.

    Raises:
        RuntimeMissingError: a package of the ``serve`` extra is missing.
    """
    try:
        import jinja2  # noqa: F401
        import prometheus_client  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise RuntimeMissingError(
            f"serving a live page or metrics needs {error.name}: {INSTALL}"
        ) from error


class BackgroundServer:
    """A context manager that serves while its block runs.

    Args:
        make_app: Makes the application, told where it listens.
        address: Where to listen.

    Attributes:
        address: Where it really listens, once entered.

    Raises:
        EdgeDnqError: it cannot listen there.
        RuntimeMissingError: a package of the ``serve`` extra is missing.
    """

    def __init__(self, make_app: Callable[[Address], Any], address: Address) -> None:
        require_server()
        self.address = address
        self._make_app = make_app
        self._thread: threading.Thread | None = None

    def __enter__(self) -> BackgroundServer:
        import uvicorn

        self._socket, self.address = listen(self.address)
        config = uvicorn.Config(
            self._make_app(self.address),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CLIENTS,
            timeout_graceful_shutdown=LAST_WORDS_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="live page", daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(round(START_S / 0.01)):
            if self._server.started or not self._thread.is_alive():
                break
            waited.wait(0.01)
        if not self._server.started:
            self.__exit__(None, None, None)
            raise EdgeDnqError(f"the server at {self.address.url} did not start")
        return self

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_S)
        self._socket.close()
