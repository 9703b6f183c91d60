"""CPU and memory by role."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.driver.meter import cpu_seconds, memory_mb

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
