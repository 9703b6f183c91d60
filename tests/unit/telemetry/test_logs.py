"""Logs are JSON lines, and losing one is survived."""

from __future__ import annotations

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


def test_json_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTBOX_LOG_LEVEL", "warning")
    configure_logs("agent")
    structlog.get_logger().info("not this")
    structlog.get_logger().warning("this", tiles=3)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["tiles"], line["level"], line["process"]) == ("this", 3, "warning", "agent")


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError("no space left")

    def flush(self) -> None:
        raise OSError("no space left")


def test_full_disk() -> None:
    stream = LossyStream(FullDisk())
    assert stream.write("line") == 4
    stream.flush()
    assert stream.lost == 2
