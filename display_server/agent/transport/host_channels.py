"""The agent's end of the host channels: one per viewer, on a Unix socket beside that of the WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from display_server.agent.transport import private_socket
from display_server.agent.transport.host_network import HostNetworkError
from display_server.agent.transport.peer_check import PeerCheck, peer_uid
from display_server.desktop.host_channel import (
    HostChannel,
    Introduction,
    Refused,
    Relays,
    RelaysWanted,
    Sockets,
    SocketsWanted,
    ToAgent,
)
from display_server.protocol.messages import IceServer

log = structlog.get_logger(__name__)

#: Whoever connects has to introduce itself within this time, s.
INTRODUCTION_WITHIN_S = 5.0
#: A viewer's channel, or an answer over it, is awaited for this time, s.
ANSWER_WITHIN_S = 5.0
#: Connections that may wait for their introduction; more are refused.
UNKNOWN_MAX = 32

Answer = Relays | Sockets | Refused
#: An answer, and the sockets that came with it.
Received = tuple[Answer, list[socket.socket]]


@dataclass(eq=False)
class _ViewerChannel:
    """A connection, and the requests that wait for an answer. `viewer` is empty before the introduction."""

    channel: HostChannel
    viewer: str = ""
    waiting: dict[int, asyncio.Future[Received]] = field(default_factory=dict)
    overdue: asyncio.TimerHandle | None = None


class HostChannels:
    """Accepts the gateway's channels, and asks over them. Implements HostNetworks."""

    def __init__(self, path: Path, peers: PeerCheck) -> None:
        self._path = path
        self._peers = peers
        self._listener: socket.socket | None = None
        self._unknown: set[_ViewerChannel] = set()
        self._by_viewer: dict[str, _ViewerChannel] = {}
        self._arrived = asyncio.Event()
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Listens on a socket that only the users that may connect can open. Raises OSError."""
        self._listener = private_socket.listen(
            self._path, socket.SOCK_SEQPACKET, shared=self._peers.admits_others
        )
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def stop(self) -> None:
        """Closes all channels. Safe to call twice."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            self._path.unlink(missing_ok=True)
        for one in [*self._unknown, *self._by_viewer.values()]:
            one.channel.close()
            self._forget(one)

    def of(self, viewer: str) -> ViewerNetwork:
        return ViewerNetwork(self, viewer)

    async def ask(self, viewer: str, kind: type[RelaysWanted | SocketsWanted]) -> Received:
        """Returns the gateway's answer and the sockets with it. Raises HostNetworkError."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                while (one := self._by_viewer.get(viewer)) is None:
                    self._arrived.clear()
                    await self._arrived.wait()
                number = next(self._numbers)
                answer: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
                one.waiting[number] = answer
                one.channel.send(kind(number))
                try:
                    return await answer
                finally:
                    one.waiting.pop(number, None)
        except TimeoutError:
            raise HostNetworkError("the gateway does not answer on the host channel") from None

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError as error:  # the other side has gone again, or no descriptor is free
            log.warning("host channel not accepted", error=str(error))
            return
        uid = peer_uid(connection)
        if not self._peers.allows_user(uid) or len(self._unknown) >= UNKNOWN_MAX:
            log.warning("host channel refused", uid=uid, waiting=len(self._unknown))
            connection.close()
            return
        channel = HostChannel(
            connection,
            lambda data, sockets: self._on_packet(one, data, sockets),
            lambda: self._forget(one),
            accepts_sockets=True,
        )
        one = _ViewerChannel(channel)
        self._unknown.add(one)
        loop = asyncio.get_running_loop()
        one.overdue = loop.call_later(INTRODUCTION_WITHIN_S, self._refuse, one, "no introduction")

    def _on_packet(self, one: _ViewerChannel, data: bytes, sockets: list[socket.socket]) -> None:
        """Handles a packet. Sockets that no request waits for are closed."""
        try:
            message: ToAgent = msgspec.json.decode(data, type=ToAgent)
        except msgspec.MsgspecError:
            self._refuse(one, "malformed")
        else:
            if isinstance(message, Introduction):
                self._introduce(one, message)
            elif not one.viewer:
                self._refuse(one, "no introduction")
            else:
                waiting = one.waiting.get(message.request)
                if waiting is not None and not waiting.done():
                    waiting.set_result((message, sockets))
                    return
        for unused in sockets:
            unused.close()

    def _introduce(self, one: _ViewerChannel, message: Introduction) -> None:
        if one.viewer or not message.viewer or not self._peers.allows_secret(message.secret):
            self._refuse(one, "secret")
            return
        if one.overdue is not None:
            one.overdue.cancel()
        self._unknown.discard(one)
        former = self._by_viewer.get(message.viewer)
        if former is not None:
            former.channel.close()
            self._forget(former)
        one.viewer = message.viewer
        self._by_viewer[one.viewer] = one
        self._arrived.set()

    def _refuse(self, one: _ViewerChannel, reason: str) -> None:
        log.warning("host channel refused", viewer=one.viewer, reason=reason)
        one.channel.close()
        self._forget(one)

    def _forget(self, one: _ViewerChannel) -> None:
        if one.overdue is not None:
            one.overdue.cancel()
        self._unknown.discard(one)
        if self._by_viewer.get(one.viewer) is one:
            del self._by_viewer[one.viewer]
        for waiting in one.waiting.values():
            if not waiting.done():
                waiting.set_exception(HostNetworkError("the gateway has closed the host channel"))


class ViewerNetwork:
    """The HostNetwork of one viewer: asks the gateway that the viewer is connected through."""

    def __init__(self, channels: HostChannels, viewer: str) -> None:
        self._channels = channels
        self._viewer = viewer

    async def open_sockets(self) -> list[socket.socket]:
        answer, sockets = await self._channels.ask(self._viewer, SocketsWanted)
        if isinstance(answer, Sockets) and sockets:
            return sockets
        raise _refusal(answer, sockets)

    async def relays(self) -> list[IceServer]:
        answer, sockets = await self._channels.ask(self._viewer, RelaysWanted)
        if isinstance(answer, Relays) and not sockets:
            return answer.servers
        raise _refusal(answer, sockets)


def _refusal(answer: Answer, sockets: list[socket.socket]) -> HostNetworkError:
    for unused in sockets:
        with contextlib.suppress(OSError):
            unused.close()
    if isinstance(answer, Refused):
        return HostNetworkError(answer.reason)
    return HostNetworkError("the gateway's answer does not fit the question")
