"""LogLimit: a broken surface does not fill the log."""

from __future__ import annotations

from display_server.agent.streams.log_limit import LINE_INTERVAL_S, LINES_AT_FIRST, LogLimit


def test_after_the_first_lines_one_per_interval_tells_how_many_were_withheld() -> None:
    limit = LogLimit()
    admitted = [limit.admit(second * 0.1) for second in range(100)]
    assert admitted[:LINES_AT_FIRST] == [0] * LINES_AT_FIRST
    assert set(admitted[LINES_AT_FIRST:]) == {None}
    assert limit.admit(10.0 + LINE_INTERVAL_S) == 100 - LINES_AT_FIRST
    assert limit.admit(10.1 + LINE_INTERVAL_S) is None
