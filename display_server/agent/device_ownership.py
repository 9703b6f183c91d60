"""Decides which device displays the desktop: opening the desktop on another device moves it there. Pure."""

from __future__ import annotations

from collections.abc import Collection

#: The device that sets the monitors' sizes loses that role when it is away for longer than this, s.
AWAY_MAX_S = 10.0


class DeviceOwnership:
    """A device is a signed-in browser; all its windows belong together.

    One device owns the desktop, and the windows of other devices are disconnected. With `share`, every device
    may display the desktop. One device at a time sets the sizes: its windows give the monitors their sizes,
    while other devices show the monitors as they are.
    """

    def __init__(self, *, share: bool) -> None:
        self._share = share
        self._owner: str | None = None
        self._owner_name = ""
        self._sizing: str | None = None
        self._sizing_away_since_s: float | None = None

    def claim(
        self, device: str, name: str, connected: Collection[str], *, resume: bool, share: bool | None = None
    ) -> bool:
        """Makes this device the owner, and returns whether it may display the desktop.

        `connected` are the devices that display the desktop now. `share` says whether the policy of this
        device shares the desktop with others; None leaves it as it is. A device that reconnects by itself,
        with `resume`, takes nothing from a device that opened the desktop meanwhile: otherwise two devices
        would take the desktop from each other for ever.
        """
        if resume and not self.may_display(device):
            return False
        self._owner, self._owner_name = device, name
        if share is not None:
            self._share = share
        if not self._share or self._sizing is None or (self._sizing not in connected and not resume):
            self._sizing = device
        return True

    def use_share(self, device: str, *, share: bool) -> None:
        """Changes whether other devices may display the desktop, if this device owns it."""
        if device == self._owner:
            self._share = share

    def may_display(self, device: str) -> bool:
        """Returns whether this device may display the desktop, even if it has no connection at the moment."""
        return self._share or self._owner in (None, device)

    def sets_sizes(self, device: str) -> bool:
        """Returns whether the windows of this device give the monitors their sizes."""
        return self._sizing == device

    def on_second(self, connected: Collection[str], now_s: float) -> bool:
        """Called once per second. Returns whether another device sets the sizes from now on.

        That is the case when the device that did so was away for too long.
        """
        if self._sizing in connected or not connected:
            self._sizing_away_since_s = None
            return False
        if self._sizing_away_since_s is None:
            self._sizing_away_since_s = now_s
        if now_s - self._sizing_away_since_s < AWAY_MAX_S:
            return False
        self._sizing, self._sizing_away_since_s = next(iter(connected)), None
        return True

    @property
    def owner(self) -> str | None:
        """The device that opened the desktop last; None before any did."""
        return self._owner

    @property
    def owner_name(self) -> str:
        """What the person calls the owning device, to be shown on other devices."""
        return self._owner_name
