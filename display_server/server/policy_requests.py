"""Carries out what `lightbox policy` asks of this server process."""

from __future__ import annotations

import structlog

from display_server.broker.api.policy_checks import author_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.actor import operator_actor
from display_server.broker.policy.policy_rules import conditions_from
from display_server.broker.policy.resolution import Effective
from display_server.errors import LightboxError
from display_server.server.operator_requests import (
    Answer,
    PoliciesChanged,
    PoliciesReviewed,
    PolicyShown,
    PolicyValue,
    Refused,
    SetPolicy,
    ShowPolicy,
)

log = structlog.get_logger(__name__)


async def set_policy(services: BrokerServices, request: SetPolicy) -> Answer:
    """Stores a rule and puts it into force, unless its author could not work any more."""
    by = operator_actor(request.operator)
    try:
        author = None
        if request.author is not None:
            author = await author_of(services, request.author, request.address)
        await services.policies.put(
            request.name, conditions_from(request.conditions), request.values, by, author
        )
        log.info("policy set", policy=request.name, operator=request.operator)
        return PoliciesReviewed(await services.policy_watch.review())
    except LightboxError as error:
        return Refused(error.cause, error.next_step)


async def policies_changed(services: BrokerServices, request: PoliciesChanged) -> Answer:
    """Puts into force what a command has changed in the database."""
    log.info(f"policies changed: {request.action}", operator=request.operator)
    try:
        await services.policies.load()
        return PoliciesReviewed(await services.policy_watch.review())
    except LightboxError as error:
        return Refused(error.cause, error.next_step)


async def show_policy(services: BrokerServices, request: ShowPolicy) -> Answer:
    """Resolves a policy as it would apply now."""
    try:
        effective = await services.policies.effective(
            request.person, desktop=request.desktop, address=request.address, tags=frozenset(request.tags)
        )
    except LightboxError as error:
        return Refused(error.cause, error.next_step)
    return PolicyShown(values_of(effective))


def values_of(effective: Effective) -> list[PolicyValue]:
    """Returns a resolved policy as commands show it."""
    return [
        PolicyValue(
            found.key.name,
            list(found.value) if isinstance(found.value, tuple) else found.value,
            found.origin_in_words,
            dict(found.key.titles),
        )
        for found in effective.resolved.values()
    ]
