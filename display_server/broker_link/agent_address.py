"""Where and how the broker reaches the agent of a desktop, for itself and for the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from display_server.desktop.spec import DesktopSpec


@dataclass(frozen=True, slots=True)
class AgentAddress:
    """The Unix sockets of an agent, the secret that it expects, and the labels for its metrics."""

    session: str
    desktop: str
    socket: Path
    host_socket: Path
    secret: str = field(repr=False)

    @classmethod
    def of(cls, spec: DesktopSpec) -> AgentAddress:
        return cls(spec.session, spec.desktop, spec.socket, spec.host_socket, spec.secret)
