"""Creates two network namespaces joined by a shaped link. No packet leaves them. Needs root.

    server  10.77.0.1 ──── tbf ──── (relay: delay, loss) ──── tbf ──── 10.77.0.2  client

A thread enters a namespace for the duration of a `with` block. Processes that it starts there stay there.
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

#: Names of the namespaces begin with this prefix.
PREFIX = "lightbox-bench"
SERVER_ADDRESS, CLIENT_ADDRESS = "10.77.0.1", "10.77.0.2"
#: Host name of the server. Browsers treat `*.localhost` as a secure context, which some clients need. The
#: browser maps it to SERVER_ADDRESS.
SERVER_NAME = "bench.localhost"
#: Burst of the token bucket filter, bytes.
BURST_BYTES = 32_000
#: Longest time a packet waits in the token bucket filter before packets are dropped, ms. Typical of a home
#: router.
QUEUE_MS = 100.0
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000


class LoopbackNetwork:
    """The network of link `loopback`: server and browser stay in the namespace of this process."""

    host = name = "127.0.0.1"
    device: str | None = None

    @contextmanager
    def server(self) -> Iterator[None]:
        yield

    @contextmanager
    def client(self) -> Iterator[None]:
        yield

    def shape(self, rate_mbps: float, queue_ms: float = QUEUE_MS) -> None:
        """Raises ValueError, because loopback cannot be shaped."""
        raise ValueError(
            f"loopback cannot be shaped to {rate_mbps:g} Mbit/s with a queue of {queue_ms:g} ms: "
            "select a link with --link"
        )


class NamespaceNetwork:
    """Context manager that creates the namespaces and removes them with everything in them."""

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
        """Raises MissingPeerError if this host does not permit network namespaces."""
        remove_stale()
        try:
            for namespace in (self._server, self._client):
                _ip("netns", "add", namespace)
                # setns() instead of `ip -n`, which remounts /sys; not every host permits that.
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
            reason = getattr(error, "stderr", None) or str(error)
            raise MissingPeerError(
                f"link {self._link.name} needs root, iproute2 and /dev/net/tun: {reason.strip()}"
            ) from error
        except BaseException:  # interrupted, for example by SIGTERM
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
        """Moves this thread, and the processes it starts, into the server's namespace."""
        with _inside(self._server):
            yield

    @contextmanager
    def client(self) -> Iterator[None]:
        """Moves this thread, and the processes it starts, into the browser's namespace."""
        with _inside(self._client):
            yield

    def shape(self, rate_mbps: float, queue_ms: float = QUEUE_MS) -> None:
        """Changes the rate and the queue in both directions. Queued packets stay queued."""
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
        """Starts the relay process. Both devices must be up. Only the relay keeps the descriptors open."""
        if not self._tuns:
            return
        one, other = self._tuns
        self._relay = multiprocessing.get_context("fork").Process(
            target=relay, args=(one, other, self._link, os.getpid()), name="relay", daemon=True
        )
        self._relay.start()
        while self._tuns:
            os.close(self._tuns.pop())


class LinkNetwork(Protocol):
    """The network between server and browser."""

    #: Address on which the server listens.
    host: str
    #: Host name by which the browser reaches the server.
    name: str
    #: Network device at the server's end, or None if the link has no device of its own.
    device: str | None

    def server(self) -> AbstractContextManager[None]: ...

    def client(self) -> AbstractContextManager[None]: ...

    def shape(self, rate_mbps: float, queue_ms: float = QUEUE_MS) -> None: ...


@contextmanager
def network(link: Link) -> Iterator[LinkNetwork]:
    """Creates the network of a link. Raises MissingPeerError if this host does not permit it."""
    if link.rate_mbps is None:
        yield LoopbackNetwork()
    else:
        with NamespaceNetwork(link) as created:
            yield created


def remove_stale() -> None:
    """Removes namespaces of earlier runs that were killed."""
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
    """Creates a TUN device in this thread's namespace. It exists while its descriptor is open."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def _bucket(rate_mbps: float, queue_ms: float) -> list[str]:
    return ["tbf", "rate", f"{rate_mbps}mbit", "burst", str(BURST_BYTES), "latency", f"{queue_ms}ms"]


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
