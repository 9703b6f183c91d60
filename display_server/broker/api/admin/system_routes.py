"""Health, and the report of concurrent use."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.paging import sure_time_text
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.services import BrokerServices
from display_server.broker.concurrent_use import HOUR_S, peaks, read_uses
from display_server.broker.pools.breaker import BreakerState

#: Longest time of a report of use, days.
DAYS_MAX = 92
#: A certificate that is valid for less than this is a problem, days.
CERTIFICATE_DAYS = 14
_DAY_S = 24 * 3600


class Check(BaseModel):
    """One thing that works, or does not. `next_step` is empty while it does."""

    name: str
    ok: bool
    text: str
    next_step: str


class Health(BaseModel):
    checks: list[Check]


class HourOfUse(BaseModel):
    """The most desktops of a kind that people had at the same time, in the hour that begins at `hour`."""

    hour: str
    pool: str
    peak: int


class ConcurrentUse(BaseModel):
    hours: list[HourOfUse]


def add_system_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "health")
    async def health(acting: ActingNow) -> Health:
        """Says what works and what does not, as far as this server can find out by itself."""
        acting.require_system()
        return Health(checks=await health_checks(services))

    @admin.route("GET", "use")
    async def concurrent_use(
        acting: ActingNow, days: Annotated[int, Query(ge=1, le=DAYS_MAX)] = 7
    ) -> ConcurrentUse:
        """Reports how many desktops people had at the same time, by desktop and hour."""
        acting.require_system()
        now_s = services.web_sessions.now_s()
        from_s = (now_s - days * _DAY_S) // HOUR_S * HOUR_S
        found = peaks(await read_uses(services.store, from_s, now_s), from_s, now_s)
        return ConcurrentUse(
            hours=[
                HourOfUse(hour=sure_time_text(one.hour_s), pool=one.desktop, peak=one.peak) for one in found
            ]
        )


async def health_checks(services: BrokerServices) -> list[Check]:
    """Examines the parts that people depend on."""
    checks = [await _database(services), _gateways(services)]
    if services.directory is not None:
        problems = services.directory.problems()
        checks += [
            Check(name="directory", ok=False, text=one.cause, next_step=one.next_step) for one in problems
        ] or [Check(name="directory", ok=True, text="The directory answers.", next_step="")]
    checks += _pools(services)
    checks += _certificates(services)
    return checks


async def _database(services: BrokerServices) -> Check:
    failure = await services.store.examine()
    if failure is None:
        return Check(name="database", ok=True, text="The database can be read and written.", next_step="")
    return Check(name="database", ok=False, text=failure.public_cause, next_step=failure.next_step)


def _gateways(services: BrokerServices) -> Check:
    if services.gateways.count:
        return Check(name="gateway", ok=True, text="A gateway is connected.", next_step="")
    return Check(
        name="gateway",
        ok=False,
        text="No gateway is connected, so that nobody can open a desktop.",
        next_step="Look at the log of the server.",
    )


def _pools(services: BrokerServices) -> list[Check]:
    return [
        Check(
            name=f"pool {report.name}",
            ok=False,
            text=f"Desktops of this pool do not start: {report.breaker.error or 'no reason is known'}",
            next_step=f"Mend the cause. The pool tries again by itself, or after "
            f"`lightbox pools retry {report.name}`.",
        )
        for report in services.pools.reports()
        if report.breaker.state is not BreakerState.NORMAL
    ]


def _certificates(services: BrokerServices) -> list[Check]:
    checks = []
    now_s = services.web_sessions.now_s()
    for name, expires_s in sorted(services.metrics.certificates().items()):
        days = (expires_s - now_s) / _DAY_S
        checks.append(
            Check(
                name=f"certificate {name}",
                ok=days >= CERTIFICATE_DAYS,
                text=f"The certificate is valid for {max(0, int(days))} days.",
                next_step="" if days >= CERTIFICATE_DAYS else "Renew it; docs/certificates.md says how.",
            )
        )
    return checks
