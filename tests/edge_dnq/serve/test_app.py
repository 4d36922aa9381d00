from __future__ import annotations

import json
import socket
import threading

import cv2
import numpy as np
import pytest

from tests.edge_dnq.serve.conftest import Page, next_picture, until


def events(page: Page) -> list[dict[str, object]]:
    """Return all numbers that a page gets until the run ends."""
    lines = page.read("/events").decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line]


def brightness(picture: bytes) -> float:
    """Return the grey in the middle of a picture."""
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (360, 640, 3)
    return float(image[150:200, 200:400].mean())


def test_the_page_and_its_parts(page: Page) -> None:
    html = page.read("/").decode()
    assert "demo on &lt;clip&gt;" in html
    for name in ("w8a8", "w4a4", "skip"):
        assert name in html
    assert "--c0072b2" in page.read("/live.css").decode()
    assert "EventSource" in page.read("/live.js").decode()
    assert page.ask("/none").status == 404


def test_every_answer_locks_the_page_in(page: Page) -> None:
    for path in ("/", "/live.js", "/status", "/none", "/metrics"):
        answer = page.ask(path)
        answer.read()
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
        assert answer.headers["Access-Control-Allow-Origin"] is None, path


def test_numbers_are_those_of_the_loop(page: Page) -> None:
    assert json.loads(page.read("/status"))["number"] == 0
    page.play(3)
    page.play(1, "skip")
    now = json.loads(page.read("/status"))
    assert (now["number"], now["frame"], now["action"]) == (4, 3, "skip")
    assert now["recent"] == [0, 0, 0, 2]
    assert now["shares"] == {"w8a8": 0.75, "w4a4": 0.0, "skip": 0.25}
    assert now["top"] == [["wave", 0.5], ["run", 0.25]]
    assert now["latency_ms"] == pytest.approx(np.mean([1, 2, 3, 4]))
    assert now["fps"] > 0
    assert (now["cost"], now["budget"], now["dropped"], now["ended"]) == (None, None, 0, False)


def test_who_watches_sees_the_newest_frame(page: Page) -> None:
    page.play(1)
    watching = page.ask("/video")
    assert watching.headers["Content-Type"].startswith("multipart/x-mixed-replace; boundary=")
    assert brightness(next_picture(watching)) == pytest.approx(0, abs=3)
    for index in range(1, 6):
        page.play(1)
        assert brightness(next_picture(watching)) == pytest.approx(8 * index, abs=3)
    # What nobody could have seen is left out.
    page.play(20)
    assert brightness(next_picture(watching)) > 8 * 6


def test_one_picture_serves_all_and_none_is_made_for_nobody(page: Page) -> None:
    page.play(50)
    assert page.feed.drawn == 0
    watching = [page.ask("/video") for _ in range(20)]
    first = {next_picture(answer) for answer in watching}
    for _ in range(5):
        page.play(1)
        assert len({next_picture(answer) for answer in watching}) == 1
    assert len(first) == 1
    assert page.feed.drawn == 6
    for connection in page.connections:
        connection.close()
    page.connections.clear()
    # The server notices who has gone when it next sends something.
    drawn = -1

    def quiet() -> bool:
        nonlocal drawn
        before, drawn = drawn, page.feed.drawn
        page.play(1)
        threading.Event().wait(0.2)
        return page.feed.drawn == before == drawn

    until(quiet, "no picture for nobody")


def test_who_does_not_read_holds_up_nobody(page: Page) -> None:
    page.play(1)
    sleepers = []
    for _ in range(20):
        sleeper = socket.create_connection(("127.0.0.1", page.port))
        sleeper.sendall(b"GET /video HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sleepers.append(sleeper)
    watching = page.ask("/video")
    next_picture(watching)
    for index in range(2, 60):
        page.play(1)
        assert next_picture(watching)
        assert page.feed.drawn <= index
    for sleeper in sleepers:
        sleeper.close()


def test_who_vanishes_is_forgotten(page: Page) -> None:
    page.play(1)
    for _ in range(30):
        gone = socket.create_connection(("127.0.0.1", page.port))
        gone.sendall(b"GET /video HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert gone.recv(100)
        # An abort, as of a machine that lost its network and came back.
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()
    page.play(1)
    watching = page.ask("/video")
    assert next_picture(watching)
    page.play(1)
    assert next_picture(watching)


def test_the_end_of_the_run_ends_the_streams(page: Page) -> None:
    page.play(2)
    watching = page.ask("/video")
    seen: list[list[dict[str, object]]] = []
    thread = threading.Thread(target=lambda: seen.append(events(page)))
    thread.start()
    next_picture(watching)
    page.play(3)
    page.feed.end()
    rest = watching.read()
    thread.join()
    assert rest.endswith(b"--frame\r\n")
    assert (seen[0][-1]["ended"], seen[0][-1]["number"]) == (True, 5)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {"Host": "evil.example"}),
        ("GET", "/video", {"Host": "evil.example:80"}),
        ("POST", "/budget", {}),
        ("POST", "/budget", {"Origin": "http://evil.example"}),
        ("POST", "/budget", {"Origin": "null"}),
        ("POST", "/budget", {"Origin": "http://127.0.0.1:1"}),
        ("OPTIONS", "/budget", {"Origin": "http://evil.example"}),
    ],
)
def test_strangers_are_refused(page: Page, method: str, path: str, headers: dict[str, str]) -> None:
    answer = page.ask(path, method, '{"target": 1}' if method == "POST" else None, **headers)
    assert answer.status == 403
    assert answer.headers["Access-Control-Allow-Origin"] is None


def test_a_run_without_a_controller_says_so(page: Page) -> None:
    own = f"http://127.0.0.1:{page.port}"
    answer = page.ask("/budget", "POST", '{"target": 1}', Origin=own)
    assert answer.status == 409
    assert "no budget" in json.loads(answer.read())["error"]
    assert page.ask("/budget").status == 405


def test_the_metrics_are_here_too(page: Page) -> None:
    page.play(4)
    assert b'edge_dnq_frames_total{action="w8a8"} 4.0' in page.read("/metrics")
