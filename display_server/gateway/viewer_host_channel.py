"""The gateway's end of a host channel: gives one viewer's agent sockets and TURN credentials on request."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import msgspec
import structlog

from display_server.desktop.host_channel import (
    HostChannel,
    Introduction,
    Refused,
    Relays,
    RelaysWanted,
    Sockets,
    ToGateway,
)
from display_server.gateway.video_network import VideoNetwork, VideoNetworkError

log = structlog.get_logger(__name__)

#: Requests that an agent may make at once for one viewer.
REQUESTS_BURST = 20.0
#: Requests per second in the long run. A viewer whose connections fail makes one in ten seconds at most.
REQUESTS_PER_S = 0.2


class ViewerHostChannel:
    """Answers the agent over its connection until `close`, with the agent's secret first.

    `network` returns what the present configuration allows.
    """

    def __init__(
        self,
        connection: socket.socket,
        secret: str,
        viewer: str,
        network: Callable[[], VideoNetwork],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._viewer = viewer
        self._network = network
        self._monotonic_s = monotonic_s
        self._tokens = REQUESTS_BURST
        self._refilled_s = monotonic_s()
        self._channel = HostChannel(connection, self._on_packet, lambda: None)
        self._channel.send(Introduction(secret, viewer))

    def close(self) -> None:
        """Ends the channel. Sockets that the agent has got stay open. Safe to call twice."""
        self._channel.close()

    def _on_packet(self, data: bytes, _: list[socket.socket]) -> None:
        try:
            message = msgspec.json.decode(data, type=ToGateway)
        except msgspec.MsgspecError as error:
            log.warning("malformed request on a host channel", viewer=self._viewer, error=str(error))
            self.close()
            return
        if not self._may_answer():
            self._channel.send(Refused(message.request, "there were too many requests for this viewer"))
        elif isinstance(message, RelaysWanted):
            self._channel.send(Relays(message.request, self._network().relays(self._viewer)))
        else:
            self._pass_sockets(message.request)

    def _pass_sockets(self, request: int) -> None:
        """Opens sockets, passes them to the agent and closes the gateway's own descriptors of them."""
        try:
            sockets = self._network().open_sockets()
        except VideoNetworkError as error:
            self._channel.send(Refused(request, error.cause))
            return
        try:
            self._channel.send(Sockets(request), sockets)
        finally:
            for one in sockets:
                one.close()

    def _may_answer(self) -> bool:
        """Limits the requests with a token bucket, so that one desktop cannot take all ports."""
        now_s = self._monotonic_s()
        earned = (now_s - self._refilled_s) * REQUESTS_PER_S
        self._tokens = min(REQUESTS_BURST, self._tokens + earned)
        self._refilled_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
