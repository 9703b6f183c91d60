"""What agents need of the host's network for video: UDP sockets from a fixed range, and TURN credentials."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import hmac
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable

import structlog

from display_server.desktop.video_settings import VideoNetworkSettings
from display_server.errors import Malfunction
from display_server.protocol.messages import IceServer

log = structlog.get_logger(__name__)

#: A viewer has to begin to use its TURN credentials within this time, s. The relay that it then has goes on.
TURN_CREDENTIAL_S = 10 * 60
#: Interval between two lines of the log about the same failure, s.
LOG_INTERVAL_S = 60.0


class VideoNetworkError(Malfunction):
    """No socket can be opened. Video falls back to lossless tiles."""


class VideoNetwork:
    """Opens sockets and makes credentials. `now_unix_s` and `monotonic_s` return the time in s."""

    def __init__(
        self,
        settings: VideoNetworkSettings = VideoNetworkSettings(),  # noqa: B008 - frozen
        *,
        now_unix_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._now_unix_s = now_unix_s
        self._monotonic_s = monotonic_s
        # Ports are used in turn, so that late packets of a connection that has ended seldom reach another.
        self._next = secrets.randbelow(len(settings.ports))
        self._logged_s: dict[str, float] = {}
        #: Requests for sockets, by their result: `opened`, `no address`, `no port`, `no socket`.
        self.requests: Counter[str] = Counter()

    def open_sockets(self) -> list[socket.socket]:
        """Returns a UDP socket for each configured address of this host, all with one port of the range.

        Raises VideoNetworkError.
        """
        ports = self._settings.ports
        for _ in range(len(ports)):
            port = ports.first + self._next
            self._next = (self._next + 1) % len(ports)
            try:
                sockets = self._bind(port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                cause = f"A UDP socket cannot be opened: {error.strerror}."
                raise self._failure("no socket", cause, "Check the limits of this process.") from error
            if not sockets:
                addresses = ", ".join(self._settings.addresses) or "none"
                raise self._failure(
                    "no address",
                    f"None of the addresses for video ({addresses}) belongs to this host.",
                    "Set `video.addresses` to addresses of this host.",
                )
            self.requests["opened"] += 1
            return sockets
        raise self._failure(
            "no port",
            f"All UDP ports for video ({ports}) are in use.",
            "Set `video.ports` to a larger range and open it in the firewall. Each video needs one port.",
        )

    def relays(self, viewer: str) -> list[IceServer]:
        """Returns TURN servers with credentials for this viewer, as coturn's REST interface defines them."""
        turn = self._settings.turn
        if turn is None:
            return []
        username = f"{int(self._now_unix_s()) + TURN_CREDENTIAL_S}:{viewer}"
        # SHA-1 is what the interface prescribes.
        credential = hmac.new(turn.secret.encode(), username.encode(), hashlib.sha1).digest()
        return [IceServer(turn.urls, username, base64.b64encode(credential).decode())]

    def _bind(self, port: int) -> list[socket.socket]:
        """Binds this port on all configured addresses that this host has. Raises OSError."""
        sockets: list[socket.socket] = []
        try:
            for address in self._settings.addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                one = socket.socket(family, socket.SOCK_DGRAM)
                sockets.append(one)
                try:
                    one.bind((address, port))
                except OSError as error:
                    if error.errno != errno.EADDRNOTAVAIL:
                        raise
                    sockets.pop().close()
                    self._log("address", "an address for video does not belong to this host", address=address)
        except OSError:
            for one in sockets:
                one.close()
            raise
        return sockets

    def _failure(self, result: str, cause: str, next_step: str) -> VideoNetworkError:
        self.requests[result] += 1
        self._log(result, "no video", cause=cause, next_step=next_step)
        return VideoNetworkError(cause, next_step=next_step)

    def _log(self, key: str, event: str, **facts: str) -> None:
        now_s = self._monotonic_s()
        with contextlib.suppress(KeyError):
            if now_s - self._logged_s[key] < LOG_INTERVAL_S:
                return
        self._logged_s[key] = now_s
        log.error(event, **facts)
