"""The audit: searching it, and verifying its chain. Nothing here changes an entry."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.paging import Listed, NumberedPage, OptionalQuery, sure_time_text
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.audit.chain import US_PER_S, Row
from display_server.broker.audit.reading import Filter, count, newest
from display_server.broker.audit.verification import describe
from display_server.broker_link.api_error import malformed

#: Entries are counted up to this number: nobody reads more, and counting millions takes seconds.
COUNTED_MAX = 10_000


class AuditItem(BaseModel):
    """An entry with all of its columns, from which its hash can be computed again, and its time as text."""

    at: str
    seq: int
    form: int
    previous: str
    at_us: int
    account: str | None
    role: str
    address: str | None
    device: str | None
    subject: str | None
    action: str
    object: str | None
    outcome: str
    reason: str | None
    spool_id: str | None
    hash: str


class FindingItem(BaseModel):
    """Something that is wrong; `seq` is the entry, or null if it is about the chain as a whole."""

    seq: int | None
    text: str


class Verification(BaseModel):
    """The result of a verification of at most a minute ago; `lines` say it in words."""

    at: str
    intact: bool
    chain: str | None
    entries: int
    first: int | None
    last: int
    findings: list[FindingItem]
    more_findings: int
    proven_seq: int | None
    proven_outside_seq: int | None
    statements: int
    lines: list[str]


def add_audit_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "audit")
    async def list_entries(
        acting: ActingNow,
        page: NumberedPage,
        from_time: Annotated[datetime.datetime | None, Query(alias="from")] = None,
        until: Annotated[datetime.datetime | None, Query(alias="to")] = None,
        account: OptionalQuery = None,
        action: OptionalQuery = None,
        outcome: OptionalQuery = None,
        address: OptionalQuery = None,
    ) -> Listed[AuditItem]:
        """Lists entries, the newest first. `from` and `to` are times; `total` counts up to 10,000."""
        acting.require_system()
        wanted = Filter(
            account=account,
            action=action,
            outcome=outcome,
            address=address,
            from_us=_us(from_time, "from"),
            until_us=_us(until, "to"),
            text=page.q or None,
        )
        before = page.number
        async with services.store.reading() as db:
            total = await count(db, wanted, COUNTED_MAX)
            here = dataclasses.replace(wanted, before_seq=before)
            rows = await newest(db, here, page.limit + 1)
        items = [_item(row) for row in rows[: page.limit]]
        more = len(rows) > len(items)
        return Listed(items=items, next=str(items[-1].seq) if more else None, total=total)

    @admin.route("GET", "audit/verification")
    async def verify(acting: ActingNow) -> Verification:
        """Finds entries that were altered, removed, swapped or inserted."""
        acting.require_system()
        examined = await services.audit_examination.report()
        report = examined.report
        return Verification(
            at=sure_time_text(examined.at_s),
            intact=report.intact,
            chain=report.chain,
            entries=report.entries,
            first=report.first,
            last=report.last,
            findings=[FindingItem(seq=one.seq, text=one.text) for one in report.findings],
            more_findings=report.more_findings,
            proven_seq=report.proven.seq if report.proven else None,
            proven_outside_seq=report.proven_outside.seq if report.proven_outside else None,
            statements=report.statements,
            lines=describe(report),
        )


def _us(moment: datetime.datetime | None, field: str) -> int | None:
    """Returns a time in microseconds since the epoch; without a zone it is UTC. Raises ApiError."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    try:
        return round(moment.timestamp() * US_PER_S)
    except (OverflowError, ValueError) as error:
        raise malformed(f"{field}: no clock has this time") from error


def _item(row: Row) -> AuditItem:
    return AuditItem(at=sure_time_text(row.at_us / US_PER_S), **dataclasses.asdict(row))
