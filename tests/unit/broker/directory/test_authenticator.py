"""Who signs in with a password of the directory, and what others learn from being refused."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from display_server.broker.authenticator import PasswordUncheckable, SignInRefused
from display_server.broker.directory.account_state import AccountState, BindOutcome
from display_server.broker.directory.authenticator import REFUSAL_S
from display_server.broker.directory.client import BindAnswer
from display_server.broker.directory.errors import DirectoryBusy, DirectoryUnclear
from display_server.broker.passwords import TooManySignIns
from display_server.broker.web_sessions import SignInOutdatedError
from display_server.errors import ConfigurationError
from tests.unit.broker.directory.conftest import Hospital
from tests.unit.broker.directory.settings import person


async def test_the_first_sign_in_creates_the_account(hospital: Hospital) -> None:
    hospital.directory.groups["kim"] = ("nurses", "ward-3")
    account = await hospital.verify()
    assert account is not None
    assert (account.username, account.display_name, account.origin) == ("kim", "Kim", "directory")
    assert account.password_hash == ""
    assert hospital.groups == {"kim": ("nurses", "ward-3")}
    [event] = await hospital.accounts.events("kim")
    assert (event.action, event.operator) == ("added", "directory")
    again = await hospital.verify()
    assert again is not None
    assert again.id == account.id
    assert await hospital.web_sessions.create(again)


async def test_two_first_sign_ins_at_once_create_one_account(hospital: Hospital) -> None:
    both = await asyncio.gather(hospital.verify(), hospital.verify())
    assert {account.id for account in both if account is not None} == {1}
    assert len(await hospital.accounts.list_all()) == 1


async def test_a_changed_display_name_is_taken_over(hospital: Hospital) -> None:
    await hospital.verify()
    hospital.directory.people["kim"] = person("kim", display_name="김민수")
    account = await hospital.verify()
    assert account is not None
    assert account.display_name == "김민수"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("kim", "wrong password"),
        ("kim", ""),
        ("nobody", "right password"),
        ("k*", "right password"),
        ("*)(uid=*", "right password"),
        ("kim", "p" * 5000),
    ],
)
async def test_wrong_names_and_passwords_are_refused_alike(
    hospital: Hospital, username: str, password: str
) -> None:
    assert await hospital.verify(username, password) is None
    assert hospital.clock.slept_s == [REFUSAL_S]
    assert await hospital.accounts.list_all() == []


async def test_a_right_password_is_not_delayed(hospital: Hospital) -> None:
    await hospital.verify()
    assert hospital.clock.slept_s == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (BindOutcome.DISABLED, "account-disabled"),
        (BindOutcome.EXPIRED, "account-disabled"),
        (BindOutcome.PASSWORD_EXPIRED, "password-expired"),
        (BindOutcome.NOT_NOW, "sign-in-hours"),
    ],
)
async def test_refusals_after_the_right_password_are_explained(
    hospital: Hospital, outcome: BindOutcome, code: str
) -> None:
    hospital.directory.outcomes["kim"] = BindAnswer(outcome, "")
    with pytest.raises(SignInRefused) as refused:
        await hospital.verify()
    assert refused.value.code == code
    assert await hospital.accounts.find("kim") is None


async def test_a_lock_out_is_not_shown_because_the_password_may_be_wrong(hospital: Hospital) -> None:
    hospital.directory.outcomes["kim"] = BindAnswer(BindOutcome.WRONG, "775")
    with capture_logs() as log:
        assert await hospital.verify() is None
    assert "locked" in log[-1]["reason"]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (AccountState.DISABLED, "account-disabled"),
        (AccountState.EXPIRED, "account-disabled"),
        (AccountState.MUST_CHANGE_PASSWORD, "password-expired"),
    ],
)
async def test_a_state_that_the_directory_only_records_counts_as_well(
    hospital: Hospital, state: AccountState, code: str
) -> None:
    hospital.directory.people["kim"] = person("kim", state=state)
    with pytest.raises(SignInRefused) as refused:
        await hospital.verify()
    assert refused.value.code == code
    assert await hospital.verify(password="wrong password") is None


@pytest.mark.parametrize("values", [{"directory_id": ""}, {"state": AccountState.UNKNOWN}])
async def test_somebody_of_whom_too_little_is_known_is_refused(
    hospital: Hospital, values: dict[str, object]
) -> None:
    hospital.directory.people["kim"] = person("kim", **values)
    with capture_logs() as log, pytest.raises(PasswordUncheckable):
        await hospital.verify()
    assert "docs/directory.md" in log[-1]["next_step"]


async def test_groups_that_are_not_known_completely_let_nobody_in(hospital: Hospital) -> None:
    async def too_many(_person: object) -> tuple[str, ...]:
        raise DirectoryUnclear("Too many groups.", next_step="Fewer.")

    hospital.directory.groups_of = too_many  # type: ignore[method-assign, assignment]
    with pytest.raises(PasswordUncheckable):
        await hospital.verify()
    assert await hospital.accounts.find("kim") is None


async def test_a_local_account_keeps_its_name(hospital: Hospital) -> None:
    await hospital.accounts.add("kim", "a local password")
    assert await hospital.verify(password="right password") is None
    assert hospital.directory.binds == [], "the password of one is never sent to the other"
    local = await hospital.verify(password="a local password")
    assert local is not None
    assert local.origin == "local"


async def test_a_name_that_belonged_to_somebody_else_gives_nobody_the_homes(hospital: Hospital) -> None:
    await hospital.verify()
    hospital.directory.people["kim"] = person("kim", directory_id="another kim")
    with capture_logs() as log:
        assert await hospital.verify() is None
    assert "another" in log[-1]["cause"]
    assert "lightbox account delete kim" in log[-1]["next_step"]
    await hospital.accounts.delete("kim")
    assert await hospital.verify() is not None


async def test_an_account_that_is_disabled_here_cannot_sign_in(hospital: Hospital) -> None:
    account = await hospital.verify()
    assert account is not None
    await hospital.accounts.disable("kim")
    assert await hospital.verify() is None
    with pytest.raises(SignInOutdatedError):
        await hospital.web_sessions.create(account)


async def test_an_account_of_the_directory_has_no_password_here(hospital: Hospital) -> None:
    await hospital.verify()
    with pytest.raises(ConfigurationError, match="kept in the directory"):
        await hospital.accounts.set_password("kim", "a password of some length")
    for password in ("", "right password"):
        assert await hospital.accounts.verify("kim", password) is None


async def test_too_many_at_once_are_asked_to_try_again(hospital: Hospital) -> None:
    hospital.directory.failure = DirectoryBusy("Too many.", next_step="Try again.")
    with pytest.raises(TooManySignIns):
        await hospital.verify()


def test_a_domain_is_removed_before_attempts_are_counted(hospital: Hospital) -> None:
    assert hospital.authenticator.account_name(r"HOSPITAL\Kim") == "kim"
