"""Two network namespaces with a shaped link between them; nothing leaves them. Needs root, as CI is.

    server  10.77.0.1 ──── tbf ──── (relay: delay, loss) ──── tbf ──── 10.77.0.2  client

A thread enters a namespace for as long as a block lasts; what it starts meanwhile stays there.
"""

from __future__ import annotations

import ctypes
import fcntl
import multiprocessing
import os
import re
import struct
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, Self

from benchmarks.links.link import Link
from benchmarks.links.relay import relay
from benchmarks.peers.subject import MissingPeerError

PREFIX = "lightbox-bench"
SERVER_ADDRESS, CLIENT_ADDRESS = "10.77.0.1", "10.77.0.2"
#: Browsers trust this name as they trust 127.0.0.1, which some clients need; it is mapped to the address.
SERVER_NAME = "bench.localhost"
#: What the bucket lets through at once, and how long a packet may wait in it: a home router's.
BURST_BYTES, QUEUE_MS = 32_000, 100.0
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000


class Loopback:
    """The network of link `loopback`: everything where it is."""

    host = name = "127.0.0.1"
    device: str | None = None

    @contextmanager
    def server(self) -> Iterator[None]:
        yield

    @contextmanager
    def client(self) -> Iterator[None]:
        yield

    def shape(self, rate_mbps: float, queue_ms: float = QUEUE_MS) -> None:
        """Raises ValueError: nothing is shaped here."""
        raise ValueError(
            f"loopback has no {rate_mbps:g} Mbit/s and {queue_ms:g} ms of queue: take a link (--link)"
        )


class Network:
    """Context manager: the namespaces and all in them end with the block."""

    host, name = SERVER_ADDRESS, SERVER_NAME

    def __init__(self, link: Link) -> None:
        if link.rate_mbps is None:
            raise ValueError("loopback needs no network")
        self._link, self._rate_mbps = link, link.rate_mbps
        self._server = f"{PREFIX}-{os.getpid()}-server"
        self._client = f"{PREFIX}-{os.getpid()}-client"
        self.device: str | None = "tun0" if link.relayed else "veth0"
        self._relay: multiprocessing.process.BaseProcess | None = None
        self._tuns: list[int] = []
        self._devices = "", ""

    def __enter__(self) -> Self:
        """Raises MissingPeerError when this host does not let us."""
        remove_stale()
        try:
            for namespace in (self._server, self._client):
                _ip("netns", "add", namespace)
                # Entered by us, not by `ip -n`: that mounts /sys anew, which not every host allows.
                with _inside(namespace):
                    _ip("link", "set", "lo", "up")
            self._devices = self._join_by_relay() if self._link.relayed else self._join_by_veth()
            for namespace, device, address in zip(
                (self._server, self._client), self._devices, (SERVER_ADDRESS, CLIENT_ADDRESS), strict=True
            ):
                with _inside(namespace):
                    _ip("address", "add", f"{address}/24", "dev", device)
                    _ip("link", "set", device, "up")
                    _run("tc", "qdisc", "add", "dev", device, "root", *_bucket(self._rate_mbps, QUEUE_MS))
            self._start_relay()
        except (OSError, subprocess.CalledProcessError) as error:
            self.__exit__()
            said = getattr(error, "stderr", None) or str(error)
            raise MissingPeerError(
                f"link {self._link.name} needs root, iproute2 and /dev/net/tun: {said.strip()}"
            ) from error
        except BaseException:  # told to end, in the middle of it
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in (self._server, self._client):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
        if self._relay is not None:
            self._relay.terminate()
            self._relay.join(5)
            self._relay = None
        while self._tuns:
            os.close(self._tuns.pop())

    @contextmanager
    def server(self) -> Iterator[None]:
        """This thread, and what it starts, is in the server's namespace."""
        with _inside(self._server):
            yield

    @contextmanager
    def client(self) -> Iterator[None]:
        with _inside(self._client):
            yield

    def shape(self, rate_mbps: float, queue_ms: float = QUEUE_MS) -> None:
        """Another rate in both directions from now on; what waits stays."""
        for namespace, device in zip((self._server, self._client), self._devices, strict=True):
            with _inside(namespace):
                _run("tc", "qdisc", "change", "dev", device, "root", *_bucket(rate_mbps, queue_ms))

    def _join_by_veth(self) -> tuple[str, str]:
        ends = ("veth0", "netns", self._server, "type", "veth", "peer", "veth1", "netns", self._client)
        _ip("link", "add", *ends)
        return "veth0", "veth1"

    def _join_by_relay(self) -> tuple[str, str]:
        with self.server():
            self._tuns.append(_tun("tun0"))
        with self.client():
            self._tuns.append(_tun("tun1"))
        return "tun0", "tun1"

    def _start_relay(self) -> None:
        """Once both devices are up: one that is not refuses packets. Only the relay keeps the descriptors."""
        if not self._tuns:
            return
        one, other = self._tuns
        self._relay = multiprocessing.get_context("fork").Process(
            target=relay, args=(one, other, self._link, os.getpid()), name="relay", daemon=True
        )
        self._relay.start()
        while self._tuns:
            os.close(self._tuns.pop())


class LinkEstimate(Protocol):
    """What is between server and browser."""

    host: str
    name: str
    #: The server's end; None where bytes do not pass a device of their own.
    device: str | None

    def server(self) -> AbstractContextManager[None]: ...

    def client(self) -> AbstractContextManager[None]: ...

    def shape(self, rate_mbps: float, queue_ms: float = QUEUE_MS) -> None: ...


@contextmanager
def network(link: Link) -> Iterator[LinkEstimate]:
    """Raises MissingPeerError when this host does not let us make the link."""
    if link.rate_mbps is None:
        yield Loopback()
    else:
        with Network(link) as way:
            yield way


def remove_stale() -> None:
    """Removes namespaces of runs that did not get to it themselves."""
    for file in Path("/run/netns").glob(f"{PREFIX}-*"):
        found = re.fullmatch(rf"{PREFIX}-(\d+)-(server|client)", file.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            subprocess.run(["ip", "netns", "del", file.name], capture_output=True, check=False)


@contextmanager
def _inside(namespace: str) -> Iterator[None]:
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        inside = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            _enter(inside)
        finally:
            os.close(inside)
        try:
            yield
        finally:
            _enter(before)
    finally:
        os.close(before)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")


def _tun(name: str) -> int:
    """A TUN device of this thread's namespace; it lives as long as the descriptor is open somewhere."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def _bucket(rate_mbps: float, queue_ms: float) -> list[str]:
    return ["tbf", "rate", f"{rate_mbps}mbit", "burst", str(BURST_BYTES), "latency", f"{queue_ms}ms"]


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
