"""CPU by role and bytes on the wire."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.driver.meter import cpu_seconds, memory_mb, wire_bytes

#: Starts a child that burns some CPU, prints its pid, and waits.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''
import time
end = time.process_time() + 0.3
while time.process_time() < end: pass
print("burnt", flush=True)
time.sleep(60)
'''], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
"""

#: The least of it that the kernel's counters, in ticks of 10 ms for user and system each, must show.
BURNT_S = 0.26


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """Pids of a parent and its child, which has burnt 0.3 s of CPU."""
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield process.pid, int(process.stdout.readline())
    process.communicate()


def test_children_count_with_their_parent(family: tuple[int, int]) -> None:
    assert cpu_seconds({"all": [family[0]]})["all"] >= BURNT_S


def test_a_child_with_a_role_counts_there_alone(family: tuple[int, int]) -> None:
    parent, child = family
    whole = cpu_seconds({"all": [parent]})["all"]
    apart = cpu_seconds({"parent": [parent], "child": [child]})
    assert apart["child"] >= BURNT_S
    assert apart["parent"] <= whole - BURNT_S


def test_a_process_that_has_gone_costs_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert cpu_seconds({"gone": [gone.pid]}) == {"gone": 0.0}
    assert memory_mb({"gone": [gone.pid]}) == {"gone": 0.0}


def test_memory_is_in_megabytes() -> None:
    assert 5 < memory_mb({"us": [os.getpid()]})["us"] < 2000


def test_bytes_are_counted_at_the_server_per_direction() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(b"d" * 5000)
                client.sendall(b"u" * 300)
                assert len(client.recv(5000, socket.MSG_WAITALL)) == 5000
                assert len(accepted.recv(300, socket.MSG_WAITALL)) == 300
                counted = wire_bytes(port)
    assert counted.up == 300
    # The kernel counts the opening SYN as one acknowledged byte.
    assert counted.down in {5000, 5001}
