"""Desktops that nobody displays: when they end, and which programs are reported there."""

from __future__ import annotations

from display_server.broker.busy_processes import (
    BUSY_AFTER_S,
    REPEAT_AFTER_S,
    BusyProcesses,
    ProcessSample,
)
from display_server.broker.process_table import TableEntry, below, parse_stat, read_process_table
from display_server.broker.unattended_desktops import UnattendedDesktops

HOUR_S = 3600.0


def test_an_unattended_desktop_ends_after_the_configured_time() -> None:
    desktops = UnattendedDesktops(end_after_s=2 * HOUR_S)
    desktops.observe(["one"], [], 0)
    assert desktops.ends_in_s("one", 0) == 2 * HOUR_S
    desktops.observe(["one"], [], 2 * HOUR_S - 1)
    assert desktops.due(2 * HOUR_S - 1) == []
    assert desktops.ends_in_s("one", 2 * HOUR_S - 1) == 1
    assert desktops.due(2 * HOUR_S) == ["one"]


def test_a_viewer_begins_the_time_anew() -> None:
    desktops = UnattendedDesktops(end_after_s=HOUR_S)
    desktops.observe(["one", "two"], ["one"], 0)
    desktops.observe(["one", "two"], ["one"], HOUR_S)
    assert desktops.due(HOUR_S) == ["two"]
    assert desktops.ends_in_s("one", HOUR_S) is None, "somebody displays it"
    desktops.observe(["one"], [], HOUR_S + 10)
    assert desktops.ends_in_s("one", HOUR_S + 10) == HOUR_S - 10
    assert desktops.due(2 * HOUR_S) == ["one"]


def test_a_desktop_that_somebody_is_opening_does_not_end() -> None:
    desktops = UnattendedDesktops(end_after_s=HOUR_S)
    desktops.observe(["one"], [], 0)
    desktops.opened("one", HOUR_S)
    desktops.observe(["one"], [], HOUR_S)
    assert desktops.due(HOUR_S) == []


def test_a_new_limit_applies_to_desktops_that_run() -> None:
    desktops = UnattendedDesktops(end_after_s=None)
    desktops.observe(["one"], [], 0)
    assert desktops.ends_in_s("one", 0) is None
    assert desktops.due(1e9) == []
    desktops.use_limit(HOUR_S)
    assert desktops.due(HOUR_S) == ["one"]


def test_a_desktop_may_have_a_shorter_limit_of_its_own() -> None:
    for general_s in (HOUR_S, None):
        desktops = UnattendedDesktops(end_after_s=general_s)
        desktops.observe(["one", "two"], [], 0, {"two": HOUR_S / 2})
        assert desktops.ends_in_s("one", 0) == general_s
        assert desktops.ends_in_s("two", 0) == HOUR_S / 2
        assert desktops.due(HOUR_S / 2) == ["two"]
    desktops = UnattendedDesktops(end_after_s=HOUR_S)
    desktops.opened("one", 0, HOUR_S / 4)
    assert desktops.ends_in_s("one", 0) == HOUR_S / 4, "also before it is observed"
    desktops.observe(["one"], [], 0, {"one": 2 * HOUR_S})
    assert desktops.ends_in_s("one", 0) == HOUR_S


def test_forgets_desktops_that_have_ended() -> None:
    desktops = UnattendedDesktops(end_after_s=HOUR_S)
    desktops.observe(["one"], [], 0)
    desktops.observe([], [], 1)
    assert desktops.unattended() == []
    assert desktops.due(10 * HOUR_S) == []


def sample(cpu_s: float, *, pid: int = 7, started: int = 1) -> tuple[str, ProcessSample]:
    return "one", ProcessSample(pid, started, "viewer", cpu_s)


def test_reports_a_program_that_keeps_using_the_processor() -> None:
    processes = BusyProcesses()
    reports = []
    for minute in range(12):
        reports.append(processes.observe([sample(42 * minute)], minute * 60))  # 70 % of a processor
    assert [len(report) for report in reports] == [0] * 10 + [1] + [0]
    (report,) = reports[10]
    assert (report.session, report.pid, report.program, report.load) == ("one", 7, "viewer", 0.7)
    assert len(processes.busy) == 1, "it is still busy, although it was reported"


def test_does_not_report_short_work_or_a_quiet_program() -> None:
    processes = BusyProcesses()
    for minute in range(30):
        worked_s = min(minute, 4) * 60  # one whole processor for four minutes, then nothing
        assert processes.observe([sample(worked_s), sample(minute * 6, pid=8)], minute * 60) == []
    assert processes.busy == []


def test_reports_again_after_an_hour() -> None:
    processes = BusyProcesses()
    reported_s = [
        now_s
        for now_s in range(0, int(BUSY_AFTER_S + REPEAT_AFTER_S) + 61, 60)
        if processes.observe([sample(now_s)], now_s)
    ]
    assert reported_s == [BUSY_AFTER_S, BUSY_AFTER_S + REPEAT_AFTER_S]


def test_another_process_with_the_same_pid_has_a_history_of_its_own() -> None:
    processes = BusyProcesses()
    processes.observe([sample(0)], 0)
    assert processes.observe([sample(1000, started=2)], BUSY_AFTER_S) == []


def test_a_desktop_that_was_attended_meanwhile_begins_anew() -> None:
    processes = BusyProcesses()
    processes.observe([sample(0)], 0)
    processes.observe([], 60)
    assert processes.observe([sample(BUSY_AFTER_S)], BUSY_AFTER_S) == []
    assert processes.observe([sample(2 * BUSY_AFTER_S)], 2 * BUSY_AFTER_S) != []


def test_parses_names_with_blanks_and_brackets() -> None:
    line = "42 (a (b) c) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 98765 1000000 200"
    entry = parse_stat(line)
    assert entry.parent == 7
    assert (entry.sample.pid, entry.sample.program, entry.sample.started) == (42, "a (b) c", 98765)
    assert entry.sample.cpu_s > 0


def test_finds_the_descendants_of_a_supervisor() -> None:
    def entry(pid: int, parent: int) -> TableEntry:
        return TableEntry(parent, ProcessSample(pid, 0, "p", 0))

    table = {pid: entry(pid, parent) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 3), (5, 1))}
    assert sorted(found.pid for found in below(table, 2)) == [3, 4]
    assert 1 in read_process_table()
