"""What the server reads from its processes, one of which may have been taken over."""

from __future__ import annotations

import os

import pytest

from display_server.errors import ConfigurationError
from display_server.server.child_process import REPORT_MAX_BYTES, ChildProcess, Failed, Started


def child_that_wrote(data: bytes) -> ChildProcess:
    child = ChildProcess("gateway", lambda _: None)
    child._reports, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return child


@pytest.mark.parametrize(
    "data",
    [b"\n", b"\0", b"\xff\xfe\n", b"{}\n", b'{"type":"started"}\n', b'"\xff"', b"[" * (REPORT_MAX_BYTES - 1)],
)
def test_what_is_no_report_ends_the_reading(data: bytes) -> None:
    child = child_that_wrote(data)
    assert child.read_report() is None
    child.close()


def test_a_report_and_the_end() -> None:
    child = child_that_wrote(b'{"type":"started","facts":{"a":1}}\n')
    assert child.read_report() == Started({"a": 1})
    assert child.read_report() is None
    child.close()


def test_a_failure_keeps_its_next_step() -> None:
    failed = Failed.of(ConfigurationError("cause", hint="next step"))
    assert str(failed.error()) == str(ConfigurationError("cause", hint="next step"))
