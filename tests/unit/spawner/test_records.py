from __future__ import annotations

import os
from dataclasses import replace

import pytest

from display_server.process_stat import ProcessStat, read_stat
from display_server.spawner import records
from display_server.spawner.messages import RunningContainer
from display_server.spawner.records import runs_inside

#: A container whose processes are in the namespace of this one.
CONTAINER = RunningContainer("session", "kim", "office", 0, "", init_pid=os.getpid(), init_start_ticks=0)


def test_a_process_that_begins_to_end_does_not_run_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connections are closed before it is a zombie, and the server then asks for another one at once."""
    assert runs_inside(os.getpid(), CONTAINER)

    def ending(pid: int) -> ProcessStat | None:
        stat = read_stat(pid)
        return stat and replace(stat, is_ending=True)

    monkeypatch.setattr(records, "read_stat", ending)
    assert not runs_inside(os.getpid(), CONTAINER)
