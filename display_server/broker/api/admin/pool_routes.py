"""Pools: `GET pools`, and taking one out of service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from display_server.broker.api import running_changes
from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found
from display_server.broker.api.admin.paging import Body, Listed, NamePath, Page, page_from
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.services import BrokerServices
from display_server.broker.pools.breaker import BreakerState
from display_server.broker.pools.report import PoolReport
from display_server.broker.pools.rollout import Phase
from display_server.broker.roles import Target


class PoolEntry(BaseModel):
    """A pool. Numbers count its desktops: `ready` wait for somebody, `assigned` belong to a person, and
    `failed` did not start recently. `minimum` ought to wait now. `last_error` is why the latest one failed.
    `image_version` is that of the desktops that start, and `rollout` how far a change to `image_target` is.
    """

    name: str
    title: dict[str, str]
    kind: Literal["floating", "dedicated"]
    state: BreakerState | Literal["maintenance"]
    ready: int
    assigned: int
    starting: int
    ending: int
    failed: int
    minimum: int
    maximum: int
    image_version: str
    image_target: str | None
    rollout: Phase
    canaries: int  # desktops of the version that the pool changes to
    former: int  # desktops of another version, which people have
    rollout_error: str | None  # why the latest canary failed
    versions: list[str]  # that the pool can change to
    maintenance: bool
    last_error: str | None
    retry_in_s: float | None  # until a restrained pool tries again


class Maintenance(Body):
    on: bool


def add_pool_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "pools")
    async def list_pools(acting: ActingNow, page: Page) -> Listed[PoolEntry]:
        pools = [pool for pool in await visible_pools(services, acting) if _matches(pool, page.q)]
        pools.sort(key=lambda pool: pool.name)
        items, following, total = page_from(pools, [pool.name for pool in pools], page)
        return Listed(items=items, next=following, total=total)

    @admin.route("GET", "pools/{name}")
    async def show_pool(name: NamePath, acting: ActingNow) -> PoolEntry:
        acting.require(Target(desktop=name), "pool")
        found = [pool for pool in await visible_pools(services, acting) if pool.name == name]
        if not found:
            raise not_found("pool")
        return found[0]

    @admin.route("POST", "pools/{name}/maintenance", status=204)
    async def set_maintenance(name: NamePath, body: Maintenance, acting: ActingNow) -> None:
        """Takes a pool out of service, or back. People who have a desktop of it go on."""
        await _change(services, acting, name, "maintain" if body.on else "resume")

    @admin.route("POST", "pools/{name}/retry", status=204)
    async def retry(name: NamePath, acting: ActingNow) -> None:
        """Lets a restrained pool start desktops again at once."""
        await _change(services, acting, name, "retry")


async def visible_pools(services: BrokerServices, acting: Acting) -> list[PoolEntry]:
    """Returns the pools that somebody may see, in the order of the configuration."""
    reports = [one for one in services.pools.reports() if acting.may(Target(desktop=one.name))]
    return await pool_entries(services, reports)


async def pool_entries(services: BrokerServices, reports: Sequence[PoolReport]) -> list[PoolEntry]:
    """Describes pools, with one statement for the titles of all of them."""
    titles = await services.catalogue.titles([report.name for report in reports]) if reports else {}
    now_s = services.web_sessions.now_s()
    return [
        PoolEntry(
            name=report.name,
            title=dict(titles.get(report.name) or {"en": report.name}),
            kind="dedicated" if report.dedicated else "floating",
            state="maintenance" if report.maintenance else report.breaker.state,
            ready=report.waiting,
            assigned=report.assigned,
            starting=report.starting,
            ending=report.ending,
            failed=len(report.breaker.failures_s),
            minimum=report.spare,
            maximum=report.maximum,
            image_version=report.rollout.version,
            image_target=report.rollout.target,
            rollout=report.rollout.phase,
            canaries=report.canaries,
            former=report.former,
            rollout_error=report.rollout.error,
            versions=services.pools.recomposing.images.versions(services.pools.desktop(report.name).profile),
            maintenance=report.maintenance,
            last_error=report.breaker.error,
            retry_in_s=None if report.breaker.probe_s is None else max(0.0, report.breaker.probe_s - now_s),
        )
        for report in reports
    ]


async def _change(
    services: BrokerServices, acting: Acting, name: str, change: running_changes.PoolChange
) -> None:
    target = Target(desktop=name)
    acting.require(target, "pool")
    try:
        await running_changes.change_pool(services, name, change, acting.actor(target))
    except KeyError:
        raise not_found("pool") from None


def _matches(pool: PoolEntry, text: str) -> bool:
    return any(text.lower() in name.lower() for name in (pool.name, *pool.title.values()))
