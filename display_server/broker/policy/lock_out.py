"""Refuses a change of the policies after which its own author could not work any more. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from display_server.broker.policy.keys import KEYS, PolicyKeys
from display_server.broker.policy.resolution import ConfiguredValues, Facts, resolve
from display_server.broker.policy.rules import Rule
from display_server.broker.policy.session_values import network_allowed, second_factor
from display_server.errors import PolicyError


class LockedOutError(PolicyError):
    """The change would keep its author from signing in."""


@dataclass(frozen=True, slots=True)
class Author:
    """The person who changes a policy, at the address and the device from which they do it.

    `inside` says whether the address is in `sign_in.inside_networks`, and `may_enrol` whether a first factor
    may be set up there.
    """

    username: str
    address: str
    facts: Facts
    inside: bool
    has_factor: bool
    may_enrol: bool


def refuse_lock_out(
    rules: Iterable[Rule], author: Author, configured: ConfiguredValues, *, keys: PolicyKeys = KEYS
) -> None:
    """Raises LockedOutError if the author could not sign in where they are, under these rules."""
    effective = resolve(rules, author.facts, configured, keys=keys)
    if not network_allowed(effective, author.facts):
        found = effective.resolved["allowed_networks"]
        raise LockedOutError(
            f"This would lock you out: {found.origin_in_words} would allow {author.username} to work from "
            f"{', '.join(found.value) if isinstance(found.value, tuple) else found.value}, and your address "
            f"{author.address or '(unknown)'} is in none of these networks.",
            next_step="Add a network that has your address, or exempt yourself by a more specific policy.",
        )
    when = second_factor(effective)
    needed = when == "always" or (when == "outside" and not author.inside)
    if needed and not author.has_factor and not author.may_enrol:
        raise LockedOutError(
            f"This would lock you out: {effective.resolved['second_factor'].origin_in_words} would require a "
            f"second factor of {author.username}, who has none and may not set one up from this address.",
            next_step="Set up a second factor first (docs/second-factor.md), then try again.",
        )
