"""Tests links: their notation, the delay line, and real namespaces with a shaped link."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from benchmarks.links.delay import DelayProbe, idle_delay_ms, queueing
from benchmarks.links.link import LOOPBACK, Link, parse_link
from benchmarks.links.network import (
    CLIENT_ADDRESS,
    PREFIX,
    SERVER_ADDRESS,
    LoopbackNetwork,
    NamespaceNetwork,
    remove_stale,
)
from benchmarks.links.relay import PACKETS_MAX, Direction
from benchmarks.peers.subject import MissingPeerError


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("loopback", LOOPBACK),
        ("20", Link("20", 20)),
        ("0.5", Link("0.5", 0.5)),
        ("20+15ms", Link("20+15ms", 20, 15)),
        ("50+30ms+2%", Link("50+30ms+2%", 50, 30, 0.02)),
        ("5+1%", Link("5+1%", 5, 0, 0.01)),
        ("50+30ms~5ms+2%", Link("50+30ms~5ms+2%", 50, 30, 0.02, 5)),
        ("wifi", Link("wifi", 50, 4, 0.001, 4)),
        ("wan", Link("wan", 20, 20, 0.001, 3)),
    ],
)
def test_links_are_parsed(text: str, link: Link) -> None:
    assert parse_link(text) == link


@pytest.mark.parametrize(
    "text", ["", "fast", "20ms", "0", "20+", "-5", "20+5000ms", "20+100%", "20+5ms+", "20~5ms", "20+5ms~6ms"]
)
def test_invalid_links_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no link|out of range"):
        parse_link(text)


def test_packets_are_delayed_in_order() -> None:
    direction = Direction(0.5, 0.0, random.Random(1))
    for number in range(3):
        direction.put(bytes([number]), number * 0.1)
    assert direction.due(0.49) == []
    assert direction.next_s == 0.5
    assert direction.due(0.65) == [b"\0", b"\1"]
    assert direction.due(9.0) == [b"\2"]
    assert (direction.sent, direction.lost) == (3, 0)
    assert direction.next_s is None


def test_jitter_varies_the_delay_and_keeps_the_order() -> None:
    direction = Direction(0.05, 0.0, random.Random(1), jitter_s=0.004)
    out: list[tuple[float, float]] = []
    for turn in range(10_000):
        now_s = turn / 10_000
        if turn % 10 == 0:
            direction.put(turn.to_bytes(2), now_s)
        out += [(int.from_bytes(packet) / 10_000, now_s) for packet in direction.due(now_s)]
    assert out == sorted(out)
    delays = sorted(arrived_s - sent_s for sent_s, arrived_s in out)
    grain_s = 0.0002
    assert 0.046 - grain_s <= delays[0] < 0.048
    assert 0.052 < delays[-1] <= 0.054 + grain_s


def test_losses_are_seeded() -> None:
    def lost() -> list[int]:
        direction = Direction(0.0, 0.3, random.Random(7))
        counts = []
        for _ in range(100):
            direction.put(b"x", 0.0)
            counts.append(direction.lost)
        return counts

    assert lost() == lost()


def test_a_fraction_of_packets_is_lost_and_the_queue_is_bounded() -> None:
    direction = Direction(0.0, 0.1, random.Random(1))
    for _ in range(10_000):
        direction.put(b"x", 0.0)
        direction.due(0.0)
    assert 900 < direction.lost < 1100
    full = Direction(1.0, 0.0, random.Random(1))
    for _ in range(PACKETS_MAX + 5):
        full.put(b"x", 0.0)
    assert full.lost == 5


def refused(text: str) -> bool:
    """Returns whether this host permits no namespaces, in which case the error must say so."""
    if os.geteuid() == 0:
        return False
    with pytest.raises(MissingPeerError, match="needs root"), NamespaceNetwork(parse_link(text)):
        pass
    return True


@pytest.mark.parametrize("text", ["50", "50+20ms~5ms+1%", "50+1%"])
def test_bytes_pass_between_namespaces_and_no_namespace_remains(text: str) -> None:
    payload = bytes(300_000)
    outside = Path("/proc/thread-self/ns/net").readlink()
    if refused(text):
        return
    with NamespaceNetwork(parse_link(text)) as network:
        with network.server():
            assert Path("/proc/thread-self/ns/net").readlink() != outside
            listener = socket.create_server((SERVER_ADDRESS, 0))
        server = threading.Thread(target=_serve, args=(listener, payload))
        server.start()
        with network.client(), socket.create_connection(listener.getsockname(), 10) as client:
            began = time.monotonic()
            received = b""
            while chunk := client.recv(65536):
                received += chunk
        took_s = time.monotonic() - began
        server.join(10)
        listener.close()
        assert list(Path("/run/netns").glob(f"{PREFIX}-{os.getpid()}-*"))
    assert received == payload
    # The time that the link needs at least. It is only a lower bound, because the machine may be busy.
    assert took_s > (len(payload) - 64_000) * 8 / 50e6
    assert not list(Path("/run/netns").glob(f"{PREFIX}-{os.getpid()}-*"))


def _serve(listener: socket.socket, payload: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(payload)


def test_probes_see_the_queue_of_a_link_whose_rate_drops() -> None:
    """One second of data waits at the dropped rate. Only probes sent after the drop are delayed."""
    if refused("50"):
        return
    with NamespaceNetwork(parse_link("50")) as network:
        with network.client():
            sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sink.bind((CLIENT_ADDRESS, 0))
        with network.server():
            source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sink, source, DelayProbe(network, CLIENT_ADDRESS) as delays:
            wait_until(lambda: sum(p.delay_ms is not None for p in delays.probes()) >= 4)
            idle_until_s = time.time()
            network.shape(2.0, queue_ms=1000)
            for _ in range(200):
                source.sendto(bytes(1200), sink.getsockname())
            full_s = time.time()
            wait_until(lambda: any(p.sent_s > full_s and p.delay_ms is not None for p in delays.probes()))
        probes = delays.probes()
    waits = queueing(probes, full_s, time.time(), idle_delay_ms(probes, idle_until_s))
    assert max(waits) > 200  # about 200 kB leave first at 2 Mbit/s


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_loopback_cannot_be_shaped() -> None:
    with pytest.raises(ValueError, match="--link"):
        LoopbackNetwork().shape(5.0)


def test_namespaces_of_killed_runs_are_removed() -> None:
    if refused("50"):
        return
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = f"{PREFIX}-{dead.pid}-server"
    subprocess.run(["ip", "netns", "add", left], check=True)
    with NamespaceNetwork(parse_link("50")):
        remove_stale()
        names = [file.name for file in Path("/run/netns").glob(f"{PREFIX}-*")]
    assert left not in names
    assert {f"{PREFIX}-{os.getpid()}-{end}" for end in ("server", "client")} <= set(names), (
        "the namespaces of this process remain"
    )


DYING = """
import os, signal, sys, time
from benchmarks.links.link import parse_link
from benchmarks.links.network import NamespaceNetwork
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
with NamespaceNetwork(parse_link("50+1ms")) as network:
    print(os.getpid(), network._relay.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing_behind(number: signal.Signals) -> None:
    if refused("50+1ms"):
        return
    with subprocess.Popen([sys.executable, "-c", DYING], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        own, relay_pid = (int(word) for word in run.stdout.readline().split())
        assert list(Path("/run/netns").glob(f"{PREFIX}-{own}-*"))
        run.send_signal(number)
    deadline = time.monotonic() + 10
    while alive(relay_pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(relay_pid)
    if number == signal.SIGKILL:
        remove_stale()  # as the next run does
    assert not list(Path("/run/netns").glob(f"{PREFIX}-{own}-*"))


def alive(pid: int) -> bool:
    """Returns whether a process runs. A zombie, which waits for its new parent, does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
