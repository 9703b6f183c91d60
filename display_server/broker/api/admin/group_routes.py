"""Groups, their members, and groups in groups."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel

from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found
from display_server.broker.api.admin.paging import Body, Listed, Name, NamePath, Page, page_from
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.services import BrokerServices
from display_server.broker.people.group_graph import GroupOrigin, normalise_group_name
from display_server.broker.people.groups import Groups, GroupSummary

MemberKind = Literal["person", "group"]


class GroupEntry(BaseModel):
    """A group. `people` and `groups` count what it contains directly."""

    name: str
    origin: GroupOrigin
    people: int
    groups: int


class Members(BaseModel):
    people: list[str]
    groups: list[str]


class GroupDetail(GroupEntry):
    """The same with its direct members, and everybody who belongs to it or to a group that it contains."""

    members: Members
    everybody: list[str]


class NewGroup(Body):
    name: Name


class NewMember(Body):
    member: Name
    kind: MemberKind = "person"


def add_group_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "groups")
    async def list_groups(acting: ActingNow, page: Page) -> Listed[GroupEntry]:
        groups = [_entry(one) for one in await _visible(services, acting) if page.q.lower() in one.name]
        items, following, total = page_from(groups, [group.name for group in groups], page)
        return Listed(items=items, next=following, total=total)

    @admin.route("GET", "groups/{name}")
    async def show_group(name: NamePath, acting: ActingNow) -> GroupDetail:
        found = [one for one in await _visible(services, acting) if one.name == normalise_group_name(name)]
        if not found:
            raise not_found("group")
        members = await Groups(services.store).members(found[0].name)
        return GroupDetail(
            **_entry(found[0]).model_dump(),
            members=Members(people=list(members.people), groups=list(members.groups)),
            everybody=sorted(members.everybody),
        )

    @admin.route("POST", "groups", status=201)
    async def add_group(body: NewGroup, acting: ActingNow) -> GroupEntry:
        """Creates a local group, without members."""
        name = await _groups(services, acting).add(body.name)
        return GroupEntry(name=name, origin=GroupOrigin.LOCAL, people=0, groups=0)

    @admin.route("DELETE", "groups/{name}", status=204)
    async def delete_group(name: NamePath, acting: ActingNow) -> None:
        """Deletes a group with its roles and entitlements. Its members keep their accounts."""
        groups = await _changing(services, acting, name)
        await groups.delete(name)
        await services.access_watch.review()

    @admin.route("POST", "groups/{name}/members", status=204)
    async def add_member(name: NamePath, body: NewMember, acting: ActingNow) -> None:
        groups = await _changing(services, acting, name)
        await (groups.add_group if body.kind == "group" else groups.add_person)(name, body.member)
        await services.access_watch.review()

    @admin.route("DELETE", "groups/{name}/members/{member}", status=204)
    async def remove_member(
        name: NamePath, member: NamePath, acting: ActingNow, kind: Annotated[MemberKind, Query()] = "person"
    ) -> None:
        """Desktops of people who are no longer entitled to them end, as the configuration says."""
        groups = await _changing(services, acting, name)
        await (groups.remove_group if kind == "group" else groups.remove_person)(name, member)
        await services.access_watch.review()


async def _visible(services: BrokerServices, acting: Acting) -> list[GroupSummary]:
    """Returns the groups that somebody may see, sorted by name."""
    groups, containing = await Groups(services.store).list_with_parents()
    return [one for one in groups if acting.sees_group(one.name, containing.get(one.name, frozenset()))]


def _groups(services: BrokerServices, acting: Acting) -> Groups:
    """Returns the groups, to be changed by whoever acts. Raises ApiError."""
    acting.require_system()
    return Groups(services.store, actor=acting.actor(), now_s=services.web_sessions.now_s)


async def _changing(services: BrokerServices, acting: Acting, name: str) -> Groups:
    """Does the same, and raises ApiError if there is no group of this name."""
    groups = _groups(services, acting)
    if not await groups.exists(name):
        raise not_found("group")
    return groups


def _entry(group: GroupSummary) -> GroupEntry:
    return GroupEntry(name=group.name, origin=group.origin, people=group.people, groups=group.groups)
