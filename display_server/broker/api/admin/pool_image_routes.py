"""Versions of the images of pools, and whose the desktops of dedicated pools are."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

from pydantic import BaseModel, Field

from display_server.broker.api import running_changes
from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found, refused
from display_server.broker.api.admin.paging import Body, Listed, Name, NamePath, Page, page_from
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.pools.assignment_state import AssignmentState
from display_server.broker.pools.errors import PoolError
from display_server.broker.roles import Target


class Recompose(Body):
    """`canary_percent` of the desktops change first. After `within_minutes`, those of the former version end;
    without it, people go on with them until they end.
    """

    version: Name
    canary_percent: Annotated[int, Field(ge=1, le=100)] = 10
    within_minutes: Annotated[float, Field(ge=0, le=43_200)] | None = None


class AssignedPerson(Body):
    person: Name


class AssignmentEntry(BaseModel):
    """A desktop of a dedicated pool that belongs to a person. `error` is why its home could not be wiped."""

    place: int
    person: str
    state: AssignmentState
    error: str | None


def add_pool_image_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "pools/{name}/assignments")
    async def list_assignments(name: NamePath, acting: ActingNow, page: Page) -> Listed[AssignmentEntry]:
        _require(acting, name)
        if not any(report.name == name for report in services.pools.reports()):
            raise not_found("pool")
        found = [
            AssignmentEntry(place=one.place, person=one.username, state=one.state, error=one.error)
            for one in await services.pools.dedicated.assignments.of_desktop(name)
            if page.q.lower() in one.username
        ]
        items, following, total = page_from(found, [f"{one.place:06}" for one in found], page)
        return Listed(items=items, next=following, total=total)

    @admin.route("POST", "pools/{name}/assign", status=204)
    async def assign(name: NamePath, body: AssignedPerson, acting: ActingNow) -> None:
        """Gives a person a desktop of a dedicated pool. Entitlements decide whether they may open it."""
        target = _require(acting, name)
        await _done(
            running_changes.change_assignment(services, name, body.person, "assign", acting.actor(target))
        )

    @admin.route("POST", "pools/{name}/release", status=204)
    async def release(name: NamePath, body: AssignedPerson, acting: ActingNow) -> None:
        """Takes a desktop of a dedicated pool from a person. It ends, and its home is deleted for good."""
        target = _require(acting, name)
        await _done(
            running_changes.change_assignment(services, name, body.person, "release", acting.actor(target))
        )

    @admin.route("POST", "pools/{name}/recompose", status=204)
    async def recompose(name: NamePath, body: Recompose, acting: ActingNow) -> None:
        """Changes a pool to another version of its image, a share of its desktops first."""
        target = _require(acting, name)
        await _done(
            running_changes.recompose_pool(
                services,
                name,
                body.version,
                acting.actor(target),
                percent=body.canary_percent,
                within_s=None if body.within_minutes is None else body.within_minutes * 60,
            )
        )

    @admin.route("POST", "pools/{name}/rollback", status=204)
    async def rollback(name: NamePath, acting: ActingNow) -> None:
        """Returns a pool to the version before, at once."""
        target = _require(acting, name)
        await _done(running_changes.recompose_pool(services, name, None, acting.actor(target)))


def _require(acting: Acting, name: str) -> Target:
    target = Target(desktop=name)
    acting.require(target, "pool")
    return target


async def _done(change: Awaitable[None]) -> None:
    """Waits for a change, and turns its errors into answers."""
    try:
        await change
    except KeyError:
        raise not_found("pool") from None
    except PoolError as error:  # all places are assigned, or the person's home is being deleted
        raise refused(error.cause, error.next_step) from error
