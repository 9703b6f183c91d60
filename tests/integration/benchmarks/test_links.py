"""Links: how they are written, the delay line, and real namespaces with a shaped way between them."""

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
from benchmarks.links.network import CLIENT_ADDRESS, PREFIX, SERVER_ADDRESS, Loopback, Network, remove_stale
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
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no link|out of range"):
        parse_link(text)


def test_packets_are_delayed_in_order() -> None:
    way = Direction(0.5, 0.0, random.Random(1))
    for number in range(3):
        way.put(bytes([number]), number * 0.1)
    assert way.due(0.49) == []
    assert way.next_s == 0.5
    assert way.due(0.65) == [b"\0", b"\1"]
    assert way.due(9.0) == [b"\2"]
    assert (way.sent, way.lost) == (3, 0)
    assert way.next_s is None


def test_jitter_varies_the_delay_and_keeps_the_order() -> None:
    way = Direction(0.05, 0.0, random.Random(1), jitter_s=0.004)
    out: list[tuple[float, float]] = []
    for turn in range(10_000):
        now_s = turn / 10_000
        if turn % 10 == 0:
            way.put(turn.to_bytes(2), now_s)
        out += [(int.from_bytes(packet) / 10_000, now_s) for packet in way.due(now_s)]
    assert out == sorted(out)
    delays = sorted(arrived_s - sent_s for sent_s, arrived_s in out)
    grain_s = 0.0002
    assert 0.046 - grain_s <= delays[0] < 0.048
    assert 0.052 < delays[-1] <= 0.054 + grain_s


def test_chance_is_seeded() -> None:
    def lost() -> list[int]:
        way = Direction(0.0, 0.3, random.Random(7))
        counts = []
        for _ in range(100):
            way.put(b"x", 0.0)
            counts.append(way.lost)
        return counts

    assert lost() == lost()


def test_a_share_of_packets_is_lost_and_the_line_is_bounded() -> None:
    way = Direction(0.0, 0.1, random.Random(1))
    for _ in range(10_000):
        way.put(b"x", 0.0)
        way.due(0.0)
    assert 900 < way.lost < 1100
    full = Direction(1.0, 0.0, random.Random(1))
    for _ in range(PACKETS_MAX + 5):
        full.put(b"x", 0.0)
    assert full.lost == 5


def refused(text: str) -> bool:
    """Whether this host does not let us make namespaces; then it must say so clearly."""
    if os.geteuid() == 0:
        return False
    with pytest.raises(MissingPeerError, match="needs root"), Network(parse_link(text)):
        pass
    return True


@pytest.mark.parametrize("text", ["50", "50+20ms~5ms+1%", "50+1%"])
def test_bytes_pass_between_namespaces_and_nothing_stays(text: str) -> None:
    payload = bytes(300_000)
    outside = Path("/proc/thread-self/ns/net").readlink()
    if refused(text):
        return
    with Network(parse_link(text)) as way:
        with way.server():
            assert Path("/proc/thread-self/ns/net").readlink() != outside
            listener = socket.create_server((SERVER_ADDRESS, 0))
        server = threading.Thread(target=_serve, args=(listener, payload))
        server.start()
        with way.client(), socket.create_connection(listener.getsockname(), 10) as client:
            began = time.monotonic()
            received = b""
            while chunk := client.recv(65536):
                received += chunk
        took_s = time.monotonic() - began
        server.join(10)
        listener.close()
        assert list(Path("/run/netns").glob(f"{PREFIX}-{os.getpid()}-*"))
    assert received == payload
    # What the link takes at least, whatever else the machine does: it is a lower bound, never an upper one.
    assert took_s > (len(payload) - 64_000) * 8 / 50e6
    assert not list(Path("/run/netns").glob(f"{PREFIX}-{os.getpid()}-*"))


def _serve(listener: socket.socket, payload: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(payload)


def test_a_link_becomes_narrow_and_what_waits_is_seen() -> None:
    """A second's worth of the narrow link waits: probes meet it, those of the idle link before did not."""
    if refused("50"):
        return
    with Network(parse_link("50")) as way:
        with way.client():
            sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sink.bind((CLIENT_ADDRESS, 0))
        with way.server():
            source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sink, source, DelayProbe(way, CLIENT_ADDRESS) as delays:
            wait_until(lambda: sum(p.delay_ms is not None for p in delays.probes()) >= 4)
            idle_until_s = time.time()
            way.shape(2.0, queue_ms=1000)
            for _ in range(200):
                source.sendto(bytes(1200), sink.getsockname())
            full_s = time.time()
            wait_until(lambda: any(p.sent_s > full_s and p.delay_ms is not None for p in delays.probes()))
        probes = delays.probes()
    waits = queueing(probes, full_s, time.time(), idle_delay_ms(probes, idle_until_s))
    assert max(waits) > 200  # 200 kB have to leave first, at 2 Mbit/s


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_loopback_is_not_shaped() -> None:
    with pytest.raises(ValueError, match="--link"):
        Loopback().shape(5.0)


def test_namespaces_of_runs_that_died_are_removed() -> None:
    if refused("50"):
        return
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = f"{PREFIX}-{dead.pid}-server"
    subprocess.run(["ip", "netns", "add", left], check=True)
    with Network(parse_link("50")):
        remove_stale()
        names = [file.name for file in Path("/run/netns").glob(f"{PREFIX}-*")]
    assert left not in names
    assert {f"{PREFIX}-{os.getpid()}-{end}" for end in ("server", "client")} <= set(names), "ours is alive"


DYING = """
import os, signal, sys, time
from benchmarks.links.link import parse_link
from benchmarks.links.network import Network
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
with Network(parse_link("50+1ms")) as way:
    print(os.getpid(), way._relay.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_of_a_run_that_is_ended(number: signal.Signals) -> None:
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
    """A process that has ended and waits to be reaped by whoever inherited it is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
