from __future__ import annotations

import os

from display_server.process_stat import is_running, is_same_process, read_stat

NO_PID = 2**22 + 1  # above the kernel's limit


def test_a_pid_that_another_process_got_is_not_the_same_process() -> None:
    stat = read_stat(os.getpid())
    assert stat is not None
    assert is_same_process(os.getpid(), stat.start_ticks)
    assert not is_same_process(os.getpid(), stat.start_ticks - 1)
    assert stat.parent == os.getppid()
    assert not stat.is_ending


def test_there_is_nothing_to_read_without_a_process() -> None:
    assert read_stat(NO_PID) is None
    assert not is_running(NO_PID)
    assert not is_same_process(NO_PID, 0)


def test_a_zombie_has_ended() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    stat = read_stat(pid)
    assert stat is not None
    assert stat.is_zombie
    assert stat.is_ending
    assert not is_running(pid)
    assert not is_same_process(pid, stat.start_ticks)
    os.waitpid(pid, 0)
