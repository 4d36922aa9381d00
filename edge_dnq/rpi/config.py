"""The runner's configuration: one TOML file, every value with a default but the bundle."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import msgspec

from edge_dnq.errors import EdgeDnqError


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RecogniserConfig(_Table, frozen=True, kw_only=True):
    """What runs.

    Attributes:
        bundle: Folder of the bundle.
        runtime: As ``edge-dnq run --runtime``.
        threads: Threads per program; 0 takes the cost table's best, or all cores but one.
        kernels: As ``edge-dnq run --kernels``.
        policy: As ``edge-dnq run --policy``.
        budget_ms: Mean time of a frame to hold.
        fps: Frames per second to hold.
        cost: Mean cost to hold.
        deadline_ms: Nothing is chosen that takes longer.
    """

    bundle: str = ""
    runtime: str = "auto"
    threads: int = 0
    kernels: str = "auto"
    policy: str = "learned"
    budget_ms: float | None = None
    fps: float | None = None
    cost: float | None = None
    deadline_ms: float | None = None


class CameraConfig(_Table, frozen=True, kw_only=True):
    """Where frames come from, and when that is given up.

    Attributes:
        source: One of :data:`edge_dnq.rpi.cameras.FORMS`.
        width: Width to ask the camera for.
        height: Height to ask the camera for.
        fps: Frames per second to ask the camera for.
        loop: Whether a file begins again at its end.
        open_s: Longest time from opening to the first frame.
        stall_s: Longest time between two frames.
        frozen_s: Longest time that a live camera may give the very same picture; 0 for ever.
        damaged: Most damaged frames in a row.
        retry_first_s: Wait before the first attempt to open it again; doubled each time.
        retry_most_s: Longest such wait.
        healthy_s: A camera that has delivered for so long begins again with the first wait.
        hung_s: A read that has not come back for so long is left to a new process.
    """

    source: str = "auto"
    width: int = 320
    height: int = 240
    fps: float = 30.0
    loop: bool = False
    open_s: float = 15.0
    stall_s: float = 5.0
    frozen_s: float = 10.0
    damaged: int = 25
    retry_first_s: float = 1.0
    retry_most_s: float = 60.0
    healthy_s: float = 10.0
    hung_s: float = 60.0


class EventsConfig(_Table, frozen=True, kw_only=True):
    """What is told, and how often.

    Attributes:
        stdout: Whether events are written to stdout, one JSON object a line.
        window_s: Predictions are over the executed frames of so many seconds.
        prediction_s: Least time between two predictions of the same class.
        status_s: Time between two ``status`` events.
        gap_s: A longer time without frames begins another video.
    """

    stdout: bool = True
    window_s: float = 4.0
    prediction_s: float = 1.0
    status_s: float = 60.0
    gap_s: float = 2.0


class MqttConfig(_Table, frozen=True, kw_only=True):
    """An MQTT broker.

    Attributes:
        host: Its name; empty for none.
        port: Its port.
        topic: Events are published under ``TOPIC/EVENT``, and whether there is a runner under
            ``TOPIC/online``.
        username: To log in with.
        password_file: File of the password: not in the configuration, which others may read.
        tls: Whether to encrypt, with the system's certificates.
        qos: 1 or 2; or 0, and what is told while the broker is away is lost.
    """

    host: str = ""
    port: int = 1883
    topic: str = "edge-dnq"
    username: str | None = None
    password_file: str | None = None
    tls: bool = False
    qos: int = 1


class PageConfig(_Table, frozen=True, kw_only=True):
    """Who may watch.

    Attributes:
        serve: ``[HOST:]PORT`` of the live page.
        metrics: ``[HOST:]PORT`` of the numbers for Prometheus.
    """

    serve: str | None = None
    metrics: str | None = None


class Config(_Table, frozen=True, kw_only=True):
    """The whole file."""

    recogniser: RecogniserConfig = RecogniserConfig()
    camera: CameraConfig = CameraConfig()
    events: EventsConfig = EventsConfig()
    mqtt: MqttConfig = MqttConfig()
    page: PageConfig = PageConfig()


_WORDS = """width height fps open_s stall_s damaged retry_first_s retry_most_s window_s status_s
gap_s budget_ms cost deadline_ms"""
POSITIVE = frozenset(_WORDS.split())
NOT_NEGATIVE = frozenset({"frozen_s", "healthy_s", "hung_s", "prediction_s", "threads"})


def read_config(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        EdgeDnqError: it cannot be read, is no TOML, or says what it may not; with file and key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EdgeDnqError(f"cannot read {path}: {error.strerror or error}") from error
    return parse_config(content, str(path))


def parse_config(content: bytes, name: str) -> Config:
    """Read the configuration in ``content``, called ``name`` in errors."""
    try:
        config = msgspec.convert(_parse_toml(content.decode()), Config)
    except (UnicodeDecodeError, ValueError) as error:  # Both libraries' errors are ValueErrors.
        raise EdgeDnqError(f"{name}: {error}") from error
    check_config(config, name)
    return config


def check_config(config: Config, name: str) -> None:
    """Refuse numbers that mean nothing.

    Raises:
        EdgeDnqError: the first of them.
    """
    for table in (config.recogniser, config.camera, config.events):
        for key, value in msgspec.structs.asdict(table).items():
            if not isinstance(value, int | float):
                continue
            low = (key in POSITIVE and value <= 0) or (key in NOT_NEGATIVE and value < 0)
            if low or not math.isfinite(value):
                least = "positive" if key in POSITIVE else "at least 0"
                raise EdgeDnqError(f"{name}: {key} must be {least}, got {value}")
    if not 0 <= config.mqtt.qos <= 2:
        raise EdgeDnqError(f"{name}: qos must be 0, 1 or 2, got {config.mqtt.qos}")
    if not 0 < config.mqtt.port < 65536:
        raise EdgeDnqError(f"{name}: port must be 1 to 65535, got {config.mqtt.port}")


def _parse_toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise EdgeDnqError(
                "a configuration file needs tomli on Python 3.10: pip install 'edge-dnq[rpi]'"
            ) from None
    return tomllib.loads(text)
