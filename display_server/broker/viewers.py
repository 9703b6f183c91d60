"""The viewers that gateways have connected, and how to disconnect them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from display_server.broker.change_signal import ChangeSignal
from display_server.broker_link.messages import OpenViewer

#: Disconnects viewers of one gateway. The argument is their names.
DisconnectViewers = Callable[[list[str]], None]


@dataclass(frozen=True, slots=True)
class _Entry:
    viewer: OpenViewer
    disconnect: DisconnectViewers


class Viewers:
    """All open viewers, of all gateways."""

    def __init__(self) -> None:
        self._open: dict[str, _Entry] = {}
        #: Emitted whenever a viewer is added or removed.
        self.changed = ChangeSignal()

    def add(self, viewer: OpenViewer, disconnect: DisconnectViewers) -> None:
        """Adds a viewer. `disconnect` belongs to its gateway."""
        self._open[viewer.viewer] = _Entry(viewer, disconnect)
        self.changed.emit()

    def remove(self, viewer: str) -> None:
        """Forgets a viewer, which is no longer connected. Does nothing if it is not known."""
        if self._open.pop(viewer, None) is not None:
            self.changed.emit()

    @property
    def open(self) -> list[OpenViewer]:
        return [entry.viewer for entry in self._open.values()]

    def count_of(self, username: str) -> int:
        """Returns how many viewers of a person are open."""
        return sum(entry.viewer.username == username for entry in self._open.values())

    def disconnect_web_session(self, id_hash: bytes) -> int:
        """Disconnects the viewers of a web session that has ended or is locked, and returns their number.

        The argument is its hash.
        """
        return self._disconnect(entry for entry in self._all() if entry.viewer.web_session == id_hash.hex())

    def disconnect_viewer(self, viewer: str) -> None:
        """Disconnects one viewer, by its name."""
        self._disconnect(entry for entry in self._all() if entry.viewer.viewer == viewer)

    def disconnect_session(self, session: str) -> None:
        """Disconnects the viewers of a desktop session."""
        self._disconnect(entry for entry in self._all() if entry.viewer.session == session)

    def disconnect_person(self, username: str) -> int:
        """Disconnects all viewers of a person and returns how many there were."""
        return self._disconnect(entry for entry in self._all() if entry.viewer.username == username)

    def _all(self) -> list[_Entry]:
        return list(self._open.values())

    def _disconnect(self, entries: Iterable[_Entry]) -> int:
        """Asks the gateways to disconnect viewers, which count as disconnected from now on."""
        by_gateway: dict[DisconnectViewers, list[str]] = {}
        for entry in entries:
            by_gateway.setdefault(entry.disconnect, []).append(entry.viewer.viewer)
            self.remove(entry.viewer.viewer)
        for disconnect, names in by_gateway.items():
            disconnect(names)
        return sum(len(names) for names in by_gateway.values())
