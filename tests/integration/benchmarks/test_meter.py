"""Tests CPU and memory by role."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.driver.meter import cpu_seconds, memory_mb

#: Starts a child that uses 0.3 s of CPU, prints the child's pid, and waits until stdin ends.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''
import time
end = time.process_time() + 0.3
while time.process_time() < end: pass
print("done", flush=True)
time.sleep(60)
'''], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
"""

#: CPU time that the counters must show at least, s. The kernel counts user and system time in ticks of 10 ms.
USED_S = 0.26


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """Yields the pids of a parent and its child, which has used 0.3 s of CPU."""
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield process.pid, int(process.stdout.readline())
    process.communicate()


def test_child_processes_count_with_their_parent(family: tuple[int, int]) -> None:
    assert cpu_seconds({"all": [family[0]]})["all"] >= USED_S


def test_a_child_with_its_own_role_does_not_count_with_its_parent(family: tuple[int, int]) -> None:
    parent, child = family
    whole = cpu_seconds({"all": [parent]})["all"]
    apart = cpu_seconds({"parent": [parent], "child": [child]})
    assert apart["child"] >= USED_S
    assert apart["parent"] <= whole - USED_S


def test_a_process_that_has_ended_costs_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert cpu_seconds({"ended": [ended.pid]}) == {"ended": 0.0}
    assert memory_mb({"ended": [ended.pid]}) == {"ended": 0.0}


def test_memory_is_in_megabytes() -> None:
    assert 5 < memory_mb({"test": [os.getpid()]})["test"] < 2000
