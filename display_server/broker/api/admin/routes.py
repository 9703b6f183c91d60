"""The table of the administration API: each route with its scope, and what the roles have to allow. Pure.

A route that is not in the table cannot be registered (`registration.py`), and the matrix of who may use
which route (`tests/unit/gateway/test_admin_matrix.py`) is generated from it. Which roles may do an act, and
to whose objects, is in `broker/roles.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from display_server.broker.roles import RIGHTS, Act, Role, Whose
from display_server.broker.scopes import Scope


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `path` is below ADMIN_PREFIX, with its parameters in braces.

    `scope` is what a token needs; None: any token may use it. `act` is what the roles have to allow; None:
    whoever has any role may use it.
    """

    method: str
    path: str
    scope: Scope | None
    act: Act | None

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that may use the route for what belongs to others, within their scope."""
        if self.act is None:
            return frozenset(Role) - {Role.USER}
        return frozenset(role for role, allowed in RIGHTS[self.act].items() if Whose.IN_SCOPE in allowed)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


#: Everything that the administration API offers.
ROUTES = (
    Route("GET", "me", None, None),
    Route("GET", "events", Scope.OVERVIEW_READ, Act.SESSION_LIST),
    Route("GET", "overview", Scope.OVERVIEW_READ, Act.SESSION_LIST),
    # pools
    Route("GET", "pools", Scope.POOLS_READ, Act.POOL_READ),
    Route("GET", "pools/{name}", Scope.POOLS_READ, Act.POOL_READ),
    Route("POST", "pools/{name}/maintenance", Scope.POOLS_ACT, Act.POOL_CHANGE),
    Route("POST", "pools/{name}/retry", Scope.POOLS_ACT, Act.POOL_CHANGE),
    Route("GET", "pools/{name}/assignments", Scope.POOLS_READ, Act.POOL_READ),
    Route("POST", "pools/{name}/assign", Scope.POOLS_ACT, Act.POOL_CHANGE),
    Route("POST", "pools/{name}/release", Scope.POOLS_ACT, Act.POOL_CHANGE),
    Route("POST", "pools/{name}/recompose", Scope.POOLS_ACT, Act.POOL_CHANGE),
    Route("POST", "pools/{name}/rollback", Scope.POOLS_ACT, Act.POOL_CHANGE),
    # sessions
    Route("GET", "sessions", Scope.SESSIONS_READ, Act.SESSION_LIST),
    Route("GET", "sessions/{id}", Scope.SESSIONS_READ, Act.SESSION_LIST),
    Route("POST", "sessions/{id}/end", Scope.SESSIONS_ACT, Act.DESKTOP_END),
    Route("POST", "sessions/{id}/restart", Scope.SESSIONS_ACT, Act.DESKTOP_RESTART_DISPLAY),
    Route("POST", "sessions/{id}/message", Scope.SESSIONS_ACT, Act.SESSION_MESSAGE),
    # people
    Route("GET", "people", Scope.PEOPLE_READ, Act.ACCOUNT_READ),
    Route("GET", "people/{name}", Scope.PEOPLE_READ, Act.ACCOUNT_READ),
    Route("POST", "people", Scope.PEOPLE_WRITE, Act.ACCOUNT_CHANGE),
    Route("POST", "people/{name}/disable", Scope.PEOPLE_WRITE, Act.ACCOUNT_CHANGE),
    Route("POST", "people/{name}/enable", Scope.PEOPLE_WRITE, Act.ACCOUNT_CHANGE),
    Route("POST", "people/{name}/sign-out", Scope.PEOPLE_WRITE, Act.SESSION_SIGN_OUT),
    Route("POST", "people/{name}/reset-password", Scope.PEOPLE_WRITE, Act.ACCOUNT_CHANGE),
    Route("POST", "people/{name}/reset-second-factor", Scope.PEOPLE_WRITE, Act.FACTOR_RESET),
    # groups
    Route("GET", "groups", Scope.GROUPS_READ, Act.GROUP_READ),
    Route("GET", "groups/{name}", Scope.GROUPS_READ, Act.GROUP_READ),
    Route("POST", "groups", Scope.GROUPS_WRITE, Act.GROUP_CHANGE),
    Route("DELETE", "groups/{name}", Scope.GROUPS_WRITE, Act.GROUP_CHANGE),
    Route("POST", "groups/{name}/members", Scope.GROUPS_WRITE, Act.GROUP_CHANGE),
    Route("DELETE", "groups/{name}/members/{member}", Scope.GROUPS_WRITE, Act.GROUP_CHANGE),
    # entitlements
    Route("GET", "entitlements", Scope.ENTITLEMENTS_READ, Act.ENTITLEMENT_READ),
    Route("POST", "entitlements", Scope.ENTITLEMENTS_WRITE, Act.ENTITLEMENT_CHANGE),
    Route("DELETE", "entitlements/{id}", Scope.ENTITLEMENTS_WRITE, Act.ENTITLEMENT_CHANGE),
    Route("GET", "why", Scope.ENTITLEMENTS_READ, Act.ENTITLEMENT_READ),
    # roles
    Route("GET", "roles", Scope.ROLES_READ, Act.ROLE_READ),
    Route("POST", "roles", Scope.ROLES_WRITE, Act.ROLE_CHANGE),
    Route("DELETE", "roles/{id}", Scope.ROLES_WRITE, Act.ROLE_CHANGE),
    # policies; `keys` and `effective` are no names of policies here, because they only have GET
    Route("GET", "policies", Scope.POLICIES_READ, Act.POLICY_READ),
    Route("GET", "policies/keys", Scope.POLICIES_READ, Act.POLICY_READ),
    Route("GET", "policies/effective", Scope.POLICIES_READ, Act.POLICY_RESOLVE),
    Route("PUT", "policies/{id}", Scope.POLICIES_WRITE, Act.POLICY_CHANGE),
    Route("DELETE", "policies/{id}", Scope.POLICIES_WRITE, Act.POLICY_CHANGE),
    # devices
    Route("GET", "devices", Scope.DEVICES_READ, Act.DEVICE_READ),
    Route("POST", "devices", Scope.DEVICES_WRITE, Act.DEVICE_CHANGE),
    Route("POST", "devices/{id}/change", Scope.DEVICES_WRITE, Act.DEVICE_CHANGE),
    Route("POST", "devices/{id}/revoke", Scope.DEVICES_WRITE, Act.DEVICE_CHANGE),
    # audit: nothing here changes it
    Route("GET", "audit", Scope.AUDIT_READ, Act.AUDIT_READ),
    Route("GET", "audit/verification", Scope.AUDIT_READ, Act.AUDIT_VERIFY),
    # the system
    Route("GET", "health", Scope.HEALTH_READ, Act.HEALTH_READ),
    Route("GET", "use", Scope.USE_READ, Act.HEALTH_READ),
    # tokens
    Route("GET", "tokens", Scope.TOKENS_READ, Act.TOKEN_READ),
    Route("POST", "tokens", Scope.TOKENS_WRITE, Act.TOKEN_CHANGE),
    Route("DELETE", "tokens/{id}", Scope.TOKENS_WRITE, Act.TOKEN_CHANGE),
)
#: The same by method and path.
BY_ADDRESS: Mapping[tuple[str, str], Route] = {(route.method, route.path): route for route in ROUTES}
