"""What policies say of a request of a browser: from where work is allowed, and the second factor."""

from __future__ import annotations

from dataclasses import replace

import structlog
from fastapi import Request

from display_server.broker.api.policy_watch import refused_network
from display_server.broker.api.request_facts import address_of, device_of_request
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.entry import Origin
from display_server.broker.devices.device_facts import DeviceTags, tags_of
from display_server.broker.policy.lock_out import Author
from display_server.broker.policy.policies import NO_TAGS
from display_server.broker.policy.resolution import Effective
from display_server.broker.policy.session_values import network_allowed, second_factor
from display_server.broker.second_factor.policy import SecondFactorSettings, may_enrol
from display_server.broker.storage_failures import StorageError
from display_server.broker.web_sessions import SignedInUser, device_of
from display_server.broker_link.api_error import ApiError
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)


async def effective_for(
    services: BrokerServices,
    request: Request,
    username: str,
    *,
    user: SignedInUser | None = None,
    desktop: str | None = None,
) -> Effective:
    """Returns the policy of a person at the address and the device of a request.

    `user` is the person if they are signed in: then the device is the one on which they have signed in.
    Raises StorageError.
    """
    tags = tags_of(user.device) if user is not None else await tags_here(services, request)
    return await services.policies.effective(
        username, desktop=desktop, address=address_of(request), tags=tags
    )


async def tags_here(services: BrokerServices, request: Request) -> DeviceTags:
    """Returns the tags of the enrolled device that sent a request, if any policy could need them.

    Raises StorageError.
    """
    if not any(rule.conditions.tag is not None for rule in services.policies.rules):
        return NO_TAGS
    return tags_of(await device_of_request(request, services.devices))


async def refuse_network(
    services: BrokerServices,
    request: Request,
    username: str,
    *,
    user: SignedInUser | None = None,
    desktop: str | None = None,
) -> None:
    """Raises ApiError if the person may not work at the address of the request.

    `user` is the person if they are signed in, `desktop` the one that they open.
    """
    if not services.policies.sets("allowed_networks"):
        return
    address = address_of(request)
    effective = await effective_for(services, request, username, user=user, desktop=desktop)
    if network_allowed(effective, services.policies.facts({}, address=address)):
        return
    policy = effective.resolved["allowed_networks"].origin_in_words
    log.warning("network not allowed", username=username, address=address, policy=policy)
    target = f"account:{username}" if desktop is None else f"desktop:{username}/{desktop}"
    origin = Origin(address, device_of(user.id_hash) if user is not None else None)
    await services.audit.close(
        refused_network(services.web_sessions.now_s(), username, origin, target, policy)
    )
    raise ApiError(
        403,
        "network-not-allowed",
        "Your administrator does not allow this from the network that you are in.",
        next_step="Use a computer of the hospital, or ask your administrator.",
    )


async def may_end(services: BrokerServices, request: Request, user: SignedInUser, desktop: str) -> bool:
    """Returns whether a person may end their own desktop, in order to start it anew."""
    try:
        effective = await effective_for(services, request, user.username, user=user, desktop=desktop)
        return bool(effective["restart_desktop"])
    except StorageError:
        return True  # ending a desktop closes access, which works without the database as well


async def factor_settings(
    services: BrokerServices, request: Request, username: str, *, user: SignedInUser | None = None
) -> SecondFactorSettings:
    """Returns who has to give a second factor, with what policies say of this person here."""
    if not services.policies.sets("second_factor"):
        return services.second_factor
    effective = await effective_for(services, request, username, user=user)
    if not effective.from_policy("second_factor"):
        return services.second_factor
    return replace(services.second_factor, when=second_factor(effective))


async def has_moved(services: BrokerServices, request: Request, user: SignedInUser) -> bool:
    """Returns whether a browser that signed in without a second factor is where that is not enough.

    A rule that requires one everywhere does not count: it applies from the next sign-in on.
    """
    if not user.inside_only:
        return False
    settings = await factor_settings(services, request, user.username, user=user)
    inside = settings.is_inside(address_of(request))
    if not services.policies.sets("second_factor"):
        return settings.when != "never" and not inside
    effective = await effective_for(services, request, user.username, user=user)
    rule = services.policies.rule(effective.resolved["second_factor"].rule)
    if rule is None or settings.when == "outside":
        return settings.when != "never" and not inside
    by_place = rule.conditions.network is not None or rule.conditions.tag is not None
    return settings.when == "always" and by_place


async def author_of(
    services: BrokerServices, username: str, address: str, tags: frozenset[str] = NO_TAGS
) -> Author:
    """Returns the person who changes a policy, as far as it matters for whether they lock themselves out.

    Raises ConfigurationError when there is no such account, and StorageError.
    """
    account = await services.accounts.find(username.lower())
    if account is None:
        raise ConfigurationError(
            f"There is no account named {username!r}.",
            hint="To see the accounts, run `lightbox account list`.",
        )
    groups = (await services.policies.groups_of([account.username])).get(account.username, {})
    settings = services.second_factor
    return Author(
        account.username,
        address,
        services.policies.facts(groups, address=address, tags=tags),
        inside=settings.is_inside(address),
        has_factor=(await services.factors.overview(account.id)).count > 0,
        may_enrol=may_enrol(address, settings),
    )
