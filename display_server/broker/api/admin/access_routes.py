"""Entitlements, why a person may open a desktop, and roles."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field

from display_server.broker.api.admin.acting import Acting, target_of
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found, refused
from display_server.broker.api.admin.paging import (
    PLAIN,
    Body,
    Listed,
    Name,
    NameQuery,
    NumberedPage,
    PageOf,
)
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.request_facts import RowId
from display_server.broker.api.services import BrokerServices
from display_server.broker.people.access_paths import EntitlementOrigin, Lack, Subject
from display_server.broker.people.entitlements import Entitlements, ListedEntitlement
from display_server.broker.people.groups import Groups
from display_server.broker.people.role_assignments import (
    ListedRole,
    RoleAssignments,
    Standing,
    read_standings,
)
from display_server.broker.roles import Assignment, Role, ScopeKind, Target

ScopeName = Annotated[str, Field(max_length=128, pattern=PLAIN)]


class EntitlementEntry(BaseModel):
    """An entitlement. The configuration may lack its desktop, which nobody can open then."""

    id: int
    desktop: str
    configured: bool
    subject: Subject
    name: str
    origin: EntitlementOrigin


class NewEntitlement(Body):
    """`name` is that of the person or the group, and empty for everybody."""

    desktop: Name
    subject: Literal["everybody", "user", "group"]
    name: ScopeName = ""


class PathEntry(BaseModel):
    """One reason: an entitlement, and the groups that lead to it from the person on."""

    subject: Subject
    name: str
    origin: EntitlementOrigin
    groups: list[str]


class Why(BaseModel):
    """Every reason why a person may open a desktop, and everything that is missing."""

    may_open: bool
    paths: list[PathEntry]
    lacks: list[Lack]
    entitled_groups: list[str]


class RoleEntry(BaseModel):
    """A role of a person or of the members of a group; `scope_name` is empty for everything."""

    id: int
    subject: Subject
    name: str
    role: Role
    scope: ScopeKind
    scope_name: str


class NewRole(Body):
    subject: Literal["user", "group"]
    name: Name
    role: Literal["helpdesk", "administrator", "auditor"]
    scope: Literal["everything", "group", "desktop"] = "everything"
    scope_name: ScopeName = ""


def add_access_routes(admin: AdminRoutes) -> None:
    _add_entitlement_routes(admin)
    _add_role_routes(admin)


def _add_entitlement_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "entitlements")
    async def list_entitlements(acting: ActingNow, page: NumberedPage) -> Listed[EntitlementEntry]:
        found = await Entitlements(services.store).list_all()
        containing = (await Groups(services.store).list_with_parents())[1]
        items = [
            _entitlement(one)
            for one in found
            if page.q.lower() in f"{one.desktop} {one.grant.name}".lower()
            and _sees_grant(acting, one, containing.get(one.grant.name, frozenset()))
        ]
        return _page(items, page)

    @admin.route("POST", "entitlements", status=201)
    async def entitle(body: NewEntitlement, acting: ActingNow) -> EntitlementEntry:
        """Entitles a person, a group or everybody to a desktop, at once."""
        acting.require_system()
        entitlements = _entitlements(services, acting)
        grant = await entitlements.add(body.desktop, Subject(body.subject), body.name)
        await services.access_watch.review()
        found = await entitlements.find(body.desktop, grant)
        if found is None:
            raise refused("Somebody has removed the entitlement meanwhile.", "Look at the list again.")
        return _entitlement(found)

    @admin.route("DELETE", "entitlements/{id}", status=204)
    async def remove(id: RowId, acting: ActingNow) -> None:  # noqa: A002 - the path's name
        """Removes an entitlement that a command or this API gave. Desktops that run end as configured."""
        acting.require_system()
        entitlements = _entitlements(services, acting)
        found = await entitlements.by_id(id)
        if found is None:
            raise not_found("entitlement")
        if found.grant.origin is EntitlementOrigin.CONFIGURATION:
            raise refused(
                "The configuration gives this entitlement.",
                "Change `users` or `groups` of the desktop there, then run `lightbox reload`.",
            )
        await entitlements.remove(found.desktop, found.grant.subject, found.grant.name)
        await services.access_watch.review()

    @admin.route("GET", "why")
    async def why(person: NameQuery, desktop: NameQuery, acting: ActingNow) -> Why:
        """Says why a person may open a desktop, by every entitlement and group, or what is missing."""
        name = person.lower()
        async with services.store.reading() as db:
            standing = (await read_standings(db, [name])).get(name, Standing())
        acting.require(target_of(name, standing), "person")
        found = await Entitlements(services.store).why(name, desktop)
        return Why(
            may_open=found.may_open,
            paths=[
                PathEntry(
                    subject=path.grant.subject,
                    name=path.grant.name,
                    origin=path.grant.origin,
                    groups=list(path.groups),
                )
                for path in found.paths
            ],
            lacks=list(found.lacks),
            entitled_groups=list(found.entitled_groups),
        )


def _add_role_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "roles")
    async def list_roles(acting: ActingNow, page: NumberedPage) -> Listed[RoleEntry]:
        acting.require_system()
        found = await RoleAssignments(services.store).list_all()
        items = [
            _role(one) for one in found if page.q.lower() in f"{one.name} {one.assignment.role.value}".lower()
        ]
        return _page(items, page)

    @admin.route("POST", "roles", status=201)
    async def give(body: NewRole, acting: ActingNow) -> RoleEntry:
        """Gives a role to a person, or to the members of a group. Nobody gives one to themselves."""
        subject = Subject(body.subject)
        _require_other(acting, subject, body.name)
        assignment = Assignment(Role(body.role), ScopeKind(body.scope), body.scope_name)
        return _role(await _roles(services, acting).give(subject, body.name, assignment))

    @admin.route("DELETE", "roles/{id}", status=204)
    async def take(id: RowId, acting: ActingNow) -> None:  # noqa: A002 - the path's name
        """Takes a role away."""
        found = await RoleAssignments(services.store).by_id(id)
        if found is None:
            raise not_found("role")
        _require_other(acting, found.subject, found.name)
        await _roles(services, acting).take(found.subject, found.name, found.assignment)


def _require_other(acting: Acting, subject: Subject, name: str) -> None:
    """Raises ApiError when somebody is about to change their own roles."""
    acting.require(Target(name.strip().lower()) if subject is Subject.USER else Target(), "person")


def _sees_grant(acting: Acting, listed: ListedEntitlement, containing: frozenset[str]) -> bool:
    grant = listed.grant
    if grant.subject is Subject.GROUP and acting.sees_group(grant.name, containing):
        return True
    owner = grant.name if grant.subject is Subject.USER else None
    return acting.may(Target(owner, desktop=listed.desktop))


def _entitlements(services: BrokerServices, acting: Acting) -> Entitlements:
    return Entitlements(services.store, actor=acting.actor(), now_s=services.web_sessions.now_s)


def _roles(services: BrokerServices, acting: Acting) -> RoleAssignments:
    return RoleAssignments(services.store, actor=acting.actor(), now_s=services.web_sessions.now_s)


def _entitlement(listed: ListedEntitlement) -> EntitlementEntry:
    grant = listed.grant
    return EntitlementEntry(
        id=listed.id,
        desktop=listed.desktop,
        configured=listed.configured,
        subject=grant.subject,
        name=grant.name,
        origin=grant.origin,
    )


def _role(listed: ListedRole) -> RoleEntry:
    given = listed.assignment
    return RoleEntry(
        id=listed.id,
        subject=listed.subject,
        name=listed.name,
        role=given.role,
        scope=given.kind,
        scope_name=given.name,
    )


Numbered = TypeVar("Numbered", EntitlementEntry, RoleEntry)


def _page(items: list[Numbered], page: PageOf) -> Listed[Numbered]:
    """Returns a page of rows, by their number."""
    after = page.number or 0
    following = sorted((one for one in items if one.id > after), key=lambda one: one.id)
    part = following[: page.limit]
    more = len(following) > len(part)
    return Listed(items=part, next=str(part[-1].id) if more else None, total=len(items))
