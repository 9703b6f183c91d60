"""The broker's Unix sockets for gateways, which processes of one Unix user alone reach.

Where the gateway runs as another user than the broker, the sockets are in a folder of their own: it may enter
nothing else of the broker's. An access control list admits its user, so that broker and gateway need no group
in common.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
from pathlib import Path

from display_server.broker_link.unix_sockets import listen_privately, peer_uid
from display_server.errors import ConfigurationError
from display_server.spawner.access import admit

#: For requests, for the links of gateways, and for connections to agents.
REQUESTS_SOCKET, LINKS_SOCKET, AGENTS_SOCKET = "broker.sock", "gateways.sock", "agents.sock"
#: Rights of the gateway's user (access control lists): to enter the folder, and to connect.
_ENTER, _CONNECT = 1, 6


class GatewaySockets:
    """Where the sockets are, and as whom gateways run; by default as the user of this process."""

    def __init__(self, folder: Path, gateway_uid: int | None = None) -> None:
        self.folder = folder
        self.gateway_uid = os.geteuid() if gateway_uid is None else gateway_uid

    @property
    def requests(self) -> Path:
        return self.folder / REQUESTS_SOCKET

    @property
    def links(self) -> Path:
        return self.folder / LINKS_SOCKET

    @property
    def agents(self) -> Path:
        return self.folder / AGENTS_SOCKET

    def open_folder(self) -> None:
        """Admits the gateway's user to the folder. Root creates it; for others `provide_folder` has done so.

        The broker calls it before it listens. Raises ConfigurationError.
        """
        if self.gateway_uid == os.geteuid():
            return
        try:
            if os.geteuid() == 0:
                provide_folder(self.folder, 0)
            _require_folder_of(self.folder, os.geteuid())
            self.folder.chmod(0o700)
            admit(self.folder, self.gateway_uid, _ENTER)
        except OSError as error:
            raise ConfigurationError(
                f"The folder {self.folder}, in which the gateway reaches the broker, cannot be used: "
                f"{error.strerror}.",
                hint="The spawner creates it, in a memory file system with access control lists. Start it "
                "again (systemctl restart lightbox-spawner); desktops go on.",
            ) from error

    def listen(self, path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        """Returns a socket that listens at one of the paths. Raises OSError."""
        listening = listen_privately(path, kind)
        if self.gateway_uid != os.geteuid():
            admit(path, self.gateway_uid, _CONNECT)
        return listening

    def refused_uid(self, connection: socket.socket) -> int | None:
        """Returns the user id of a peer that is no gateway, or None for a gateway."""
        uid = peer_uid(connection)
        return None if uid == self.gateway_uid else uid

    def remove_folder(self) -> None:
        """Removes the folder if root has created it for another user."""
        if os.geteuid() == 0 and self.gateway_uid != 0:
            shutil.rmtree(self.folder, ignore_errors=True)


def provide_folder(folder: Path, uid: int) -> None:
    """Creates the folder for a broker of this user, as root. Raises ConfigurationError and OSError."""
    if not folder.parent.is_dir():
        folder.parent.mkdir(exist_ok=True)
        folder.parent.chmod(0o711)
    if not folder.is_symlink() and not folder.exists():
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, -1)
    _require_folder_of(folder, uid)


def _require_folder_of(folder: Path, uid: int) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid:
        raise ConfigurationError(
            f"The folder {folder}, in which the gateway reaches the broker, belongs to another user.",
            hint="Remove it while no server runs. The spawner, or a server that is root, creates it again.",
        )
