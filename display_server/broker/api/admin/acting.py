"""Who uses the administration API, and what they may do with the present route."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from display_server.broker.api.admin.errors import no_role, no_scope, not_permitted, out_of_scope
from display_server.broker.api.admin.routes import Route
from display_server.broker.api_tokens import TokenInfo
from display_server.broker.audit import entry as audit
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Origin
from display_server.broker.people.role_assignments import Standing
from display_server.broker.roles import READS, Assignment, Limits, Role, Target, limits_of, role_for

#: What a token that an operator created may do within its scopes. One of a person may what the person may.
OF_OPERATOR = (Assignment(Role.ADMINISTRATOR),)


@dataclass(frozen=True, slots=True)
class Acting:
    """A person with a role, or a program with a token, at one route."""

    route: Route
    username: str  # of the person, or of the person who created the token; empty for an operator's token
    display_name: str
    roles: tuple[Assignment, ...]
    origin: Origin
    token: TokenInfo | None = None
    web_session: bytes | None = None  # the hash of the browser's cookie

    def require_route(self) -> None:
        """Raises ApiError unless the route is open to somebody with these roles, and to this token."""
        route, token = self.route, self.token
        if token is not None and not token.opens(route.scope, changes=route.changes):
            raise no_scope(route)
        able = bool(self.roles) if route.act is None else self.limits is not None
        if not able:
            raise no_role(route)

    @property
    def limits(self) -> Limits | None:
        """To whose objects the act of this route extends, besides one's own; None: to nobody's."""
        assert self.route.act is not None
        return limits_of(self.roles, self.route.act)

    def may(self, target: Target) -> bool:
        """Returns whether the act of this route may be done to an object. Lists leave out what it may not."""
        return self._role_for(target) is not None

    def require(self, target: Target, what: str = "object") -> None:
        """Raises ApiError unless the act of this route may be done to an object; `what` is its kind."""
        if self.may(target):
            return
        # What somebody may read but not change is no secret to them.
        seen = target.owner == self.username or target.privileged
        raise not_permitted() if seen and self._reads(target) else out_of_scope(what)

    def require_system(self) -> None:
        """Raises ApiError unless the act extends to what belongs to nobody, such as the audit."""
        if not self.may(Target()):
            raise no_role(self.route)

    def actor(self, target: Target = Target()) -> Actor:  # noqa: B008 - frozen
        """Returns how the audit names this act: who, where, and in which role."""
        if self.token is not None:
            return Actor(self.token.audit_name, self.origin.address, None, audit.Role.TOKEN)
        role = self._role_for(target) or next((one.role for one in self.roles), Role.USER)
        return Actor(self.username, self.origin.address, self.origin.device, audit.Role(role.value))

    def sees_group(self, name: str, containing: Collection[str]) -> bool:
        """Returns whether the act extends to a group, which the groups in `containing` contain."""
        return self.may(Target(groups={name, *containing}))

    def _role_for(self, target: Target) -> Role | None:
        assert self.route.act is not None
        return role_for(self.username, self.roles, self.route.act, target)

    def _reads(self, target: Target) -> bool:
        """Returns whether these roles let somebody read something of the owner."""
        return any(role_for(self.username, self.roles, act, target) for act in READS)


def target_of(username: str | None, standing: Standing, desktop: str | None = None) -> Target:
    """Returns a person, or with `desktop` a session of theirs, as what an act is done to."""
    return Target(username, standing.groups, desktop, standing.privileged)
