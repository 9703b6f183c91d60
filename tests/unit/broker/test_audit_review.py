"""The monthly review lists what is unusual, and the forms of export have every column."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

from display_server.broker.audit.chain import Row, hash_of_row, row_of
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role
from display_server.broker.audit.export import json_line, syslog_line, text_line
from display_server.broker.audit.limited_attempts import KEYS_MAX, WINDOW_S, Attempts, LimitedAttempts
from display_server.broker.audit.review import describe, review

KOREA = datetime.timezone(datetime.timedelta(hours=9))


def row(action: Action, hour: int, *, day: int = 1, **fields: Any) -> Row:
    at_s = datetime.datetime(2026, 11, day, hour, tzinfo=KOREA).timestamp()
    entry = AuditEntry(at_s, action, account="kim")
    return row_of(dataclasses.replace(entry, **fields), 1, "")


def test_lists_sign_ins_at_night_of_people_who_work_by_day() -> None:
    by_day = [row(Action.SIGN_IN, 9, day=day) for day in range(1, 10)]
    at_night = [row(Action.SIGN_IN, hour, account="lee") for hour in (22, 23, 2, 5)]
    found = review([*by_day, row(Action.SIGN_IN, 3), *at_night], KOREA)
    assert [(one.account, one.at_night, one.total) for one in found.night] == [("kim", 1, 10)]
    assert review([*by_day, row(Action.SIGN_IN, 3)], datetime.UTC).night == [], "there it is evening"


def test_lists_accounts_that_open_many_desktops_in_a_day() -> None:
    many = [row(Action.DESKTOP_OPENED, 9, object=f"desktop:kim/d{number}") for number in range(5)]
    few = [row(Action.DESKTOP_OPENED, 9, day=2, object="desktop:kim/d0") for _ in range(19)]
    (mass,) = review([*many, *few], KOREA).mass_access
    assert (mass.account, mass.day, mass.desktops, mass.openings) == ("kim", "2026-11-01", 5, 5)
    assert len(review([*many, *few, few[0]], KOREA).mass_access) == 2


def test_lists_refused_sign_ins_and_acts_of_operators() -> None:
    refused: dict[str, Any] = {"outcome": Outcome.REFUSED, "role": Role.NOBODY, "address": "192.0.2.7"}
    rows = [row(Action.SIGN_IN, 9, **refused) for _ in range(10)]
    rows += [row(Action.ACCOUNT_DISABLED, 9, account="park", role=Role.OPERATOR)]
    found = review(rows, KOREA)
    assert [(one.name, one.count) for one in found.refused_accounts] == [("kim", 10)]
    assert [(one.name, one.count) for one in found.refused_addresses] == [("192.0.2.7", 10)]
    assert found.operators == {"park": 1}
    text = "\n".join(describe(found, "2026-11"))
    assert "Break-glass:\n  none" in text
    assert "account-disabled: 1" in text


def test_an_exported_row_has_all_that_its_hash_needs() -> None:
    original = row(Action.SIGN_IN, 9, reason='이유 "quoted"', outcome=Outcome.REFUSED)
    again = Row(**json.loads(json_line(original)))
    assert again == original
    assert hash_of_row(again) == original.hash
    head, _, content = syslog_line(original).partition(" - ")
    assert head.startswith("<84>1 2026-11-01T00:00:00.000000Z ")
    assert head.endswith(" sign-in")
    assert Row(**json.loads(content)) == original
    assert "kim  sign-in  refused" in text_line(original)


def test_attempts_that_were_refused_unread_are_summed_up() -> None:
    attempts = LimitedAttempts()
    for second in range(100):
        attempts.count("kim", "192.0.2.7", second / 10)
    attempts.count("lee", "192.0.2.7", 30.0)
    assert attempts.due(WINDOW_S - 1) == []
    assert attempts.due(WINDOW_S) == [Attempts("kim", "192.0.2.7", 100)]
    assert attempts.due(30.0 + WINDOW_S) == [Attempts("lee", "192.0.2.7", 1)]
    for number in range(KEYS_MAX + 5):
        attempts.count(f"person{number}", None, 0.0)
    assert Attempts(None, None, 5) in attempts.due(WINDOW_S)
