"""How the facts of an enrolled device are kept in its row."""

from __future__ import annotations

from display_server.broker.devices.device_facts import DeviceFacts, read_tags
from display_server.broker.tables import EnrolledDevice


def facts_of(row: EnrolledDevice | None) -> DeviceFacts | None:
    """Returns what is known of a device; None unless it is enrolled and not revoked."""
    return described(row) if row is not None and row.revoked_s is None else None


def described(row: EnrolledDevice) -> DeviceFacts:
    """Returns what is known of a device, also of a revoked one."""
    return DeviceFacts(row.id, row.name, row.place, read_tags(row.tags))
