"""Links: how they are written, the delay line, and real namespaces with a shaped way between them."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from benchmarks.links.link import LOOPBACK, Link, parse_link
from benchmarks.links.network import PREFIX, SERVER_ADDRESS, Network, remove_stale
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
    ],
)
def test_links_are_parsed(text: str, link: Link) -> None:
    assert parse_link(text) == link


@pytest.mark.parametrize("text", ["", "fast", "20ms", "0", "20+", "-5", "20+5000ms", "20+100%", "20+5ms+"])
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


@pytest.mark.parametrize("text", ["50", "50+20ms+1%"])
def test_bytes_pass_between_namespaces_and_nothing_stays(text: str) -> None:
    payload = bytes(300_000)
    outside = Path("/proc/thread-self/ns/net").readlink()
    if os.geteuid() != 0:
        with pytest.raises(MissingPeerError, match="needs root"), Network(parse_link(text)):
            pass
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
        assert list(Path("/run/netns").glob(f"{PREFIX}-*"))
    assert received == payload
    # What the link takes at least, whatever else the machine does: it is a lower bound, never an upper one.
    assert took_s > (len(payload) - 64_000) * 8 / 50e6
    assert not list(Path("/run/netns").glob(f"{PREFIX}-*"))


def _serve(listener: socket.socket, payload: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(payload)


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root; without it there are none to remove")
def test_namespaces_of_runs_that_died_are_removed() -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = f"{PREFIX}-{dead.pid}-server"
    subprocess.run(["ip", "netns", "add", left], check=True)
    with Network(parse_link("50")):
        remove_stale()
        names = [file.name for file in Path("/run/netns").glob(f"{PREFIX}-*")]
    assert left not in names
    assert len(names) == 2, "ours is alive"
