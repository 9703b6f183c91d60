"""Tests how lines of logs are compared."""

from __future__ import annotations

import json

from tests.acceptance.log_lines import extra_lines


def line(event: str, viewer: str) -> str:
    return json.dumps({"event": event, "viewer": viewer})


def test_each_usual_line_accounts_for_one_line_of_its_event() -> None:
    usual = [line("viewer joined", "a"), line("viewer left", "a"), "Xvfb says something"]
    lines = [
        line("viewer joined", "b"),
        line("mismatch", "b"),
        line("viewer joined", "b"),
        "Xvfb says something",
        "Xvfb says something else",
        "7",
    ]
    assert extra_lines(lines, usual) == [lines[1], lines[2], lines[4], lines[5]]
