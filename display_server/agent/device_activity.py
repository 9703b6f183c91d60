"""When each device last gave input to the desktop, and when it lost the desktop to another device. Pure.

The gateway asks for it and locks the screens of devices where nobody is any more. Times are monotonic, in
seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from display_server.protocol.agent_pages import DeviceReport

#: Devices that are remembered; the one that did nothing for longest is forgotten.
DEVICES_MAX = 256


@dataclass(slots=True)
class _Device:
    input_s: float | None = None
    lost_s: float | None = None


class DeviceActivity:
    """What is known of all devices that displayed this desktop."""

    def __init__(self) -> None:
        self._devices: OrderedDict[str, _Device] = OrderedDict()

    def on_input(self, device: str, now_s: float) -> None:
        self._of(device).input_s = now_s

    def on_displayed(self, device: str) -> None:
        """The device displays the desktop, or does so again."""
        self._of(device).lost_s = None

    def on_lost(self, device: str, now_s: float) -> None:
        """Another device displays the desktop now. The first loss counts until the device has it again."""
        known = self._of(device)
        if known.lost_s is None:
            known.lost_s = now_s

    def reports(self, now_s: float) -> list[DeviceReport]:
        def age(at_s: float | None) -> float | None:
            return None if at_s is None else round(max(0.0, now_s - at_s), 3)

        return [
            DeviceReport(name, age(known.input_s), age(known.lost_s)) for name, known in self._devices.items()
        ]

    def _of(self, device: str) -> _Device:
        known = self._devices.setdefault(device, _Device())
        self._devices.move_to_end(device)
        while len(self._devices) > DEVICES_MAX:
            self._devices.popitem(last=False)
        return known
