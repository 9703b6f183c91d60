"""Tests that TCP is counted by port, including connections that are already closed."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from benchmarks.driver.streams import Streams, Wire, connections


def exchange(server: socket.socket, down: int, up: int) -> tuple[socket.socket, socket.socket]:
    """Transfers bytes over a new connection. Returns its ends, the server's first."""
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    accepted.sendall(bytes(down))
    client.sendall(bytes(up))
    assert len(client.recv(down, socket.MSG_WAITALL)) == down
    assert len(accepted.recv(up, socket.MSG_WAITALL)) == up
    return accepted, client


def counted(streams: Streams, before: Wire, up: int) -> Wire:
    """Returns the bytes since `before`, after at least `up` bytes: the kernel reports closed sockets a little
    later."""
    deadline = time.monotonic() + 10
    while True:
        total = streams.total()
        if total.up - before.up >= up or time.monotonic() > deadline:
            return Wire(total.down - before.down, total.up - before.up)
        time.sleep(0.01)


def test_counts_each_direction_at_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        streams = Streams(server.getsockname()[1])
        accepted, client = exchange(server, 5000, 300)
        with accepted, client:
            total = streams.total()
    assert total.up == 300
    # The kernel counts the SYN as one acknowledged byte.
    assert total.down in {5000, 5001}


@pytest.mark.parametrize("first", ["server", "client"])
def test_counts_the_bytes_of_closed_connections(first: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        streams = Streams(server.getsockname()[1])
        old = exchange(server, 7000, 100)
        streams.start()
        before = streams.total()
        new = exchange(server, 5000, 300)
        for end in (*old, *new) if first == "server" else (*reversed(old), *reversed(new)):
            end.close()
        found = counted(streams, before, 300)
        streams.stop()
    # The FIN of each end counts as a byte.
    assert found.up in range(300, 304)
    assert found.down in range(5000, 5004)


def test_does_not_count_other_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        accepted, client = exchange(other, 5000, 300)
        with accepted, client:
            assert Streams(server.getsockname()[1]).total() == Wire(0, 0)


def test_a_refusal_of_the_kernel_is_an_error() -> None:
    refusal = struct.pack("=IHHII", 20, 2, 0, 0, 0) + struct.pack("=i", -22)
    with pytest.raises(OSError, match="EINVAL"):
        list(connections(refusal))
