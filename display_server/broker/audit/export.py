"""The forms in which the audit leaves Lightbox: JSON Lines and syslog. Pure."""

from __future__ import annotations

import dataclasses
import json

from display_server.broker.audit.chain import Row
from display_server.broker.audit.entry import Outcome
from display_server.broker.audit.verification import time_text
from display_server.telemetry import syslog


def json_line(row: Row) -> str:
    """Returns a row with all its columns, from which anybody can compute its hash again."""
    return json.dumps(dataclasses.asdict(row), ensure_ascii=False)


def syslog_line(row: Row) -> str:
    """Returns a row as a message of RFC 5424."""
    severity = syslog.NOTICE if row.outcome == Outcome.DONE.value else syslog.WARNING
    return syslog.message(json_line(row), message_id=row.action, at_us=row.at_us, severity=severity).decode()


def text_line(row: Row) -> str:
    """Returns a row for people."""
    parts = [str(row.seq), time_text(row.at_us), row.account or "-", row.action]
    if row.outcome != Outcome.DONE.value:
        parts.append(row.outcome)
    parts += [part for part in (row.object, row.address, row.reason) if part]
    if row.role != "user":
        parts.append(f"({row.role})")
    return "  ".join(parts)
