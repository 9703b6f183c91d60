"""What works while the directory is away, and for how long."""

from __future__ import annotations

import pytest

from display_server.broker.authenticator import PasswordUncheckable, SignInRefused
from display_server.broker.directory.account_state import BindOutcome
from display_server.broker.directory.authenticator import REFUSAL_S
from display_server.broker.directory.cached_passwords import CLOCK_DIFFERENCE_S
from display_server.broker.directory.client import BindAnswer
from display_server.broker.passwords import Passwords, TooManySignIns
from tests.unit.broker.directory.conftest import Hospital
from tests.unit.broker.directory.settings import person

HOUR_S = 3600.0


async def test_without_the_policy_no_hash_is_kept_and_nobody_signs_in(hospital: Hospital) -> None:
    cookie = await hospital.sign_in()
    assert await hospital.cached_hash() is None
    hospital.directory.fail()
    with pytest.raises(PasswordUncheckable) as refused:
        await hospital.verify()
    assert not refused.value.compared
    assert await hospital.is_signed_in(cookie), "people who are signed in go on"


async def test_the_last_right_password_counts_for_the_configured_time(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()
    stored = await hospital.cached_hash()
    assert stored is not None
    assert stored.startswith("$argon2id$")
    hospital.directory.fail()
    hospital.clock.now_s += 8 * HOUR_S - 1
    account = await hospital.verify()
    assert account is not None
    assert await hospital.web_sessions.create(account)
    hospital.clock.now_s += 1
    with pytest.raises(PasswordUncheckable):
        await hospital.verify()


async def test_a_cached_sign_in_does_not_prolong_itself(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()
    hospital.directory.fail()
    for _ in range(7):
        hospital.clock.now_s += HOUR_S
        assert await hospital.verify() is not None
    hospital.clock.now_s += HOUR_S
    with pytest.raises(PasswordUncheckable):
        await hospital.verify()


async def test_a_clock_that_was_set_back_prolongs_nothing(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()
    hospital.directory.fail()
    hospital.clock.now_s -= HOUR_S
    with pytest.raises(PasswordUncheckable):
        await hospital.verify()


async def test_everybody_who_is_refused_gets_the_same_answer(hospital: Hospital) -> None:
    hospital.cached.valid_s = HOUR_S
    await hospital.accounts.add("admin", "a local password")
    await hospital.verify("kim")
    hospital.directory.fail()
    answers = []
    for username in ("kim", "lee", "nobody", "admin"):
        with pytest.raises(PasswordUncheckable) as refused:
            await hospital.verify(username, "wrong password")
        answers.append((refused.value.cause, refused.value.next_step))
    assert len(set(answers)) == 1
    assert hospital.clock.slept_s == [REFUSAL_S] * 4


async def test_guesses_count_as_failed_attempts(hospital: Hospital) -> None:
    hospital.cached.valid_s = HOUR_S
    await hospital.verify("kim")
    hospital.directory.fail()
    for username, compared in (("kim", True), ("lee", False)):
        with pytest.raises(PasswordUncheckable) as refused:
            await hospital.verify(username, "wrong password")
        assert refused.value.compared is compared


async def test_local_accounts_sign_in_all_the_same(hospital: Hospital) -> None:
    await hospital.accounts.add("admin", "a local password")
    hospital.directory.fail()
    assert await hospital.verify("admin", "a local password") is not None


async def test_a_new_password_replaces_the_cached_one(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()
    hospital.clock.now_s += HOUR_S
    hospital.directory.password = "the new password"
    hospital.directory.people["kim"] = person("kim", password_changed_s=hospital.clock.now_s)
    assert await hospital.verify(password="the new password") is not None
    hospital.directory.fail()
    assert await hospital.verify(password="the new password") is not None
    with pytest.raises(PasswordUncheckable):
        await hospital.verify(password="right password")


async def test_a_password_that_was_not_changed_is_not_hashed_again(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    hospital.directory.people["kim"] = person(
        "kim", password_changed_s=hospital.clock.now_s - CLOCK_DIFFERENCE_S - 1
    )
    await hospital.verify()
    first = await hospital.cached_hash()
    hospital.clock.now_s += 5 * HOUR_S
    await hospital.verify()
    assert await hospital.cached_hash() == first
    hospital.clock.now_s += 5 * HOUR_S
    hospital.directory.fail()
    assert await hospital.verify() is not None, "the second sign-in counts"


async def test_a_password_of_unknown_age_is_hashed_again(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()
    first = await hospital.cached_hash()
    await hospital.verify()
    assert await hospital.cached_hash() != first


async def test_a_hash_that_cannot_be_made_leaves_no_older_one(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()

    async def busy(_self: Passwords, _password: str) -> str:
        raise TooManySignIns("Too many.", next_step="Try again.")

    monkeypatch.setattr(Passwords, "hash", busy)
    assert await hospital.verify() is not None
    assert await hospital.cached_hash() is None


async def test_the_hash_goes_when_the_directory_refuses_the_account(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()
    hospital.directory.outcomes["kim"] = BindAnswer(BindOutcome.DISABLED, "533")
    with pytest.raises(SignInRefused):
        await hospital.verify()
    assert await hospital.cached_hash() is None


async def test_hashes_go_when_they_are_too_old_or_the_policy_is_off(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify("kim")
    hospital.clock.now_s += 5 * HOUR_S
    await hospital.verify("lee")
    hospital.clock.now_s += 5 * HOUR_S
    await hospital.cached.delete_outdated()
    assert await hospital.cached_hash("kim") is None
    assert await hospital.cached_hash("lee") is not None
    hospital.cached.valid_s = 0
    await hospital.cached.delete_outdated()
    assert await hospital.cached_hash("lee") is None


async def test_an_account_that_was_disabled_here_has_no_cached_sign_in(hospital: Hospital) -> None:
    hospital.cached.valid_s = 8 * HOUR_S
    await hospital.verify()
    await hospital.accounts.disable("kim")
    hospital.directory.fail()
    with pytest.raises(PasswordUncheckable):
        await hospital.verify()
