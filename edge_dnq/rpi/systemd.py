"""Telling systemd that the service is ready, alive, stopping: the protocol of ``sd_notify(3)``."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends states to the service manager; without one, to nobody.

    Args:
        environment: Where the manager says how to reach it.

    Attributes:
        watchdog_s: Within so many seconds it wants to hear of us; None where it does not.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the null byte of an abstract socket.
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self.watchdog_s: float | None = None
        asked = environment.get("WATCHDOG_USEC", "")
        if self._address and asked.isdecimal() and _for_us(environment):
            self.watchdog_s = int(asked) / 1e6

    def send(self, **states: str | int) -> None:
        """Send states such as ``READY=1``. A manager that does not listen is no reason to stop."""
        if not self._address:
            return
        message = "\n".join(f"{key}={value}" for key, value in states.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto(message.encode(), self._address)
        except OSError:
            return


def _for_us(environment: Mapping[str, str]) -> bool:
    """Tell whether it is this process that is watched, and not its parent."""
    return environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
