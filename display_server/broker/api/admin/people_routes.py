"""People: looking for one, and what helpdesk and administrators do with an account."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from display_server.broker.api import running_changes
from display_server.broker.api.admin.acting import Acting, target_of
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found
from display_server.broker.api.admin.paging import PLAIN, Body, Listed, Name, NamePath, Page, time_text
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.admin.session_routes import SessionEntry, session_entry, viewer_counts
from display_server.broker.api.services import BrokerServices
from display_server.broker.people.listing import ListedPerson, listed_person, page_of_people
from display_server.broker.people.overview import person_named
from display_server.broker.roles import Assignment, Role, ScopeKind, Target

#: Random bytes in a password that the server makes: the person changes it, and types it once.
PASSWORD_BYTES = 12


class PersonEntry(BaseModel):
    """A person with an account. `roles` and `groups` include those by nested groups."""

    name: str
    display_name: str
    source: Literal["local", "directory"]
    state: Literal["enabled", "disabled"]
    roles: list[str]
    groups: list[str]
    signed_in: bool
    second_factor: bool
    last_sign_in: str | None


class AssignmentEntry(BaseModel):
    """A role with its scope; `scope_name` is empty for everything."""

    role: Role
    scope: ScopeKind
    scope_name: str


class PersonDetail(PersonEntry):
    """The same with the desktops that the person may open, and those that run on this server."""

    desktops: list[str]
    sessions: list[SessionEntry]
    assignments: list[AssignmentEntry]


Password = Annotated[str, Field(min_length=1, max_length=1024)]


class NewPerson(Body):
    name: Name
    display_name: Annotated[str, Field(max_length=128, pattern=PLAIN)] = ""
    password: Password | None = None


class NewPassword(Body):
    password: Password | None = None


class Disabling(Body):
    end_desktops: bool = False


class PasswordAnswer(BaseModel):
    """`password` is the one that the server made, which is shown only now; null if it was given."""

    name: str
    password: str | None


def add_people_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "people")
    async def list_people(acting: ActingNow, page: Page) -> Listed[PersonEntry]:
        limits = acting.limits
        assert limits is not None  # the route was admitted
        found = await page_of_people(
            services.store, page.q, after=page.after, limit=page.limit, limits=limits, own=acting.username
        )
        items = [_entry(person) for person in found.people]
        return Listed(items=items, next=items[-1].name if found.more else None, total=found.total)

    @admin.route("GET", "people/{name}")
    async def show_person(name: NamePath, acting: ActingNow) -> PersonDetail:
        person = await _allowed(services, acting, name)
        counts = viewer_counts(services)
        return PersonDetail(
            **_entry(person).model_dump(),
            desktops=list((await person_named(services.store, person.username)).desktops),
            sessions=[
                session_entry(services, session, counts)
                for session in services.sessions.live()
                if session.username == person.username
            ],
            assignments=[assignment_entry(one) for one in person.standing.roles],
        )

    @admin.route("POST", "people", status=201)
    async def add_person(body: NewPerson, acting: ActingNow) -> PasswordAnswer:
        """Adds a local account. Without a password the server makes one."""
        acting.require_system()
        made = None if body.password is not None else secrets.token_urlsafe(PASSWORD_BYTES)
        accounts = services.accounts.changed_by(acting.actor())
        account = await accounts.add(body.name, body.password or made or "", display_name=body.display_name)
        return PasswordAnswer(name=account.username, password=made)

    @admin.route("POST", "people/{name}/disable", status=204)
    async def disable(name: NamePath, body: Disabling, acting: ActingNow) -> None:
        """Forbids a person to sign in, and signs them out everywhere, at once."""
        person = await _allowed(services, acting, name)
        actor = acting.actor(_target(person))
        await services.accounts.changed_by(actor).disable(person.username)
        await running_changes.account_changed(
            services, person.username, actor, disconnect=True, end_desktops=body.end_desktops
        )

    @admin.route("POST", "people/{name}/enable", status=204)
    async def enable(name: NamePath, acting: ActingNow) -> None:
        """Allows a person to sign in again."""
        person = await _allowed(services, acting, name)
        await services.accounts.changed_by(acting.actor(_target(person))).enable(person.username)

    @admin.route("POST", "people/{name}/sign-out", status=204)
    async def sign_out(name: NamePath, acting: ActingNow) -> None:
        """Signs a person out of every browser, at once. Their desktops go on."""
        person = await _allowed(services, acting, name)
        actor = acting.actor(_target(person))
        await services.accounts.changed_by(actor).sign_out(person.username)
        await running_changes.account_changed(
            services, person.username, actor, disconnect=True, end_desktops=False
        )

    @admin.route("POST", "people/{name}/reset-password")
    async def reset_password(name: NamePath, body: NewPassword, acting: ActingNow) -> PasswordAnswer:
        """Gives a person a new password, and signs them out everywhere."""
        person = await _allowed(services, acting, name)
        actor = acting.actor(_target(person))
        made = None if body.password is not None else secrets.token_urlsafe(PASSWORD_BYTES)
        accounts = services.accounts.changed_by(actor)
        await accounts.set_password(person.username, body.password or made or "")
        await running_changes.account_changed(
            services, person.username, actor, disconnect=True, end_desktops=False
        )
        return PasswordAnswer(name=person.username, password=made)

    @admin.route("POST", "people/{name}/reset-second-factor", status=204)
    async def reset_second_factor(name: NamePath, acting: ActingNow) -> None:
        """Removes a person's app, passkeys and recovery codes, and signs them out everywhere."""
        person = await _allowed(services, acting, name)
        actor = acting.actor(_target(person))
        await services.accounts.changed_by(actor).reset_second_factor(person.username)
        await running_changes.account_changed(
            services, person.username, actor, disconnect=True, end_desktops=False
        )


def assignment_entry(assignment: Assignment) -> AssignmentEntry:
    return AssignmentEntry(role=assignment.role, scope=assignment.kind, scope_name=assignment.name)


async def _allowed(services: BrokerServices, acting: Acting, name: str) -> ListedPerson:
    """Returns a person to whom the act may be done. Raises ApiError."""
    person = await listed_person(services.store, name)
    if person is None:
        raise not_found("person")
    acting.require(_target(person), "person")
    return person


def _target(person: ListedPerson) -> Target:
    return target_of(person.username, person.standing)


def _entry(person: ListedPerson) -> PersonEntry:
    return PersonEntry(
        name=person.username,
        display_name=person.display_name,
        source="directory" if person.origin == "directory" else "local",
        state="disabled" if person.disabled else "enabled",
        roles=list(dict.fromkeys(one.role.value for one in person.standing.roles)),
        groups=sorted(person.standing.groups),
        signed_in=person.signed_in,
        second_factor=person.second_factor,
        last_sign_in=time_text(person.signed_in_s),
    )
