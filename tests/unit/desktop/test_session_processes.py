from __future__ import annotations

import signal

import pytest

from display_server.desktop.session_processes import explain_exit


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended by itself (exit code 0)"),
        (3, "ended by itself (exit code 3)"),
        (-signal.SIGKILL, "was killed (SIGKILL), perhaps because the host ran out of memory"),
        (-signal.SIGTERM, "was stopped by somebody (SIGTERM)"),
        (-signal.SIGSEGV, "crashed (SIGSEGV)"),
    ],
)
def test_says_in_words_how_a_process_ended(code: int, words: str) -> None:
    assert explain_exit(code) == words
