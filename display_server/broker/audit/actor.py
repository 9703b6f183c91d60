"""Who acts, as the audit names them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from display_server.broker.audit.entry import Action, AuditEntry, Origin, Role

#: Who acts when no person and no operator does: the server itself, as for the demo account.
SERVER = "lightbox"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: a person, an operator, a token (`token:NAME`), or the server itself.

    `address` and `device` say where a request comes from, as far as that is known.
    """

    name: str
    address: str | None = None
    device: str | None = None
    role: Role = Role.USER

    @property
    def origin(self) -> Origin:
        return Origin(self.address or None, self.device)

    def entry(self, at_s: float, action: Action, target: str, reason: str) -> AuditEntry:
        """Returns the entry of an act that was done to `target`, as `badge:7`."""
        return AuditEntry(
            at_s,
            action,
            account=self.name,
            role=self.role,
            address=self.address or None,
            device=self.device,
            object=target,
            reason=reason,
        )


def operator_actor(operator: str) -> Actor:
    """Returns the Unix user who runs a command, or the server itself."""
    return Actor(operator, role=Role.SERVER if operator == SERVER else Role.OPERATOR)
