"""The live page as an ASGI application: pictures as MJPEG, numbers as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from edge_dnq.errors import EdgeDnqError
from edge_dnq.report.page import PAPERS, color_variables, environment
from edge_dnq.report.svg import color_variable
from edge_dnq.serve.address import Address, may_be_called
from edge_dnq.serve.feed import Feed
from edge_dnq.serve.metrics import RunMetrics

Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]
AsgiApp = Callable[[Scope, Receive, Send], Any]

PICTURES_PER_SECOND = 25.0
STATUS_PER_SECOND = 8.0
PATIENCE_S = 10.0
"""A client that takes nothing for so long is gone."""

MAX_BODY = 1024
BOUNDARY = "frame"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses what a page from elsewhere could send, and sets the headers of every answer.

    Args:
        app: What is guarded.
        address: Where the server listens.
    """

    def __init__(self, app: AsgiApp, address: Address) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        problem = self._problem(Request(scope))
        if problem is not None:
            refusal = PlainTextResponse(problem + "\n", 403)
            await refusal(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _problem(self, request: Request) -> str | None:
        host = request.headers.get("host", "")
        if not may_be_called(host, self._address):
            return "this machine is not called by that name"
        if request.method in ("GET", "HEAD"):
            return None
        # Browsers send the origin with every POST; no other site's can be equal to ours.
        origin = urlsplit(request.headers.get("origin", ""))
        if origin.scheme not in ("http", "https") or origin.netloc.lower() != host.lower():
            return "only this server's own page may ask for that"
        return None


class Broadcast:
    """Makes something now and then while someone takes it: once for all, however many they are.

    Args:
        number: Tells the number of what is newest, and so whether there is anything new.
        make: Makes it; runs in a thread of its own.
        ended: Tells whether nothing more comes.
        per_second: How often at most.
    """

    def __init__(
        self,
        number: Callable[[], int],
        make: Callable[[], bytes | None],
        ended: Callable[[], bool],
        per_second: float,
    ) -> None:
        self._number, self._make, self._ended = number, make, ended
        self._interval = 1 / per_second
        self._takers = 0
        self._task: asyncio.Task[None] | None = None
        self._made: bytes | None = None
        self._changed = asyncio.Event()
        self._over = False

    async def take(self) -> AsyncIterator[bytes]:
        """Yield the newest as it comes; who is slow misses some."""
        self._takers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        try:
            last = None
            while True:
                changed = self._changed
                if self._made is not None and self._made is not last:
                    last = self._made
                    yield last
                elif self._over:
                    return
                else:
                    await changed.wait()
        finally:
            self._takers -= 1

    async def _work(self) -> None:
        seen = -1
        loop = asyncio.get_running_loop()
        while self._takers and not self._over:
            began = loop.time()
            ended = self._ended()
            number = self._number()
            if number != seen or ended:
                made = await anyio.to_thread.run_sync(self._make)
                seen = number
                self._made = made if made is not None else self._made
                self._over = ended
                self._changed.set()
                self._changed = asyncio.Event()
            await asyncio.sleep(max(0.0, self._interval - (loop.time() - began)))


class LiveResponse(StreamingResponse):
    """A stream that ends when its client goes away, or takes nothing for too long."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""

        async def soon(message: MutableMapping[str, Any]) -> None:
            with anyio.fail_after(PATIENCE_S):
                await send(message)

        try:
            await super().__call__(scope, receive, soon)
        except (TimeoutError, OSError, ClientDisconnect):
            return
        finally:
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()


def live_app(feed: Feed | None, metrics: RunMetrics | None, address: Address) -> Guard:
    """Return the application of a run.

    Args:
        feed: What the live page shows; None leaves the page out.
        metrics: What ``/metrics`` answers; None leaves it out.
        address: Where it will listen.
    """
    routes = []
    if feed is not None:
        pages = _Pages(feed)
        routes += [
            Route("/", pages.index),
            Route("/live.css", pages.style),
            Route("/live.js", pages.script),
            Route("/video", pages.video),
            Route("/events", pages.events),
            Route("/status", pages.status),
            Route("/budget", pages.budget, methods=["POST"]),
        ]
    if metrics is not None:
        routes.append(Route("/metrics", _metrics_endpoint(metrics)))
    return Guard(Starlette(routes=routes), address)


def _metrics_endpoint(metrics: RunMetrics) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        content, kind = metrics.answer(request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": kind})

    return answer


class _Pages:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._templates = environment("edge_dnq.serve")
        self._pictures = Broadcast(
            lambda: feed.number, feed.picture, lambda: feed.ended, PICTURES_PER_SECOND
        )
        self._events = Broadcast(
            lambda: feed.number, self._status_bytes, lambda: feed.ended, STATUS_PER_SECOND
        )

    def _status_bytes(self) -> bytes:
        return msgspec.json.encode(self._feed.status())

    def _render(self, name: str, kind: str) -> Response:
        content = self._templates.get_template(name).render(
            feed=self._feed,
            variables={paper: color_variables(value) for paper, value in PAPERS.items()},
            variable=color_variable,
        )
        return Response(content, media_type=kind)

    async def index(self, request: Request) -> Response:
        return self._render("live.html.j2", "text/html")

    async def style(self, request: Request) -> Response:
        return self._render("live.css.j2", "text/css")

    async def script(self, request: Request) -> Response:
        return self._render("live.js", "text/javascript")

    async def status(self, request: Request) -> Response:
        return Response(self._status_bytes(), media_type="application/json")

    async def video(self, request: Request) -> Response:
        return LiveResponse(
            self._parts(), media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        )

    async def _parts(self) -> AsyncIterator[bytes]:
        # A browser shows a part when the next boundary comes, so it is sent right behind.
        yield f"--{BOUNDARY}\r\n".encode()
        async for picture in self._pictures.take():
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            yield head.encode() + picture + f"\r\n--{BOUNDARY}\r\n".encode()

    async def events(self, request: Request) -> Response:
        return LiveResponse(self._messages(), media_type="text/event-stream")

    async def _messages(self) -> AsyncIterator[bytes]:
        async for status in self._events.take():
            yield b"data: " + status + b"\n\n"

    async def budget(self, request: Request) -> Response:
        control = self._feed.control
        if control is None:
            return JSONResponse({"error": "this run has no budget to move"}, 409)
        try:
            control.aim(await _target(request))
        except EdgeDnqError as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(msgspec.json.encode(control.state()), media_type="application/json")


async def _target(request: Request) -> float | None:
    """Read the target from a request such as ``{"target": 2.5}``.

    Raises:
        EdgeDnqError: it is anything else.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise EdgeDnqError("the request is too long")
    try:
        target = json.loads(body)["target"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EdgeDnqError('expected JSON such as {"target": 2.5}') from error
    if target is not None and (isinstance(target, bool) or not isinstance(target, (int, float))):
        raise EdgeDnqError(f"the target must be a number or null, got {target!r}")
    return None if target is None else float(target)
