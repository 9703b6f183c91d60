from __future__ import annotations

import os
from pathlib import Path

from display_server.process_stat import is_same_process, read_stat
from display_server.supervisor.process_record import ProcessRecord


def own_start_ticks() -> int:
    stat = read_stat(os.getpid())
    assert stat is not None
    return stat.start_ticks


def test_another_supervisor_reads_what_was_recorded(tmp_path: Path) -> None:
    ProcessRecord(tmp_path).add("agent", os.getpid(), own_start_ticks())
    found = ProcessRecord(tmp_path).find("agent")
    assert found is not None
    assert (found.pid, found.running) == (os.getpid(), True)
    assert [process.name for process in ProcessRecord(tmp_path).running()] == ["agent"]


def test_a_pid_that_another_process_got_does_not_count_as_running(tmp_path: Path) -> None:
    record = ProcessRecord(tmp_path)
    record.add("agent", os.getpid(), own_start_ticks() - 1)
    assert record.running() == []
    assert not is_same_process(os.getpid(), own_start_ticks() - 1)
    assert is_same_process(os.getpid(), own_start_ticks())


def test_an_ended_process_stays_in_the_record(tmp_path: Path) -> None:
    record = ProcessRecord(tmp_path)
    record.add("program terminal", os.getpid(), own_start_ticks())
    record.mark_ended("program terminal", os.getpid() + 1)  # an earlier process of the same name
    assert record.running() != []
    record.mark_ended("program terminal", os.getpid())
    found = ProcessRecord(tmp_path).find("program terminal")
    assert found is not None
    assert not found.running
    assert ProcessRecord(tmp_path).running() == []


def test_the_record_is_private_and_can_be_removed(tmp_path: Path) -> None:
    record = ProcessRecord(tmp_path)
    record.add("agent", os.getpid(), own_start_ticks())
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    record.forget()
    assert ProcessRecord(tmp_path).find("agent") is None
    assert list(tmp_path.iterdir()) == []
