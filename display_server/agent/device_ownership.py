"""Which device has the desktop: opening it on another one moves it there. Pure."""

from __future__ import annotations

from collections.abc import Collection

#: A device that gives the monitors their size and is away for longer than this no longer does, s.
AWAY_S = 10.0


class DeviceOwnership:
    """A device is a signed-in browser; all its windows belong together. With `share` nobody is sent away.

    One device leads: its windows give the monitors their sizes, while others only look on.
    """

    def __init__(self, *, share: bool) -> None:
        self._share = share
        self._device: str | None = None
        self._name = ""
        self._leading: str | None = None
        self._away_since_s: float | None = None

    def arrived(self, device: str, name: str, present: Collection[str], *, resume: bool) -> bool:
        """Whether it may show the desktop, which is then its own. `present` are devices that show it now.

        One that comes back by itself after a loss takes nothing from a device that was opened meanwhile:
        else two devices would take the desktop from each other for ever.
        """
        if resume and not self.has(device):
            return False
        self._device, self._name = device, name
        if not self._share or self._leading is None or (self._leading not in present and not resume):
            self._leading = device
        return True

    def leads(self, device: str) -> bool:
        return self._leading == device

    def second(self, present: Collection[str], now_s: float) -> bool:
        """Once a second: whether another device leads now, for the one that did went away."""
        if self._leading in present or not present:
            self._away_since_s = None
            return False
        if self._away_since_s is None:
            self._away_since_s = now_s
        if now_s - self._away_since_s < AWAY_S:
            return False
        self._leading, self._away_since_s = next(iter(present)), None
        return True

    def has(self, device: str) -> bool:
        """Also while it has no viewer: it may only be out of reach."""
        return self._share or self._device in (None, device)

    @property
    def name(self) -> str:
        """What to call the device that has it, for the person at another one."""
        return self._name
