from __future__ import annotations

import dataclasses
import itertools

from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.pools.plan import (
    STARTING_MAX,
    Canaries,
    End,
    Member,
    Pool,
    Reason,
    Start,
    choose,
    free_places,
    plan,
)

POOL = Pool(definition="new", maximum=5, spare=2)


def member(place: int, **changes: object) -> Member:
    fields = {
        "session": f"s{place}",
        "place": place,
        "definition": "new",
        "assigned": False,
        "starting": False,
        "ending": False,
        "created_s": float(place),
    }
    return Member(**(fields | changes))  # type: ignore[arg-type]  # the names are checked by the class


def test_an_empty_pool_starts_its_spare_desktops() -> None:
    assert plan(POOL, []) == [Start(1), Start(2)]


def test_a_few_desktops_start_at_the_same_time() -> None:
    pool = dataclasses.replace(POOL, spare=5)
    assert plan(pool, []) == [Start(place + 1) for place in range(STARTING_MAX)]
    assert plan(pool, [member(1, starting=True)]) == [Start(2)]
    assert plan(pool, [member(1), member(2, starting=True), member(3, starting=True)]) == []


def test_assigned_desktops_are_replaced_by_spare_ones_up_to_the_maximum() -> None:
    assert plan(POOL, [member(1, assigned=True), member(2)]) == [Start(3)]
    people = [member(place, assigned=True) for place in (1, 2, 3, 4)]
    assert plan(POOL, people) == [Start(5)]
    assert plan(POOL, [*people, member(5)]) == []


def test_a_desktop_that_is_ending_keeps_its_place_but_does_not_wait() -> None:
    assert plan(POOL, [member(1, ending=True), member(2)]) == [Start(3)]


def test_what_an_older_definition_started_is_replaced_unless_somebody_has_it() -> None:
    members = [member(1, definition="old"), member(2, definition="old", assigned=True)]
    assert plan(POOL, members) == [End("s1", Reason.OUTDATED), Start(3), Start(4)]


def test_surplus_desktops_end_and_those_that_are_not_ready_first() -> None:
    pool = dataclasses.replace(POOL, spare=1)
    members = [member(1, starting=True), member(2), member(3)]
    assert plan(pool, members) == [End("s3", Reason.SURPLUS), End("s1", Reason.SURPLUS)]


def test_maintenance_and_removal_end_what_nobody_has() -> None:
    members = [member(1), member(2, assigned=True), member(3, starting=True), member(4, ending=True)]
    maintained = dataclasses.replace(POOL, maintenance=True)
    assert plan(maintained, members) == [End("s1", Reason.MAINTENANCE), End("s3", Reason.MAINTENANCE)]
    assert plan(None, members) == [End("s1", Reason.NO_POOL), End("s3", Reason.NO_POOL)]


def test_the_circuit_breaker_limits_starts() -> None:
    assert plan(dataclasses.replace(POOL, starts_allowed=0), []) == []
    assert plan(dataclasses.replace(POOL, starts_allowed=1), []) == [Start(1)]


def test_a_person_gets_the_oldest_desktop_that_is_ready_or_else_starting() -> None:
    members = [
        member(1, assigned=True),
        member(2, ending=True),
        member(3, definition="old"),
        member(4, starting=True),
        member(5, created_s=9),
        member(6, created_s=8),
    ]
    assert choose(POOL, members) == members[5]
    assert choose(POOL, members[:4]) == members[3]
    assert choose(POOL, members[:3]) is None
    assert choose(dataclasses.replace(POOL, maintenance=True), members) is None


MEMBERS = st.lists(
    st.builds(
        Member,
        session=st.just(""),
        place=st.integers(1, 8),
        definition=st.sampled_from(["new", "old"]),
        assigned=st.booleans(),
        starting=st.booleans(),
        ending=st.booleans(),
        created_s=st.floats(0, 9),
    ),
    unique_by=lambda found: found.place,
).map(lambda found: [dataclasses.replace(one, session=f"s{one.place}") for one in found])


