"""What a token of the administration API may be used for. Pure."""

from __future__ import annotations

from enum import Enum


class Scope(Enum):
    """A part of the administration API. The values are stored, and people type them.

    Those that end with `.read` change nothing.
    """

    OVERVIEW_READ = "overview.read"
    POOLS_READ = "pools.read"
    POOLS_ACT = "pools.act"
    SESSIONS_READ = "sessions.read"
    SESSIONS_ACT = "sessions.act"
    PEOPLE_READ = "people.read"
    PEOPLE_WRITE = "people.write"
    GROUPS_READ = "groups.read"
    GROUPS_WRITE = "groups.write"
    ENTITLEMENTS_READ = "entitlements.read"
    ENTITLEMENTS_WRITE = "entitlements.write"
    ROLES_READ = "roles.read"
    ROLES_WRITE = "roles.write"
    DEVICES_READ = "devices.read"
    DEVICES_WRITE = "devices.write"
    POLICIES_READ = "policies.read"
    POLICIES_WRITE = "policies.write"
    AUDIT_READ = "audit.read"
    HEALTH_READ = "health.read"
    USE_READ = "use.read"
    TOKENS_READ = "tokens.read"
    TOKENS_WRITE = "tokens.write"  # for people alone: a token makes no other one

    @property
    def reads(self) -> bool:
        """Whether nothing in this scope changes anything."""
        return self.value.endswith(".read")


#: Scopes that no token has.
FOR_PEOPLE = frozenset({Scope.TOKENS_WRITE})
