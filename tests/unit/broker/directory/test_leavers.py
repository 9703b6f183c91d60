"""Who has left, and who only seems to."""

from __future__ import annotations

import pytest

from display_server.broker.directory.account_state import AccountState
from display_server.broker.directory.accounts import Watched
from display_server.broker.directory.leavers import MISSING_MAX, LeaverJudge
from display_server.broker.directory.people import Person
from tests.unit.broker.directory.settings import person

NAMES = [f"nurse{number}" for number in range(40)]


def watched(names: list[str], *, signed_in: bool = True) -> list[Watched]:
    return [Watched(NAMES.index(name) + 1, name, f"id of {name}", signed_in) for name in names]


def found(names: list[str], **values: object) -> dict[str, Person]:
    return {name: person(name, **values) for name in names}


def test_people_of_the_directory_stay() -> None:
    verdict = LeaverJudge().judge(watched(NAMES), found(NAMES), has_anybody=True)
    assert (verdict.left, verdict.held) == ((), ())


@pytest.mark.parametrize("state", [AccountState.DISABLED, AccountState.EXPIRED])
def test_what_the_directory_says_of_a_person_counts_at_once(state: AccountState) -> None:
    people = found(NAMES) | found(NAMES[:1], state=state)
    verdict = LeaverJudge().judge(watched(NAMES), people, has_anybody=True)
    assert verdict.left == ((watched(NAMES)[0], state.value),)


def test_it_counts_for_any_number_of_people() -> None:
    people = found(NAMES, state=AccountState.DISABLED)
    assert len(LeaverJudge().judge(watched(NAMES), people, has_anybody=True).left) == len(NAMES)


def test_a_password_that_must_be_changed_signs_nobody_out() -> None:
    people = found(NAMES, state=AccountState.MUST_CHANGE_PASSWORD)
    assert LeaverJudge().judge(watched(NAMES), people, has_anybody=True).left == ()


def test_absence_counts_when_it_is_seen_twice() -> None:
    judge, asked = LeaverJudge(), watched(NAMES)
    assert judge.judge(asked, found(NAMES[1:]), has_anybody=True).left == ()
    assert judge.judge(asked, found(NAMES[1:]), has_anybody=True).left == (
        (asked[0], "not in the directory"),
    )


def test_absence_that_passes_does_not_count() -> None:
    judge, asked = LeaverJudge(), watched(NAMES)
    for people in (found(NAMES[1:]), found(NAMES), found(NAMES[1:]), found(NAMES)):
        assert judge.judge(asked, people, has_anybody=True).left == ()


def test_somebody_else_with_the_same_name_is_absence() -> None:
    judge, asked = LeaverJudge(), watched(NAMES)
    people = found(NAMES) | {NAMES[0]: person(NAMES[0], directory_id="another one")}
    judge.judge(asked, people, has_anybody=True)
    assert [left.username for left, _ in judge.judge(asked, people, has_anybody=True).left] == [NAMES[0]]


def test_a_state_that_cannot_be_read_is_no_reason_to_sign_everybody_out() -> None:
    judge, people = LeaverJudge(), found(NAMES, state=AccountState.UNKNOWN)
    for _ in range(5):
        verdict = judge.judge(watched(NAMES), people, has_anybody=True)
        assert verdict.left == ()
        assert len(verdict.held) == len(NAMES)


@pytest.mark.parametrize("asked", [NAMES, NAMES[:1]])
def test_an_empty_directory_signs_nobody_out(asked: list[str]) -> None:
    judge = LeaverJudge()
    for _ in range(5):
        verdict = judge.judge(watched(asked), {}, has_anybody=False)
        assert verdict.left == ()
        assert len(verdict.held) == len(asked)


def test_many_who_disappear_at_once_are_held_and_the_others_are_not() -> None:
    judge, asked = LeaverJudge(), watched(NAMES)
    people = found(NAMES[MISSING_MAX + 1 :]) | found(NAMES[-1:], state=AccountState.DISABLED)
    for _ in range(5):
        verdict = judge.judge(asked, people, has_anybody=True)
        assert [left.username for left, _ in verdict.left] == NAMES[-1:]
        assert len(verdict.held) == MISSING_MAX + 1


def test_a_few_who_disappear_at_once_have_left() -> None:
    judge, asked = LeaverJudge(), watched(NAMES)
    judge.judge(asked, found(NAMES[MISSING_MAX:]), has_anybody=True)
    assert len(judge.judge(asked, found(NAMES[MISSING_MAX:]), has_anybody=True).left) == MISSING_MAX


def test_the_first_absence_before_a_suspicious_one_does_not_count() -> None:
    judge, asked = LeaverJudge(), watched(NAMES)
    judge.judge(asked, found(NAMES[1:]), has_anybody=True)
    judge.judge(asked, {}, has_anybody=False)
    assert judge.judge(asked, found(NAMES[1:]), has_anybody=True).left == ()


def test_people_with_nothing_but_a_cached_password_may_disappear_in_any_number() -> None:
    judge, asked = LeaverJudge(), watched(NAMES, signed_in=False)
    judge.judge(asked, {}, has_anybody=True)
    assert len(judge.judge(asked, {}, has_anybody=True).left) == len(NAMES)