@given(MEMBERS, st.integers(0, 8), st.integers(1, 8), st.sampled_from([None, 0, 1]), st.booleans())
def test_a_plan_reaches_what_was_ordered_and_touches_nobodys_desktop(
    members: list[Member], spare: int, maximum: int, allowed: int | None, maintenance: bool
) -> None:
    pool = Pool("new", maximum, min(spare, maximum), maintenance, allowed)
    people = {one.session for one in members if one.assigned}
    existing = len(members)
    for clock in itertools.count(10):
        actions = plan(pool, members)
        if not actions or clock == 60:
            break
        ends = {action.session for action in actions if isinstance(action, End)}
        starts = [action.place for action in actions if isinstance(action, Start)]
        assert not ends & people
        assert len(starts) <= STARTING_MAX
        assert set(starts) <= set(free_places(maximum, members))
        assert len(set(starts)) == len(starts)
        assert len(members) + len(starts) <= max(maximum, existing)
        # What was ordered happens: desktops end, and others become ready.
        members = [
            dataclasses.replace(one, starting=False)
            for one in members
            if one.session not in ends and not one.ending
        ]
        members += [member(place, session=f"new{place}-{clock}", created_s=float(clock)) for place in starts]
    assert actions == []
    waiting = [one for one in members if not one.assigned and not one.ending]
    if maintenance:
        assert waiting == []
    else:
        assert len(waiting) <= pool.spare
        assert all(one.definition == "new" for one in waiting)
        if allowed is None:
            assert len(waiting) == pool.spare or len(members) >= maximum


CANARY_POOL = dataclasses.replace(POOL, definition="old", canaries=Canaries("new", 1))


def test_a_canary_takes_the_place_of_one_that_waits() -> None:
    members = [member(1, definition="old"), member(2, definition="old")]
    assert plan(CANARY_POOL, members) == [Start(3, canary=True)]
    full = [*members, *(member(place, definition="old", assigned=True) for place in (3, 4, 5))]
    assert plan(CANARY_POOL, full) == [End("s2", Reason.CANARY)]
    assert plan(CANARY_POOL, [*members, member(3)]) == [End("s2", Reason.SURPLUS)]
    assert plan(CANARY_POOL, [members[0], member(3)]) == []


def test_a_canary_starts_although_no_desktop_ought_to_wait() -> None:
    pool = dataclasses.replace(CANARY_POOL, spare=0)
    assert plan(pool, []) == [Start(1, canary=True)]
    assert plan(pool, [member(1)]) == []
    assert plan(pool, [member(1, assigned=True), member(2, definition="old", assigned=True)]) == []


def test_people_get_canaries_as_well() -> None:
    assert choose(CANARY_POOL, [member(1)]) == member(1)
    assert choose(dataclasses.replace(CANARY_POOL, canaries=None), [member(1)]) is None


def test_desktops_that_people_have_end_only_after_the_deadline() -> None:
    members = [member(1, definition="old", assigned=True), member(2, assigned=True), member(3), member(4)]
    assert plan(POOL, members) == []
    assert plan(dataclasses.replace(POOL, ends_former=True), members) == [End("s1", Reason.RECOMPOSED)]


def test_a_host_has_at_most_so_many_desktops_of_a_pool() -> None:
    pool = dataclasses.replace(POOL, spare=5, per_host=1)
    assert plan(pool, []) == [Start(1)]
    assert plan(pool, [member(1, assigned=True)]) == []
    two = dataclasses.replace(pool, hosts=("a", "b"), per_host=2)
    assert plan(two, [member(1, host="a")]) == [Start(2, host="b"), Start(3, host="a")]
    assert plan(two, [member(place, host="ab"[place % 2]) for place in (1, 2, 3)]) == [Start(4, host="a")]
    assert plan(two, [member(place, host="ab"[place % 2]) for place in (1, 2, 3, 4)]) == []
