"""Logs are lines of JSON; a line that cannot be written is dropped."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterator

import pytest
import structlog

from display_server.telemetry.logs import LossyStream, configure_logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_logs_are_lines_of_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTBOX_LOG_LEVEL", "warning")
    configure_logs("agent")
    structlog.get_logger().info("not this")
    structlog.get_logger().warning("this", tiles=3)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["tiles"], line["level"], line["process"]) == ("this", 3, "warning", "agent")


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_full_disk_loses_only_lines() -> None:
    stream = LossyStream(FullDisk())
    assert stream.write("line\n") == 5
    stream.flush()
    assert stream.lost == 2
