"""Which device has the desktop: opening it on another one moves it there. Pure."""

from __future__ import annotations

#: Close code: another device has the desktop.
MOVED = 4409


class Holder:
    """A device is a signed-in browser; all its windows belong together. With `share` nobody is sent away."""

    def __init__(self, *, share: bool) -> None:
        self._share = share
        self._device: str | None = None
        self._name = ""

    def arrived(self, device: str, name: str, *, resume: bool) -> bool:
        """Whether it may show the desktop, which is then its own.

        One that comes back by itself after a loss takes nothing from a device that was opened meanwhile:
        else two devices would take the desktop from each other for ever.
        """
        if resume and not self.has(device):
            return False
        self._device, self._name = device, name
        return True

    def has(self, device: str) -> bool:
        """Also while it has no viewer: it may only be out of reach."""
        return self._share or self._device in (None, device)

    @property
    def name(self) -> str:
        """What to call the device that has it, for the person at another one."""
        return self._name
