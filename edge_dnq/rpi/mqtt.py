"""Events to an MQTT broker, through Eclipse Paho."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from edge_dnq.errors import EdgeDnqError, RuntimeMissingError
from edge_dnq.rpi.config import MqttConfig

KEPT = 256
"""Messages that wait for the broker to come back; further ones are lost."""

RECONNECT_S = (1, 60)
KEEPALIVE_S = 30


class MqttSink:
    """Publishes every event; its library connects, and connects again, in a thread of its own.

    Where the runner dies, the broker itself publishes ``false`` under ``TOPIC/online``.

    Args:
        config: The broker.

    Raises:
        RuntimeMissingError: the library is not installed.
        EdgeDnqError: the password cannot be read.
    """

    def __init__(self, config: MqttConfig) -> None:
        if importlib.util.find_spec("paho") is None:
            raise RuntimeMissingError("MQTT needs paho-mqtt: pip install 'edge-dnq[mqtt]'")
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._topic, self._qos = config.topic.rstrip("/"), config.qos
        self.lost = 0
        self.broken = False
        self._client = client = Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(KEPT)
        client.reconnect_delay_set(*RECONNECT_S)
        client.will_set(f"{self._topic}/online", "false", qos=1, retain=True)
        if config.username is not None:
            client.username_pw_set(config.username, _password(config.password_file))
        if config.tls:
            client.tls_set()
        client.on_connect = lambda *_: self._publish_online("true")
        client.connect_async(config.host, config.port, KEEPALIVE_S)
        client.loop_start()

    def send(self, event: str, line: bytes) -> None:
        """Publish an event, or keep it for when the broker is there."""
        from paho.mqtt.enums import MQTTErrorCode

        done = self._client.publish(f"{self._topic}/{event}", line, qos=self._qos)
        kept = {MQTTErrorCode.MQTT_ERR_SUCCESS}
        if self._qos > 0:  # The library keeps none of the others.
            kept.add(MQTTErrorCode.MQTT_ERR_NO_CONN)
        self.lost += done.rc not in kept

    def close(self) -> None:
        """Say goodbye."""
        if self._client.is_connected():
            self._publish_online("false").wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish_online(self, value: str):  # type: ignore[no-untyped-def]
        # Not 1: that would queue behind what waits, and find the queue full.
        return self._client.publish(f"{self._topic}/online", value, qos=0, retain=True)


def _password(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise EdgeDnqError(f"cannot read the password in {path}: {reason}") from error
