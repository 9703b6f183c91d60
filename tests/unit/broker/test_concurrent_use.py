"""Peaks of concurrent use are exact, by hour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from display_server.broker.concurrent_use import HOUR_S, Peak, Use, peaks, read_uses
from display_server.broker.store import Store
from display_server.broker.tables import Session


def test_desktops_that_follow_each_other_are_not_concurrent() -> None:
    uses = [Use("office", 0, 100), Use("office", 100, 200), Use("reading", 50, 150)]
    assert peaks(uses, 0, HOUR_S) == [Peak(0, "office", 1), Peak(0, "reading", 1)]


def test_a_desktop_counts_in_each_hour_that_it_touches() -> None:
    uses = [Use("office", HOUR_S - 1, 3 * HOUR_S), Use("office", 2 * HOUR_S, 2 * HOUR_S + 5)]
    found = peaks(uses, 0, 10 * HOUR_S)
    assert found == [Peak(0, "office", 1), Peak(HOUR_S, "office", 1), Peak(2 * HOUR_S, "office", 2)]


def test_what_lies_outside_of_the_time_is_left_out() -> None:
    uses = [Use("office", 0, 100 * HOUR_S), Use("office", 0, HOUR_S)]
    assert peaks(uses, 2 * HOUR_S, 3 * HOUR_S) == [Peak(2 * HOUR_S, "office", 1)]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)), max_size=12))
def test_the_peak_is_the_most_at_any_moment(times: list[tuple[int, int]]) -> None:
    uses = [Use("office", min(pair), max(pair)) for pair in times]
    found = {peak.hour_s: peak.peak for peak in peaks(uses, 0, 20_000)}
    moments = sorted({use.from_s for use in uses} | set(range(0, 20_000, HOUR_S)))
    wanted: dict[int, int] = {}
    for moment in moments:
        count = sum(use.from_s <= moment < use.until_s for use in uses)
        hour_s = int(moment // HOUR_S) * HOUR_S
        if count:
            wanted[hour_s] = max(wanted.get(hour_s, 0), count)
    assert found == wanted


async def test_reads_the_record_of_sessions(store: Store) -> None:
    def row(name: str, username: str, state: str, **times: float) -> dict[str, object]:
        values = {"created_s": 10.0, "changed_s": 20.0, "assigned_s": None, **times}
        return {
            "id": name,
            "username": username,
            "desktop": "office",
            "instance": "i",
            "state": state,
            **values,
        }

    async with store.begin() as db:
        for values in (
            row("old", "kim", "ended", changed_s=4.0),
            row("ended", "kim", "ended", changed_s=200.0),
            row("pool", "lee", "ready", assigned_s=50.0),
            row("waiting", "", "ready"),
            row("failed", "lee", "failed", changed_s=30.0),
        ):
            await db.execute(insert(Session).values(**values))
    found = await read_uses(store, 5.0, 300.0)
    assert sorted((use.from_s, use.until_s) for use in found) == [(10, 30), (10, 200), (50, 300)]
