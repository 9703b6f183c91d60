"""Says for how long cached passwords of people count, by the policies that are in force."""

from __future__ import annotations

from display_server.broker.policy.policies import Policies
from display_server.broker.policy.session_values import cached_sign_in_s
from display_server.broker.policy.values import number_or_none

KEY = "cached_sign_in_hours"


class CachedSignInByPolicy:
    """A CachedSignInPolicy."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    async def valid_s(self, username: str) -> float | None:
        if not self._policies.sets(KEY):
            return None
        effective = await self._policies.effective(username)
        return cached_sign_in_s(effective) if effective.from_policy(KEY) else None

    def longest_s(self) -> float:
        return (
            max((number_or_none(value) or 0.0 for value in self._policies.values_of(KEY)), default=0.0) * 3600
        )
