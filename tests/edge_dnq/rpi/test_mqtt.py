"""Events at a real broker."""

from __future__ import annotations

import json
import queue
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_dnq.rpi.config import MqttConfig
from edge_dnq.rpi.mqtt import KEPT, MqttSink
from tests.edge_dnq.rpi.conftest import Process
from tests.edge_dnq.rpi.virtual import PATIENCE_S

pytest.importorskip("ai_edge_litert", reason="no runtime is installed")
client_module: Any = pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")

BROKER = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """mosquitto on a port of its own, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.config = folder / "broker.conf"
        settings = [f"listener {self.port} 127.0.0.1", "allow_anonymous true"]
        settings += ["log_dest stderr", "log_type all"]
        self.config.write_text("\n".join(settings) + "\n")
        self.log = folder / "broker.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert BROKER is not None
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([BROKER, "-c", self.config], stderr=log)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("the broker does not start")

    def received(self, topic: str) -> int:
        """Tell how many messages it got under a topic."""
        lines = self.log.read_text().splitlines()
        return sum("Received PUBLISH" in line and f"'{topic}'" in line for line in lines)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
            self.process = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if BROKER is None:
        pytest.skip("missing: mosquitto; 'make system-packages' installs it")
    made = Broker(tmp_path)
    yield made
    made.stop()


class Listener:
    """Hears everything under a topic."""

    def __init__(self, port: int, topic: str) -> None:
        from paho.mqtt.enums import CallbackAPIVersion

        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.client = client_module.Client(CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda *_: self.client.subscribe(f"{topic}/#", 1)
        self.client.on_message = lambda *words: self.heard.put((words[2].topic, words[2].payload))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def wait_for(self, topic: str, payload: bytes | None = None) -> bytes:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                heard, content = self.heard.get(timeout=1)
            except queue.Empty:
                continue
            if heard == topic and payload in (None, content):
                return content
        raise AssertionError(f"nothing under {topic}")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_a_broker_gets_every_event_and_who_is_there(
    broker: Broker, start: Callable[..., Process], bundle_folder: Path, clip: Path
) -> None:
    broker.start()
    listener = Listener(broker.port, "edge-dnq")
    process = start(bundle_folder, clip, "--loop", "--mqtt", f"127.0.0.1:{broker.port}")
    listener.wait_for("edge-dnq/online", b"true")
    event = json.loads(listener.wait_for("edge-dnq/prediction"))
    assert event["event"] == "prediction"
    assert 0 < event["score"] <= 1
    process.popen.kill()
    listener.wait_for("edge-dnq/online", b"false")  # The broker says it for the dead.
    listener.close()


def test_a_broker_that_comes_late_gets_what_was_kept(
    broker: Broker, start: Callable[..., Process], bundle_folder: Path, clip: Path
) -> None:
    process = start(bundle_folder, clip, "--loop", "--mqtt", f"127.0.0.1:{broker.port}")
    process.wait_for("prediction")
    broker.start()
    listener = Listener(broker.port, "edge-dnq")
    listener.wait_for("edge-dnq/online", b"true")
    listener.wait_for("edge-dnq/prediction")
    process.popen.terminate()
    assert process.finish() == 0, process.errors()
    listener.wait_for("edge-dnq/online", b"false")
    listener.close()


TOLD = 1000


def test_messages_wait_until_a_late_broker_comes(broker: Broker) -> None:
    sink = MqttSink(MqttConfig(host="127.0.0.1", port=broker.port))
    for index in range(TOLD):
        sink.send("told", b"%d" % index)
    assert (sink.lost, sink.broken) == (TOLD - KEPT, False)
    broker.start()
    listener = Listener(broker.port, "edge-dnq")
    listener.wait_for("edge-dnq/online", b"true")
    # Whoever listens may have come later than what waited; the broker itself tells of each.
    until = time.monotonic() + PATIENCE_S
    while broker.received("edge-dnq/told") < KEPT and time.monotonic() < until:
        time.sleep(0.05)
    assert broker.received("edge-dnq/told") == KEPT
    assert sink.lost == TOLD - KEPT
    sink.close()
    listener.wait_for("edge-dnq/online", b"false")
    listener.close()


def test_without_delivery_guaranteed_messages_to_an_absent_broker_are_lost_and_counted() -> None:
    sink = MqttSink(MqttConfig(host="127.0.0.1", port=free_port(), qos=0))
    for index in range(TOLD):
        sink.send("told", b"%d" % index)
    assert (sink.lost, sink.broken) == (TOLD, False)
    sink.close()
