from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from display_server.broker.pools.schedule import spare_at
from display_server.desktop.pool_settings import PoolSettings, SpareTimes, check_pool

#: 7 December 2026 is a Monday.
MORNING = SpareTimes("06:45", "09:00", 8, ["mon", "tue", "wed", "thu", "fri"])
NIGHT = SpareTimes("22:00", "06:00", 1, ["sun"])
POOL = PoolSettings(maximum=20, spare=2, schedule=[MORNING, NIGHT])


@pytest.mark.parametrize(
    ("local", "spare"),
    [
        ("2026-12-07T06:44:59", 2),
        ("2026-12-07T06:45:00", 8),
        ("2026-12-07T08:59:59", 8),
        ("2026-12-07T09:00:00", 2),
        ("2026-12-12T07:30:00", 2),  # a Saturday
        ("2026-12-06T21:59:59", 2),
        ("2026-12-06T22:00:00", 1),  # the night of Sunday …
        ("2026-12-07T05:59:59", 1),  # … reaches into Monday
        ("2026-12-07T22:00:00", 2),
        ("2026-12-08T05:00:00", 2),
    ],
)
def test_the_schedule_says_how_many_desktops_wait(local: str, spare: int) -> None:
    assert spare_at(POOL, datetime.fromisoformat(local)) == spare


def test_the_first_of_several_exceptions_counts() -> None:
    pool = PoolSettings(
        maximum=9, schedule=[SpareTimes("07:00", "08:00", 5), SpareTimes("00:00", "00:00", 3)]
    )
    assert spare_at(pool, datetime(2026, 12, 7, 7, 30)) == 5
    assert spare_at(pool, datetime(2026, 12, 7, 8, 0)) == 3


def test_the_configuration_names_the_times_from_and_to() -> None:
    text = '{"maximum": 4, "schedule": [{"from": "07:30", "to": "09:00", "spare": 3, "days": ["mon"]}]}'
    assert msgspec.json.decode(text, type=PoolSettings).schedule == [SpareTimes("07:30", "09:00", 3, ["mon"])]


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        (PoolSettings(maximum=0), "`maximum` must be from 1 to 1000, not 0"),
        (PoolSettings(maximum=1001), "`maximum` must be from 1 to 1000, not 1001"),
        (PoolSettings(maximum=3, spare=4), "`spare` must be from 0 to `maximum`, which is 3, not 4"),
        (PoolSettings(maximum=3, spare=-1), "not -1"),
        (PoolSettings(maximum=3, home="kept", spare=1), "`spare` must be 0"),
        (PoolSettings(maximum=3, home="kept", schedule=[SpareTimes("07:30", "09:00", 1)]), "must be 0"),
        (PoolSettings(maximum=3, kind="dedicated", home="discarded"), "keeps homes"),
        (PoolSettings(maximum=3, per_host=0), "`per_host` must be at least 1"),
        (PoolSettings(maximum=3, schedule=[SpareTimes("07:30", "09:00", 4)]), "which is 3, not 4"),
        (PoolSettings(maximum=3, schedule=[SpareTimes("7:30", "09:00", 1)]), "'7:30' is not a time"),
        (PoolSettings(maximum=3, schedule=[SpareTimes("07:30", "24:00", 1)]), "'24:00' is not a time"),
        (PoolSettings(maximum=3, schedule=[SpareTimes("07:30", "09:00", 1, ["monday"])]), "not monday"),
        (PoolSettings(maximum=3, schedule=[SpareTimes("07:30", "09:00", 1, [])]), "not nothing"),
        (PoolSettings(maximum=3, failures=0), "`failures` must be at least 1"),
        (PoolSettings(maximum=3, unattended_minutes=0), "`unattended_minutes` must be more than 0"),
        (PoolSettings(maximum=3, within_minutes=0), "`within_minutes` must be more than 0"),
    ],
)
def test_a_wrong_value_is_named(pool: PoolSettings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_pool(pool)


def test_a_right_pool_passes() -> None:
    check_pool(POOL)
