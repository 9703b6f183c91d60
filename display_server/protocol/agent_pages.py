"""Pages on the agent's Unix socket, for the broker (PROTOCOL.md §14)."""

from __future__ import annotations

import msgspec

#: The page that lists the devices which displayed the desktop, as a JSON array of `DeviceReport`.
DEVICES_PATH = "/devices"
#: Reading this page makes all viewers ask the broker for messages to the person.
MESSAGE_PATH = "/message"
#: Reading this page with the headers of a device and of a policy replaces the policy of its viewers.
POLICY_PATH = "/policy"


class DeviceReport(msgspec.Struct, frozen=True):
    """One device. Ages are in seconds, and null if it never happened."""

    device: str
    input_age_s: float | None  # since the person there last used keys, pointer or touch
    lost_age_s: float | None  # since another device took the desktop; null while this one may display it
