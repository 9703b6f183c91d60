"""The monthly review: what a privacy officer should look at. Pure.

It names what is unusual and does not judge: a night shift or a replaced colleague explains most of it.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from display_server.broker.audit.chain import Row
from display_server.broker.audit.entry import Action, Outcome, Role

#: Sign-ins from this hour until the other one, in local time, are at night.
NIGHT_FROM_H = 22
NIGHT_UNTIL_H = 6
#: Whoever signs in at night for at least this fraction of all times works at night, which is not unusual.
NIGHT_WORKER_RATIO = 0.25
#: An account is listed that opens at least this number of different desktops, or desktops, on one day.
DESKTOPS_PER_DAY = 5
OPENINGS_PER_DAY = 20
#: An account or address is listed from this number of refused sign-ins in the period on.
REFUSALS = 10
#: Acts of break-glass begin with this.
BREAK_GLASS = "break-glass"


@dataclass(frozen=True, slots=True)
class NightSignIns:
    account: str
    at_night: int
    total: int


@dataclass(frozen=True, slots=True)
class MassAccess:
    account: str
    day: str
    desktops: int  # different ones
    openings: int


@dataclass(frozen=True, slots=True)
class Refusals:
    name: str  # an account or an address
    count: int


@dataclass(slots=True)
class Review:
    """The findings of a period."""

    entries: int = 0
    acts: dict[str, int] = field(default_factory=dict)  # how often each act was recorded
    night: list[NightSignIns] = field(default_factory=list)
    break_glass: list[Row] = field(default_factory=list)
    mass_access: list[MassAccess] = field(default_factory=list)
    refused_accounts: list[Refusals] = field(default_factory=list)
    refused_addresses: list[Refusals] = field(default_factory=list)
    operators: dict[str, int] = field(
        default_factory=dict
    )  # acts of each operator, administrator, helpdesk and token


def review(rows: Iterable[Row], zone: datetime.tzinfo) -> Review:
    """Reviews the rows of a period. `zone` says what is night."""
    found = Review()
    acts: Counter[str] = Counter()
    operators: Counter[str] = Counter()
    sign_ins: Counter[str] = Counter()
    at_night: Counter[str] = Counter()
    refused_accounts: Counter[str] = Counter()
    refused_addresses: Counter[str] = Counter()
    opened: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        found.entries += 1
        acts[row.action] += 1
        local = datetime.datetime.fromtimestamp(row.at_us / 1e6, zone)
        account = row.account or "unknown"
        if row.role in _ADMINISTERING:
            operators[account] += 1
        if row.action.startswith(BREAK_GLASS):
            found.break_glass.append(row)
        if row.action in _SIGN_INS and row.outcome == Outcome.REFUSED.value:
            refused_accounts[account] += 1
            refused_addresses[row.address or "unknown"] += 1
        elif row.action == Action.SIGN_IN.value:
            sign_ins[account] += 1
            if local.hour >= NIGHT_FROM_H or local.hour < NIGHT_UNTIL_H:
                at_night[account] += 1
        elif row.action == Action.DESKTOP_OPENED.value:
            opened[account, local.date().isoformat()].append(row.object or "")
    found.acts = dict(acts.most_common())
    found.operators = dict(operators.most_common())
    found.night = [
        NightSignIns(account, count, sign_ins[account])
        for account, count in at_night.most_common()
        if count < NIGHT_WORKER_RATIO * sign_ins[account]
    ]
    found.mass_access = [
        MassAccess(account, day, len(set(objects)), len(objects))
        for (account, day), objects in sorted(opened.items())
        if len(set(objects)) >= DESKTOPS_PER_DAY or len(objects) >= OPENINGS_PER_DAY
    ]
    found.refused_accounts = _many(refused_accounts)
    found.refused_addresses = _many(refused_addresses)
    return found


def describe(found: Review, title: str) -> list[str]:
    """Returns the review as lines."""
    lines = [f"Review of {title}: {found.entries} entries.", ""]
    lines += _part(
        f"Sign-ins at night ({NIGHT_FROM_H}:00 to {NIGHT_UNTIL_H}:00) of people who otherwise work by day:",
        [f"{one.account}: {one.at_night} of {one.total}" for one in found.night],
    )
    lines += _part(
        "Break-glass:",
        [
            f"entry {row.seq}: {row.account}, {row.object or '-'}, {row.reason or '-'}"
            for row in found.break_glass
        ],
    )
    lines += _part(
        f"Mass access ({DESKTOPS_PER_DAY} desktops or {OPENINGS_PER_DAY} openings in a day):",
        [
            f"{one.day} {one.account}: {one.desktops} desktops, opened {one.openings} times"
            for one in found.mass_access
        ],
    )
    lines += _part(
        f"Accounts with {REFUSALS} refused sign-ins or more:",
        [f"{one.name}: {one.count}" for one in found.refused_accounts],
    )
    lines += _part(
        f"Addresses with {REFUSALS} refused sign-ins or more:",
        [f"{one.name}: {one.count}" for one in found.refused_addresses],
    )
    lines += _part("Acts of operators:", [f"{name}: {count}" for name, count in found.operators.items()])
    lines += _part("Acts:", [f"{action}: {count}" for action, count in found.acts.items()])
    return lines[:-1]


#: Roles of those who act on what belongs to others.
_ADMINISTERING = frozenset(
    {Role.OPERATOR.value, Role.HELPDESK.value, Role.ADMINISTRATOR.value, Role.TOKEN.value}
)
_SIGN_INS = frozenset({Action.SIGN_IN.value, Action.SCREEN_UNLOCKED.value})


def _many(counts: Counter[str]) -> list[Refusals]:
    return [Refusals(name, count) for name, count in counts.most_common() if count >= REFUSALS]


def _part(title: str, items: list[str]) -> list[str]:
    return [title, *(f"  {item}" for item in items or ["none"]), ""]
