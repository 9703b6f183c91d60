"""Warnings before a certificate expires."""

from __future__ import annotations

import datetime

from display_server.gateway.expiry import ExpiryWarnings

EXPIRES = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


def warnings_at(*before: datetime.timedelta) -> list[int | None]:
    warnings = ExpiryWarnings()
    return [warnings.due("server", b"1", EXPIRES, EXPIRES - left) for left in before]


def test_warns_45_14_and_3_days_before() -> None:
    assert warnings_at(46 * DAY, 45 * DAY, 14 * DAY, 3 * DAY) == [None, 45, 14, 3]


def test_warns_once_for_each() -> None:
    warnings = ExpiryWarnings()
    hours = [EXPIRES - 50 * DAY + count * HOUR for count in range(50 * 24)]
    given = [left for now in hours if (left := warnings.due("server", b"1", EXPIRES, now)) is not None]
    assert given == [45, 14, 3]


def test_a_server_that_starts_late_warns_at_once() -> None:
    assert warnings_at(10 * DAY, 9 * DAY, 2 * DAY) == [10, None, 2]


def test_an_expired_certificate_has_no_days_left() -> None:
    assert warnings_at(-5 * DAY) == [0]


def test_each_certificate_has_its_own_warnings() -> None:
    warnings = ExpiryWarnings()
    now = EXPIRES - 2 * DAY
    assert warnings.due("server", b"1", EXPIRES, now) == 2
    assert warnings.due("root", b"2", EXPIRES, now) == 2
    assert warnings.due("server", b"3", EXPIRES, now) == 2, "another certificate that expires as soon"
    assert warnings.due("root", b"2", EXPIRES, now) is None
