"""Tests that UDP is counted by the process that sent it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

from benchmarks.driver.datagrams import Datagrams

#: Sends 20 datagrams of 700 bytes, then waits until stdin ends.
SENDER = """
import socket, sys
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.connect(("127.0.0.1", int(sys.argv[1])))
for _ in range(20): out.send(bytes(700))
sys.stdout.write("sent\\n"); sys.stdout.flush()
sys.stdin.read()
"""


def test_counts_what_a_program_sends_and_receives() -> None:
    counted = Datagrams()
    counted.start()
    if os.geteuid() != 0:
        assert "not counted" in counted.why_not
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        port = here.getsockname()[1]
        program = subprocess.Popen(
            [sys.executable, "-c", SENDER, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert program.stdout is not None
        program.stdout.readline()
        deadline = time.monotonic() + 10
        while counted.of([program.pid]) != (14_000, 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert counted.of([program.pid]) == (14_000, 0)
        assert counted.of([os.getpid()]) == (0, 14_000)
        program.communicate(b"")
    counted.stop()
    assert counted.why_not == ""
