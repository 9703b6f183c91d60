"""The messages that a gateway and its broker exchange over their link, one JSON object per line. Pure.

The gateway opens the link and sends `Hello` first. For each viewer it asks the broker once (`Admit`), and
reports its end (`ViewerClosed`). It also asks whose connections it has (`Identify`). The broker sends the
gateway's settings, and disconnects viewers whose right to display a desktop has ended. Both send `Alive` at
an interval (`silence.py`). PROTOCOL.md does not describe these messages: both ends are always of one version.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from display_server.desktop.session_policy import SessionPolicy
from display_server.desktop.video_settings import VideoNetworkSettings

#: Longest message, bytes. The longest is a `Hello` with all viewers of a gateway.
LINE_MAX_BYTES = 1024 * 1024
#: A SHA-256 in hexadecimal.
Hash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base class of all messages."""


class OpenViewer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A viewer that a gateway has connected to its agent, or is about to."""

    viewer: str
    username: str
    web_session: Hash  # of the web session's secret
    session: str  # id of the desktop session


class Alive(Message, frozen=True, tag="alive"):
    """A sign of life, for when there is nothing else to say. Every other message is one, too."""


class Hello(Message, frozen=True, tag="hello"):
    """The first message of a gateway: the viewers that were admitted over an earlier link."""

    viewers: list[OpenViewer] = []


class Identify(Message, frozen=True, tag="identify"):
    """Asks whose browser this is. `request` is repeated in the answer."""

    request: int
    web_session: Hash  # of the browser's cookie


class Identified(Message, frozen=True, tag="identified"):
    """The person who is signed in in a browser, or None."""

    request: int
    username: str | None


class Admit(Message, frozen=True, tag="admit"):
    """Asks whether a viewer may connect, and to which agent. `request` is repeated in the answer."""

    request: int
    viewer: str
    ticket: str
    web_session: Hash  # of the browser's cookie


class ViewerClosed(Message, frozen=True, tag="viewer-closed"):
    """A viewer for which the gateway had asked is no longer connected."""

    viewer: str


class SettingsApplied(Message, frozen=True, tag="settings-applied"):
    """The gateway uses the settings with this serial number, or could not (then its log says why)."""

    serial: int


class Admitted(Message, frozen=True, tag="admitted"):
    """The viewer may connect to its agent, which expects `secret`.

    The gateway fetches the connections themselves (`agent_connections.py`).
    `policy` is what the viewer may do there; None: what the desktop allows all viewers.
    """

    request: int
    viewer: OpenViewer
    secret: str
    policy: SessionPolicy | None = None

    def __repr__(self) -> str:
        return f"Admitted({self.request}, {self.viewer})"  # a log must not contain the secret


class Rejected(Message, frozen=True, tag="rejected"):
    """The viewer may not connect. `label` is the reason in metrics and logs, `reason` that for the person."""

    request: int
    code: int  # close code of the WebSocket
    label: str
    reason: str


class Disconnect(Message, frozen=True, tag="disconnect"):
    """These viewers may no longer display their desktops."""

    viewers: list[str]


class ConnectionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The largest numbers of open connections. Each takes about 100 KB, and up to three descriptors."""

    connections: int = 1024  # of a gateway, viewers included
    reserved: int = 256  # those of them that strangers cannot take
    per_address: int = 64  # of strangers with the same address
    per_person: int = 128
    per_device: int = 48  # of one signed-in browser


class GatewaySettings(Message, frozen=True, tag="settings"):
    """What a gateway needs of the configuration. The broker has checked all of it."""

    serial: int
    names: list[str]  # by which browsers may reach the gateway
    public_url: str | None
    trusted_proxies: list[str]
    shared_networks: list[str]  # whose addresses many people share
    permissions: list[str]
    frame_ancestors: list[str]
    cross_site_cookies: bool
    certificate: str  # the certificate chain, as PEM: a gateway opens no file of the broker
    key: str  # its private key, as PEM
    root_pem: str | None  # root certificate of the local authority; None with the operator's certificate
    video: VideoNetworkSettings
    limits: ConnectionLimits

    def __repr__(self) -> str:
        return f"GatewaySettings({self.serial})"  # a log must not contain the key


ToBroker = Hello | Identify | Admit | ViewerClosed | SettingsApplied | Alive
ToGateway = GatewaySettings | Identified | Admitted | Rejected | Disconnect | Alive
