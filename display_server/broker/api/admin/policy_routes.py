"""Policies: the rules, and what applies to a person."""

from __future__ import annotations

from typing import Literal

from fastapi import Request
from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found, refused
from display_server.broker.api.admin.paging import (
    Body,
    Listed,
    Name,
    NamePath,
    NameQuery,
    OptionalQuery,
    Page,
    page_from,
    sure_time_text,
)
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.policy_checks import author_of, tags_here
from display_server.broker.api.request_facts import address_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.devices.device_facts import DeviceTags
from display_server.broker.people.role_assignments import read_standings
from display_server.broker.policy.keys import KEYS
from display_server.broker.policy.lock_out import Author, LockedOutError
from display_server.broker.policy.policies import NO_TAGS
from display_server.broker.policy.policy_rules import StoredRule, conditions_from
from display_server.broker.policy.values import Value
from display_server.broker.roles import Target

PlainValue = StrictBool | StrictInt | StrictFloat | StrictStr | list[StrictStr]
Condition = Literal["desktop", "group", "network", "tag"]


class PolicyEntry(BaseModel):
    """A policy, by its name `id`. It applies where all of its conditions hold; without any, everywhere."""

    id: str
    conditions: dict[str, str]
    values: dict[str, PlainValue]
    changed: str
    changed_by: str


class NewPolicy(Body):
    conditions: dict[Condition, Name] = Field(default_factory=dict)
    values: dict[Name, PlainValue]


class EffectiveValue(BaseModel):
    """The value of a key, and where it comes from: `policy NAME`, `configuration`, `profile` or `default`.

    `title` is the name of the key in English, `titles` that in each language.
    """

    key: str
    value: PlainValue
    origin: str
    title: str
    titles: dict[str, str]


class KeyEntry(BaseModel):
    """What policies can decide on. `form` says what to write, `conditions` which of them may be given."""

    key: str
    form: str
    default: PlainValue
    titles: dict[str, str]
    enforced: str
    conditions: list[str]


def add_policy_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "policies")
    async def list_policies(acting: ActingNow, page: Page) -> Listed[PolicyEntry]:
        acting.require_system()
        entries = [_entry(stored) for stored in await services.policies.stored.list_all()]
        text = page.q.lower()
        found = [one for one in entries if text in f"{one.id} {one.conditions} {one.values}".lower()]
        items, following, total = page_from(found, [one.id for one in found], page)
        return Listed(items=items, next=following, total=total)

    @admin.route("GET", "policies/keys")
    async def list_keys(acting: ActingNow) -> list[KeyEntry]:
        acting.require_system()
        return [
            KeyEntry(
                key=key.name,
                form=key.kind.form,
                default=_plain(key.default),
                titles=dict(key.titles),
                enforced=key.enforced.value,
                conditions=sorted(key.enforced.known),
            )
            for key in KEYS
        ]

    @admin.route("GET", "policies/effective")
    async def effective(
        acting: ActingNow,
        person: NameQuery,
        desktop: OptionalQuery = None,
        address: OptionalQuery = None,
        device: OptionalQuery = None,
    ) -> list[EffectiveValue]:
        """Resolves the policy of a person as it would apply now, at an address and on an enrolled device."""
        username = person.lower()
        async with services.store.reading() as db:
            standing = (await read_standings(db, [username]))[username]
        acting.require(Target(username, standing.groups, None, standing.privileged), "person")
        found = await services.policies.effective(
            username,
            desktop=desktop or None,
            address=address or "",
            tags=await _tags_of(services, device) if device else NO_TAGS,
        )
        return [
            EffectiveValue(
                key=one.key.name,
                value=_plain(one.value),
                origin=one.origin_in_words,
                title=one.key.titles["en"],
                titles=dict(one.key.titles),
            )
            for one in found.resolved.values()
        ]

    @admin.route("PUT", "policies/{id}")
    async def set_policy(id: NamePath, body: NewPolicy, acting: ActingNow, request: Request) -> PolicyEntry:  # noqa: A002 - the name in the path
        """Makes a policy, or replaces the whole of one. It is in force at once.

        One after which its own author could not sign in here any more is refused.
        """
        acting.require_system()
        conditions = conditions_from({str(kind): name for kind, name in body.conditions.items()})
        author = await _author(services, acting, request)
        try:
            await services.policies.put(id, conditions, body.values, acting.actor(), author)
        except LockedOutError as error:
            raise refused(error.cause, error.next_step) from error
        await services.policy_watch.review()
        return _entry(await services.policies.stored.find(id))

    @admin.route("DELETE", "policies/{id}", status=204)
    async def remove_policy(id: NamePath, acting: ActingNow, request: Request) -> None:  # noqa: A002 - the same
        """Removes a policy, at once. It is refused if it lets its author, and nobody else, sign in here."""
        acting.require_system()
        if services.policies.rule(id) is None:
            raise not_found("policy")
        author = await _author(services, acting, request)
        try:
            await services.policies.remove(id, acting.actor(), author)
        except LockedOutError as error:
            raise refused(error.cause, error.next_step) from error
        await services.policy_watch.review()


async def _tags_of(services: BrokerServices, device: str) -> DeviceTags:
    """Returns the tags of an enrolled device, by its id or name. Raises ApiError when there is none."""
    for listed in await services.devices.list_all():
        if device in (listed.facts.id, listed.facts.name):
            return listed.facts.tags
    raise not_found("device")


async def _author(services: BrokerServices, acting: Acting, request: Request) -> Author | None:
    """Returns the person who must be able to sign in afterwards; None for a program of an operator."""
    if not acting.username or acting.token is not None:
        return None  # a program does not sign in
    tags = await tags_here(services, request)
    return await author_of(services, acting.username, address_of(request), tags)


def _entry(stored: StoredRule) -> PolicyEntry:
    rule = stored.rule
    return PolicyEntry(
        id=rule.name,
        conditions=dict(rule.conditions.given),
        values={key: _plain(value) for key, value in rule.values.items()},
        changed=sure_time_text(stored.changed_s),
        changed_by=stored.changed_by,
    )


def _plain(value: Value) -> PlainValue:
    return list(value) if isinstance(value, tuple) else value
