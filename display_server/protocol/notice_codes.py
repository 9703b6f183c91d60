"""Codes of the `notice` message (PROTOCOL.md §2)."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class NoticeCode(StrEnum):
    """Why the agent sends the person a message."""

    #: The viewer pasted something that the clipboard policy forbids; the content was dropped.
    CLIPBOARD_DENIED = "clipboard-denied"
    #: The X server does not accept input at the moment.
    INPUT_FAILED = "input-failed"
    #: Input arrived too late and was dropped, so that it does not take effect on another picture.
    INPUT_LOST = "input-lost"
    #: A `layout` message could not be applied; the monitors stay as they were.
    LAYOUT_REFUSED = "layout-refused"
    #: The broker has a message for the person, which the page asks for. Nothing of it comes from the agent.
    MESSAGE_WAITING = "message-waiting"
    #: The desktop's layout has no key for a modifier that the person holds; keys pressed with it are dropped.
    MODIFIER_MISSING = "modifier-missing"
    #: The windows of a monitor that `gather` named were moved to this viewer's monitor.
    WINDOWS_GATHERED = "windows-gathered"
    #: The monitor that this viewer shows was removed; the connection closes with MONITOR_REMOVED.
    MONITOR_REMOVED = "monitor-gone"
