from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest

from edge_dnq.errors import SourceError
from edge_dnq.video.camera import CameraSource, LiveSource, Mailbox, StreamSource, _Arrival
from edge_dnq.video.decoding import open_video
from edge_dnq.video.sources import Tick, open_source

from .conftest import WriteVideo, numbers, ramp


class Playback(LiveSource):
    """A file read as fast as it can be: a camera that outruns its reader, then is unplugged."""

    def _ended(self) -> None:
        CameraSource._ended(self)  # type: ignore[arg-type]


def playback(path: Path, **options: float) -> Playback:
    return Playback("camera:7", open_video(str(path)), rate=None, limit=None, **options)


def arrival(index: int) -> _Arrival:
    return _Arrival(Tick(index, float(index)), ramp(1)[0])


@pytest.mark.parametrize("spec", ["camera:99", "camera:", "camera:x", "camera:-1", "CAMERA:99"])
def test_unknown_cameras(spec: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(spec)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_newest_wins() -> None:
    mailbox = Mailbox()
    for index in range(5):
        mailbox.put(arrival(index))
    taken = mailbox.take(1)
    assert taken is not None
    assert (taken.tick.index, mailbox.dropped) == (4, 4)
    with pytest.raises(TimeoutError):
        mailbox.take(0.01)
    mailbox.put(arrival(5))
    mailbox.end()
    taken = mailbox.take(1)
    assert taken is not None
    assert taken.tick.index == 5
    assert mailbox.take(1) is None


def test_waiting_ends_with_the_frame() -> None:
    mailbox = Mailbox()
    threading.Timer(0.05, mailbox.put, [arrival(3)]).start()
    taken = mailbox.take(5)
    assert taken is not None
    assert taken.tick.index == 3


def test_a_slow_reader_skips_and_counts(write_video: WriteVideo) -> None:
    path = write_video(ramp(30))
    seen: list[int] = []

    def read(source: Playback) -> None:
        for frame in source:
            seen.append(frame.index)
            assert numbers([frame.image]) == [frame.index]
            time.sleep(0.01)

    with playback(path) as source, pytest.raises(SourceError, match="stopped giving frames"):
        read(source)
    assert seen == sorted(set(seen))
    assert seen[-1] == 29
    assert source.dropped == 30 - len(seen) > 0


def test_silence_is_told(write_video: WriteVideo) -> None:
    class Silent(Playback):
        def _pump(self) -> None:
            self._stop.wait()

    source = Silent(
        "camera:7", open_video(str(write_video(ramp(3)))), rate=None, limit=None, timeout_s=0.05
    )
    with source, pytest.raises(SourceError, match=r"camera:7 gave no frame for 0.05 s"):
        next(iter(source))
    assert not source._thread.is_alive()


def test_close_ends_the_thread(write_video: WriteVideo) -> None:
    source = playback(write_video(ramp(30)))
    source.close()
    source.close()
    assert not source._thread.is_alive()


@contextmanager
def broadcast(content: bytes) -> Iterator[int]:
    """Send an MPEG transport stream over and over to a UDP port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while True:
                for start in range(0, len(content), 1316):
                    sender.sendto(content[start : start + 1316], ("127.0.0.1", port))
                    if stop.wait(0.002):
                        return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield port
    finally:
        stop.set()
        thread.join()


def test_a_live_stream(write_video: WriteVideo) -> None:
    path = write_video(ramp(30, 64, 96), "live.ts", codec="mp4v")
    with (
        broadcast(path.read_bytes()) as port,
        open_source(f"udp://127.0.0.1:{port}", limit=5) as source,
    ):
        assert isinstance(source, StreamSource)
        frames = list(source)
    assert len(frames) == 5
    assert all(frame.image.shape == (64, 96, 3) for frame in frames)
    times = [frame.time_s for frame in frames]
    assert times == sorted(times)


def test_no_stream(capfd: pytest.CaptureFixture[str]) -> None:
    for url in ("rtsp://127.0.0.1:9/none", "http://127.0.0.1:9/none.mp4", "nonsense://x"):
        with pytest.raises(SourceError, match="cannot open"):
            open_source(url)
    assert capfd.readouterr().err == ""


def test_a_real_camera() -> None:
    capture = cv2.VideoCapture(0)
    present = capture.isOpened()
    capture.release()
    if not present:
        pytest.skip("this machine has no camera")
    with open_source("camera:0", limit=3) as source:
        assert len(list(source)) == 3
